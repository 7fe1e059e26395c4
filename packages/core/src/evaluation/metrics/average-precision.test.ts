import { describe, expect, it } from "vitest";
import { averagePrecisionOfScores } from "./average-precision.ts";

describe("averagePrecisionOfScores", () => {
  it("equals the worked example of scikit-learn", () => {
    // Thresholds 0.8, 0.4, 0.35: precision 1, 1/2, 2/3 and recall 1/2, 1/2, 1.
    expect(averagePrecisionOfScores([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])).toBeCloseTo(1 / 2 + 2 / 3 / 2, 12);
  });

  it("takes equal scores as one threshold, in whatever order they come", () => {
    // All four at once: precision 1/2 at recall 1.
    expect(averagePrecisionOfScores([1, 1, 0, 0], [2, 2, 2, 2])).toBe(1 / 2);
    // 3: precision 1, recall 1/2; both 2s: precision 2/3, recall 1.
    for (const labels of [
      [1, 1, 0],
      [1, 0, 1],
    ]) {
      expect(averagePrecisionOfScores(labels, [3, 2, 2])).toBeCloseTo(1 / 2 + 1 / 3, 12);
    }
  });

  it("is 0 without a label 1", () => {
    expect(averagePrecisionOfScores([0, 0], [1, 2])).toBe(0);
  });

  it("refuses other labels, other lengths, and scores that are not numbers", () => {
    expect(() => averagePrecisionOfScores([0, 2], [1, 2])).toThrow("labels must be 0 or 1");
    expect(() => averagePrecisionOfScores([0], [1, 2])).toThrow("same length, received 1 and 2");
    expect(() => averagePrecisionOfScores([], [])).toThrow("must not be empty");
    expect(() => averagePrecisionOfScores([0, 1], [1, Number.NaN])).toThrow("received NaN at position 1");
  });
});
