import { describe, expect, it } from "vitest";
import { ndcg } from "./ndcg.ts";

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

  it("refuses a k that is no whole number of at least 1", () => {
    for (const k of [0, -1, 1.5, Number.NaN]) expect(() => ndcg([], judgements, k)).toThrow("k must be");
  });
});
