import { describe, expect, it } from "vitest";
import { pearson, spearman } from "./correlation.ts";

describe("pearson", () => {
  it("equals hand-worked numbers", () => {
    // Differences from the mean (-1.5, -0.5, 0.5, 1.5) and (-0.5, -1.5, 1.5, 0.5): 3 / sqrt(5 * 5).
    expect(pearson([1, 2, 3, 4], [2, 1, 4, 3])).toBeCloseTo(0.6, 12);
    expect(pearson([1, 2, 3], [10, 20, 30])).toBeCloseTo(1, 12);
    expect(pearson([1, 2, 3], [3, 2, 1])).toBeCloseTo(-1, 12);
  });

  it("holds for numbers whose squares leave the range of a float64 when multiplied", () => {
    expect(pearson([1e100, 2e100, 3e100], [1e100, 3e100, 2e100])).toBeCloseTo(0.5, 12);
  });

  it("is NaN if one side is constant", () => {
    expect(pearson([0.1, 0.1, 0.1], [1, 2, 3])).toBeNaN();
    expect(pearson([1, 2, 3], [0.1, 0.1, 0.1])).toBeNaN();
  });

  it("refuses other lengths, one pair, and what is not a number", () => {
    expect(() => pearson([1, 2], [1])).toThrow("same length, received 2 and 1");
    expect(() => pearson([1], [1])).toThrow("at least 2 pairs");
    expect(() => pearson([1, Number.POSITIVE_INFINITY], [1, 2])).toThrow("finite numbers");
  });
});

describe("spearman", () => {
  it("equals the textbook example of intelligence and television hours", () => {
    // 1 - 6 * 194 / (10 * 99), the sum of squared rank differences being 194.
    const hours = [7, 0, 27, 50, 28, 29, 20, 12, 6, 17];
    expect(spearman([106, 86, 100, 101, 99, 103, 97, 113, 112, 110], hours)).toBeCloseTo(-29 / 165, 12);
  });

  it("gives equal numbers their mean rank", () => {
    // Ranks (1, 2, 3, 4) and (1.5, 1.5, 4, 3): 3.5 / sqrt(5 * 4.5); scipy.stats.spearmanr gives 0.7378647873726218.
    expect(spearman([1, 2, 3, 4], [10, 10, 30, 20])).toBeCloseTo(0.7378647873726218, 12);
  });

  it("refuses other lengths", () => {
    expect(() => spearman([1, 2], [1])).toThrow("same length");
  });
});
