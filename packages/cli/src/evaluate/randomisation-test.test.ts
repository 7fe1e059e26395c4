import { describe, expect, it } from "vitest";
import { randomisationTest } from "./randomisation-test.ts";

describe("randomisationTest", () => {
  it("counts all sign changes of a few pairs, as by hand", () => {
    // Differences 1, 1, 1: of the 8 sums, 3 and -3 are as far from 0 as 3.
    expect(randomisationTest([0, 0, 0], [1, 1, 1])).toEqual({
      difference: 1,
      pValue: 0.25,
      pairs: 3,
      isExact: true,
    });
    // Differences 2, 1, -1: sums are 4, 2, 2, 0, 0, -2, -2, -4; six are at least 2 from 0.
    expect(randomisationTest([0, 0, 1], [2, 1, 0])).toMatchObject({ pValue: 0.75, difference: 2 / 3 });
  });

  it("finds nothing between equal systems", () => {
    expect(randomisationTest([0.1, 0.2], [0.1, 0.2])).toMatchObject({ difference: 0, pValue: 1 });
  });

  it("gives in a sample about what the binomial distribution says", () => {
    // 40 differences of 1, of which 27 are positive: P(|27 - 13| or more) = 2 P(X >= 27) with X of B(40, 1/2).
    const first = Array.from({ length: 40 }, (_, pair) => (pair < 27 ? 0 : 1));
    const second = first.map((value) => 1 - value);
    let tail = 0;
    let choose = 1;
    for (let k = 0; k <= 40; k++) {
      if (k >= 27) tail += choose / 2 ** 40;
      choose = (choose * (40 - k)) / (k + 1);
    }
    const { pValue, isExact } = randomisationTest(first, second);
    expect(isExact).toBe(false);
    expect(Math.abs(pValue - 2 * tail)).toBeLessThan(0.004);
  });
});
