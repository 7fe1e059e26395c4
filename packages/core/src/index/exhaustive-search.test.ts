import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SparseVector } from "../vector/index.ts";
import { exhaustiveSearch } from "./exhaustive-search.ts";

const row = fc.array(fc.integer({ min: -3, max: 3 }), { minLength: 8, maxLength: 8 });

describe("exhaustiveSearch", () => {
  it("ranks by dot product, then by id, what shares a term with the query", () => {
    fc.assert(
      fc.property(
        fc.array(row, { maxLength: 12 }),
        row,
        fc.integer({ min: 1, max: 14 }),
        (rows, query, topK) => {
          // Whole numbers of this size have exact sums.
          const expected = rows
            .map((values, number) => ({
              id: `d${number}`,
              score: values.reduce((sum, value, index) => sum + value * query[index]!, 0),
              shared: values.some((value, index) => value !== 0 && query[index] !== 0),
            }))
            .filter(({ shared }) => shared)
            .sort((a, b) => b.score - a.score || (a.id < b.id ? -1 : 1))
            .slice(0, topK)
            .map(({ id, score }) => ({ id, score: score + 0 }));
          const documents = rows.map(
            (values, number) => [`d${number}`, SparseVector.fromDense(values)] as const,
          );
          expect(exhaustiveSearch(documents, SparseVector.fromDense(query), { topK })).toEqual(expected);
        },
      ),
    );
  });

  it("sums in float32, in rising order of term", () => {
    const ones = new SparseVector([0, 1, 2], [1, 1, 1], 3);
    // 2^24 + 1 is no float32 number, so each of the two ones is lost; the other way round they are not.
    const falling = new SparseVector([0, 1, 2], [2 ** 24, 1, 1], 3);
    const rising = new SparseVector([0, 1, 2], [1, 1, 2 ** 24], 3);
    const hits = exhaustiveSearch(Object.entries({ falling, rising }), ones);
    expect(hits).toEqual([
      { id: "rising", score: 2 ** 24 + 2 },
      { id: "falling", score: 2 ** 24 },
    ]);
  });

  it("ranks sums that float32 cannot hold as infinite, by their first such term", () => {
    const documents = {
      up: new SparseVector([0], [3e38], 2),
      down: new SparseVector([0], [-3e38], 2),
      both: new SparseVector([0, 1], [3e38, -3e38], 2),
      finite: new SparseVector([0], [3e37], 2),
    };
    expect(exhaustiveSearch(Object.entries(documents), new SparseVector([0, 1], [10, 10], 2))).toEqual([
      { id: "both", score: Number.POSITIVE_INFINITY },
      { id: "up", score: Number.POSITIVE_INFINITY },
      { id: "finite", score: Math.fround(10 * Math.fround(3e37)) },
      { id: "down", score: Number.NEGATIVE_INFINITY },
    ]);
  });

  it("gives ten hits unless told otherwise", () => {
    const vector = new SparseVector([0], [1], 1);
    const documents = Array.from({ length: 12 }, (_, number) => [`d${number}`, vector] as const);
    expect(exhaustiveSearch(documents, vector)).toHaveLength(10);
    expect(exhaustiveSearch([], vector)).toEqual([]);
  });
});
