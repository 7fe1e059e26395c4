import { expect } from "vitest";

/**
 * Expects numbers to equal the reference to 1e-5.
 * @param tolerance default 1e-5
 */
export function expectNumbers(
  actual: ArrayLike<number>,
  expected: readonly number[] | readonly number[][],
  tolerance = 1e-5,
): void {
  const wanted = expected.flat();
  expect(actual.length).toBe(wanted.length);
  const differences = Array.from(actual, (value, place) => Math.abs(value - wanted[place]!));
  const worst = Math.max(0, ...differences);
  expect(worst, `pair ${differences.indexOf(worst)}`).toBeLessThanOrEqual(tolerance);
}
