import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { intersection } from "./intersection.ts";
import { SparseMatrix } from "./sparse-matrix.ts";
import { SparseVector } from "./sparse-vector.ts";
import { sparsity } from "./sparsity.ts";

const row = fc.array(fc.integer({ min: -3, max: 3 }), { minLength: 9, maxLength: 9 });

describe("intersection", () => {
  it("is the positive part of the element-wise product, row by row", () => {
    fc.assert(
      fc.property(row, fc.array(row, { maxLength: 4 }), (a, rows) => {
        const expected = rows.map((b) => a.map((value, index) => Math.max(0, value * b[index]!)));
        const vector = SparseVector.fromDense(a);
        const shared = intersection(vector, SparseMatrix.fromDense(rows, 9));
        expect(shared.equals(SparseMatrix.fromDense(expected, 9))).toBe(true);
        for (const [position, b] of rows.entries()) {
          const single = intersection(vector, SparseVector.fromDense(b));
          expect(single.equals(shared.row(position))).toBe(true);
        }
      }),
    );
  });

  it("leaves out products that are zero or infinite in float32", () => {
    const a = new SparseVector([0, 1, 2], [1e-30, 1e30, 2], 3);
    expect([...intersection(a, a)]).toEqual([[2, 4]]);
  });

  it("refuses another dimension, and a matrix as the first embedding", () => {
    const a = new SparseVector([0], [1], 3);
    expect(() => intersection(a, new SparseVector([0], [1], 4))).toThrow("3 and 4 dimensions");
    const matrix = SparseMatrix.fromRows([a, a]);
    expect(() => intersection(matrix as unknown as SparseVector, a)).toThrow("must be one SparseVector");
  });
});

describe("sparsity", () => {
  it("is the mean over the rows", () => {
    const matrix = SparseMatrix.fromDense([
      [1, 0, 2, 0],
      [0, 0, 0, 3],
      [0, 0, 0, 0],
    ]);
    expect(sparsity(matrix)).toEqual({ activeDims: 1, sparsityRatio: 0.75 });
    expect(sparsity(matrix.row(0))).toEqual({ activeDims: 2, sparsityRatio: 0.5 });
    expect(sparsity(matrix.slice(1))).toEqual({ activeDims: 0.5, sparsityRatio: 0.875 });
  });

  it("is full without rows or dimensions", () => {
    expect(sparsity(SparseMatrix.fromRows([], 4))).toEqual({ activeDims: 0, sparsityRatio: 1 });
    expect(sparsity(new SparseVector([], [], 0))).toEqual({ activeDims: 0, sparsityRatio: 1 });
  });
});
