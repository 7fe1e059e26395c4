import { describe, expect, it } from "vitest";
import { bestAccuracyThreshold, bestF1Threshold, matthewsCorrelation } from "./classification.ts";

// By falling score: 1, 1, 0, 1, 0, 0.
const labels = [1, 0, 1, 0, 1, 0];
const scores = [9, 6, 8, 3, 5, 2];

describe("thresholds", () => {
  it("equal hand-worked numbers", () => {
    // After ranks 1 to 5 right: 4, 5, 4, 5, 4 of 6; the first best cut lies between 8 and 6.
    expect(bestAccuracyThreshold(labels, scores)).toEqual({ accuracy: 5 / 6, threshold: 7 });
    // F1 after ranks 1 to 5: 1/2, 4/5, 2/3, 6/7, 3/4; the best cut lies between 5 and 3.
    expect(bestF1Threshold(labels, scores)).toEqual({
      f1: expect.closeTo(6 / 7, 12),
      precision: 3 / 4,
      recall: 1,
      threshold: 4,
    });
  });

  it("turn round for distances", () => {
    const distances = scores.map((score) => -score);
    expect(bestAccuracyThreshold(labels, distances, false)).toEqual({ accuracy: 5 / 6, threshold: -7 });
    expect(bestF1Threshold(labels, distances, false).threshold).toBe(-4);
  });

  it("have nothing to choose with one score or without a label 1", () => {
    expect(bestAccuracyThreshold([1], [5])).toEqual({ accuracy: 0, threshold: -1 });
    expect(bestF1Threshold([0, 0], [5, 4])).toEqual({ f1: 0, precision: 0, recall: 0, threshold: 0 });
  });

  it("refuse other labels and lengths", () => {
    expect(() => bestF1Threshold([0, 3], [1, 2])).toThrow("labels must be 0 or 1, received 3 at position 1");
    expect(() => bestAccuracyThreshold([0], [1, 2])).toThrow("same length");
  });
});

describe("matthewsCorrelation", () => {
  it("equals hand-worked numbers", () => {
    // TP 3, FP 1, TN 2, FN 0: 6 / sqrt(4 * 3 * 3 * 2).
    expect(matthewsCorrelation([1, 1, 1, 0, 0, 0], [1, 1, 1, 1, 0, 0])).toBeCloseTo(6 / Math.sqrt(72), 12);
    expect(matthewsCorrelation([1, 0], [1, 0])).toBe(1);
    expect(matthewsCorrelation([1, 0], [0, 1])).toBe(-1);
  });

  it("is 0 if one side has a single class", () => {
    expect(matthewsCorrelation([1, 0], [1, 1])).toBe(0);
    expect(matthewsCorrelation([0, 0], [0, 1])).toBe(0);
  });

  it("refuses predictions that are not 0 or 1", () => {
    expect(() => matthewsCorrelation([1, 0], [0.5, 1])).toThrow("must be 0 or 1");
  });
});
