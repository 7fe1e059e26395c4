import { expect, it } from "vitest";
import { toUnitVector } from "./unit-vector.ts";

it("scales vectors of any length to 1", () => {
  for (const length of [1e-37, 1e-20, 1e-4, 1, 1e20, 1e37]) {
    const [x, y] = toUnitVector(Float32Array.of(3 * length, 4 * length));
    expect(x).toBeCloseTo(0.6, 6);
    expect(y).toBeCloseTo(0.8, 6);
  }
  expect(toUnitVector(Float32Array.of(0, 0))).toEqual(Float32Array.of(0, 0));
});
