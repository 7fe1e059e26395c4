import { describe, expect, it } from "vitest";
import { toHalf } from "./half-weights.ts";

describe("toHalf", () => {
  it.each([
    [0, 0x0000],
    [-0, 0x8000],
    [1, 0x3c00],
    [-2, 0xc000],
    [0.333251953125, 0x3555],
    [65504, 0x7bff],
    // Half a step beyond the largest is infinite, less is not.
    [65519.99, 0x7bff],
    [65520, 0x7c00],
    [Number.POSITIVE_INFINITY, 0x7c00],
    [Number.NaN, 0x7e00],
    // Ties go to the even neighbour: 1 + 2^-11 to 1, 1 + 3 x 2^-11 to 1 + 2^-9.
    [1 + 2 ** -11, 0x3c00],
    [1 + 3 * 2 ** -11, 0x3c02],
    // The carry of rounding goes into the exponent.
    [1.99999, 0x4000],
    // Below 2^-14 numbers are multiples of 2^-24.
    [2 ** -14, 0x0400],
    [2 ** -24, 0x0001],
    [2 ** -25, 0x0000],
    [1.5 * 2 ** -24, 0x0002],
    [2 ** -14 - 2 ** -26, 0x0400],
    [1e-10, 0x0000],
  ])("gives %d the bits %i", (value, bits) => {
    expect(toHalf(Float32Array.of(value))[0]).toBe(bits);
  });

  it("gives every half its own bits", () => {
    for (let bits = 0; bits < 0x7c00; bits++) {
      const [exponent, fraction] = [bits >> 10, bits & 0x3ff];
      const value = exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15);
      if (toHalf(Float32Array.of(value))[0] !== bits) expect.fail(`${value} lost its bits ${bits}`);
    }
  });
});
