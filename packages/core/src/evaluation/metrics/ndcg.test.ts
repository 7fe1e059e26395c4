import { describe, expect, it } from "vitest";
import { ndcg, ndcgOfScores } from "./ndcg.ts";

const judgements = new Map([
  ["a", 3],
  ["b", 2],
  ["c", 1],
  ["d", 0],
]);

describe("ndcg", () => {
  it("is 1 for the ideal order, whatever follows", () => {
    expect(ndcg(["a", "b", "c", "x"], judgements, 10)).toBe(1);
  });

  it("equals a hand-worked ranking", () => {
    // DCG = 2/log2(2) + 0 + 3/log2(4) = 3.5; ideal = 3 + 2/log2(3) + 1/log2(4) = 4.76186
    expect(ndcg(["b", "x", "a"], judgements, 10)).toBeCloseTo(3.5 / 4.761859507142915, 12);
  });

  it("counts no rank beyond k, in the ranking and in the ideal", () => {
    expect(ndcg(["x", "a"], judgements, 1)).toBe(0);
    expect(ndcg(["b"], judgements, 1)).toBeCloseTo(2 / 3, 12);
  });

  it("is 0 without relevant documents or results", () => {
    expect(ndcg(["a"], new Map(), 10)).toBe(0);
    expect(ndcg(["d"], new Map([["d", 0]]), 10)).toBe(0);
    expect(ndcg([], judgements, 10)).toBe(0);
  });

  it("refuses a k that is not a whole number of at least 1", () => {
    for (const k of [0, -1, 1.5, Number.NaN]) expect(() => ndcg([], judgements, k)).toThrow("k must be");
  });
});

describe("ndcgOfScores", () => {
  it("equals a hand-worked ranking", () => {
    // Order c, a, b: 0 + 3/log2(3) + 1/2 = 2.39279; ideal 3 + 1/log2(3) = 3.63093.
    expect(ndcgOfScores([3, 1, 0], [2, 1, 3], 10)).toBeCloseTo(
      (3 / Math.log2(3) + 1 / 2) / (3 + 1 / Math.log2(3)),
      12,
    );
  });

  it("shares gain among equal scores, in whatever order they come, also across the cut", () => {
    // Both at ranks 1 and 2, each with gain 1/2: (1/2)(1 + 1/log2(3)) over 1.
    const shared = (1 + 1 / Math.log2(3)) / 2;
    expect(ndcgOfScores([1, 0], [5, 5], 10)).toBeCloseTo(shared, 12);
    expect(ndcgOfScores([0, 1], [5, 5], 10)).toBeCloseTo(shared, 12);
    expect(ndcgOfScores([1, 0, 0], [5, 5, 5], 1)).toBeCloseTo(1 / 3, 12);
    expect(ndcgOfScores([0, 0, 1], [5, 5, 5], 1)).toBeCloseTo(1 / 3, 12);
  });

  it("is 0 if all gains are 0", () => {
    expect(ndcgOfScores([0, 0], [1, 2], 10)).toBe(0);
  });

  it("refuses negative gains, other lengths and a k of 0", () => {
    expect(() => ndcgOfScores([-1], [1], 10)).toThrow("gains must be at least 0");
    expect(() => ndcgOfScores([1, 0], [1], 10)).toThrow("received 2 and 1");
    expect(() => ndcgOfScores([1], [1], 0)).toThrow("k must be");
  });
});
