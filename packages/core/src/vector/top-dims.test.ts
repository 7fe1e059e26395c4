import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SparseMatrix } from "./sparse-matrix.ts";
import { SparseVector } from "./sparse-vector.ts";

/** What a full sort keeps. */
function sortedTopDims(vector: SparseVector, count: number): [number, number][] {
  return ([...vector] as [number, number][])
    .sort((a, b) => Math.abs(b[1]) - Math.abs(a[1]) || a[0] - b[0])
    .slice(0, count)
    .sort((a, b) => a[0] - b[0]);
}

const row = (value: fc.Arbitrary<number>) =>
  fc.array(value, { minLength: 60, maxLength: 60 }).map((dense) => SparseVector.fromDense(dense));

describe("topDims", () => {
  it.each([
    // Few distinct weights: nearly all are ties.
    ["many ties", fc.integer({ min: -3, max: 3 })],
    ["few ties", fc.float({ noNaN: true, noDefaultInfinity: true })],
    ["equal weights", fc.constantFrom(-1, 1)],
    [
      "mostly zeros",
      fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.constant(1) }),
    ],
  ])("equals a full sort: %s", (_, value) => {
    fc.assert(
      fc.property(row(value), fc.integer({ min: 1, max: 70 }), (vector, count) => {
        expect([...vector.topDims(count)]).toEqual(sortedTopDims(vector, count));
      }),
    );
  });

  it("cuts each row of a matrix alike, rows shorter than the count too", () => {
    fc.assert(
      fc.property(
        fc.array(row(fc.integer({ min: -2, max: 2 })), { maxLength: 5 }),
        fc.integer({ min: 1, max: 70 }),
        (rows, count) => {
          const cut = SparseMatrix.fromRows(rows, 60).topDims(count);
          expect(cut.toRows().map((kept) => [...kept])).toEqual(
            rows.map((whole) => sortedTopDims(whole, count)),
          );
          expect(() => new SparseMatrix(cut.offsets, cut.indices, cut.values, 60)).not.toThrow();
        },
      ),
    );
  });

  it.each([
    ["rising", (index: number) => index + 1],
    ["falling", (index: number) => 20_000 - index],
    ["level", () => 1],
    ["organ pipe", (index: number) => Math.min(index, 19_999 - index) + 1],
  ])("cuts a long row of %s weights", (_, value) => {
    const vector = SparseVector.fromDense(Array.from({ length: 20_000 }, (_, index) => value(index)));
    expect([...vector.topDims(100)]).toEqual(sortedTopDims(vector, 100));
  });
});
