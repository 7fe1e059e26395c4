import { describe, expect, it } from "vitest";
import { averagePrecision } from "./average-precision.ts";
import { accuracy, precision, recall, reciprocalRank } from "./first-ranks.ts";
import { metricCutOptions, rankingMetrics } from "./ranking-metrics.ts";

// Relevant: a, b, c. They stand at ranks 2 and 4; c is not found.
const ranking = ["x", "a", "y", "b", "z"];
const judgements = new Map([
  ["a", 2],
  ["b", 1],
  ["c", 1],
  ["x", 0],
  ["y", -1],
]);

describe("metrics of a ranking", () => {
  it("equal hand-worked numbers", () => {
    expect(accuracy(ranking, judgements, 1)).toBe(0);
    expect(accuracy(ranking, judgements, 2)).toBe(1);
    expect(precision(ranking, judgements, 1)).toBe(0);
    expect(precision(ranking, judgements, 4)).toBe(2 / 4);
    // k ranks count, also ranks that the ranking does not fill.
    expect(precision(ranking, judgements, 10)).toBe(2 / 10);
    expect(recall(ranking, judgements, 2)).toBe(1 / 3);
    expect(recall(ranking, judgements, 5)).toBe(2 / 3);
    expect(reciprocalRank(ranking, judgements, 1)).toBe(0);
    expect(reciprocalRank(ranking, judgements, 2)).toBe(1 / 2);
    // (1/2 + 2/4) / min(k, 3)
    expect(averagePrecision(ranking, judgements, 100)).toBeCloseTo((1 / 2 + 2 / 4) / 3, 12);
    expect(averagePrecision(ranking, judgements, 2)).toBeCloseTo(1 / 2 / 2, 12);
    expect(averagePrecision(["a", "b"], judgements, 1)).toBe(1);
  });

  it("are 0 without relevant documents or hits", () => {
    for (const metric of [accuracy, precision, recall, reciprocalRank, averagePrecision]) {
      expect(metric(ranking, new Map([["x", 0]]), 5)).toBe(0);
      expect(metric([], judgements, 5)).toBe(0);
    }
  });

  it("refuse a k that is not a whole number of at least 1", () => {
    for (const metric of [accuracy, precision, recall, reciprocalRank, averagePrecision]) {
      for (const k of [0, -1, 2.5, Number.NaN]) {
        expect(() => metric(ranking, judgements, k)).toThrow("k must be a whole number of at least 1");
      }
    }
  });

  it("come together under the names of the reference", () => {
    const cuts = metricCutOptions.check("metrics", {
      accuracyAtK: [2],
      precisionRecallAtK: [4],
      mrrAtK: [],
      mapAtK: [100],
    });
    expect(Object.keys(rankingMetrics(ranking, judgements, cuts))).toEqual([
      "accuracy@2",
      "precision@4",
      "recall@4",
      "ndcg@10",
      "map@100",
    ]);
    expect(() => metricCutOptions.check("metrics", { mapAtK: [10, 0] })).toThrow("mapAtK: each k must be");
    expect(() => metricCutOptions.check("metrics", { ndcgAtK: [] })).toThrow(
      "ndcgAtK must hold at least one",
    );
    expect(() => metricCutOptions.check("metrics", { mrrAtK: 10 as never })).toThrow(
      "mrrAtK must be an array",
    );
  });
});
