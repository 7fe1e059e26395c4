import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DenseMatrix } from "./dense-matrix.ts";
import { denseSimilarity } from "./dense-similarity.ts";
import {
  type SimilarityFunction,
  similarity,
  similarityFunctions,
  similarityPairwise,
} from "./similarity.ts";
import { SparseMatrix } from "./sparse-matrix.ts";
import { SparseVector } from "./sparse-vector.ts";

const sum = (numbers: number[]) => numbers.reduce((total, number) => total + number, 0);

/** The textbook definition over all dimensions. */
function naive(a: number[], b: number[], name: SimilarityFunction): number {
  const dot = sum(a.map((value, index) => value * b[index]!));
  const norms = Math.sqrt(sum(a.map((value) => value ** 2))) * Math.sqrt(sum(b.map((value) => value ** 2)));
  const differences = a.map((value, index) => Math.abs(value - b[index]!));
  switch (name) {
    case "dot":
      return dot;
    case "cosine":
      return norms === 0 ? 0 : dot / norms;
    case "euclidean":
      return -Math.sqrt(sum(differences.map((value) => value ** 2)));
    case "manhattan":
      return -sum(differences);
  }
}

const width = 12;
const float = fc.float({ min: -100, max: 100, noNaN: true });
const row = fc.array(fc.oneof(fc.constant(0), float), { minLength: width, maxLength: width });
const rows = fc.array(row, { minLength: 1, maxLength: 5 });

/** Within float32 rounding of the largest possible term. */
function expectClose(actual: number, expected: number): void {
  expect(Math.abs(actual - expected)).toBeLessThanOrEqual(1e-6 * Math.abs(expected) + 1e-9);
}

describe.each(similarityFunctions)("%s similarity", (name) => {
  it("equals the definition, for every pair of rows", () => {
    fc.assert(
      fc.property(rows, rows, (a, b) => {
        const scores = similarity(SparseMatrix.fromDense(a), SparseMatrix.fromDense(b), name);
        const dense = denseSimilarity(
          new DenseMatrix(Float32Array.from(a.flat()), width),
          new DenseMatrix(Float32Array.from(b.flat()), width),
          name,
        );
        expect(scores.map((line) => line.length)).toEqual(a.map(() => b.length));
        for (const [i, left] of a.entries()) {
          for (const [j, right] of b.entries()) {
            const expected = naive(left, right, name);
            expectClose(scores[i]![j]!, expected);
            expectClose(dense[i]![j]!, expected);
          }
        }
      }),
    );
  });

  it("is the same pairwise, for single vectors, and in a huge space", () => {
    fc.assert(
      fc.property(rows, (a) => {
        const left = SparseMatrix.fromDense(a);
        const right = SparseMatrix.fromDense(a.toReversed());
        const pairs = similarityPairwise(left, right, name);
        const all = similarity(left, right, name);
        expect(Array.from(pairs)).toEqual(a.map((_, i) => all[i]![i]!));
        expect(similarity(left.row(0), right.row(0), name)).toEqual([Float32Array.of(pairs[0]!)]);
        const stretch = (matrix: SparseMatrix) =>
          new SparseMatrix(
            matrix.offsets,
            matrix.indices.map((index) => index * 1e8),
            matrix.values,
            2e9,
          );
        expect(similarity(stretch(left), stretch(right), name)).toEqual(all);
      }),
    );
  });
});

describe("similarity", () => {
  const vector = new SparseVector([1], [2], 3);

  it("is 0 for the cosine with a vector of zeros", () => {
    const zero = new SparseVector([], [], 3);
    expect(similarity(vector, zero, "cosine")).toEqual([Float32Array.of(0)]);
    expect(similarity(zero, zero, "cosine")).toEqual([Float32Array.of(0)]);
  });

  it("is the dot product if nothing else is asked for", () => {
    expect(similarity(vector, vector)).toEqual([Float32Array.of(4)]);
    expect(similarityPairwise(vector, vector)).toEqual(Float32Array.of(4));
  });

  it("gives no rows for a matrix without rows", () => {
    const none = SparseMatrix.fromRows([], 3);
    expect(similarity(none, vector)).toEqual([]);
    expect(similarity(vector, none)).toEqual([Float32Array.of()]);
    expect(similarityPairwise(none, none)).toEqual(Float32Array.of());
  });

  it("refuses other dimensions, other numbers of rows, and unknown functions", () => {
    const other = new SparseVector([1], [2], 4);
    const invalid = expect.objectContaining({ code: "INVALID_VECTOR" });
    expect(() => similarity(vector, other)).toThrow(invalid);
    expect(() => similarityPairwise(vector, other)).toThrow(invalid);
    expect(() => denseSimilarity(Float32Array.of(1), Float32Array.of(1, 2), "dot")).toThrow(invalid);
    const two = SparseMatrix.fromRows([vector, vector]);
    expect(() => similarityPairwise(vector, two)).toThrow("the same number of rows, received 1 and 2");
    expect(() => similarity(vector, vector, "jaccard" as SimilarityFunction)).toThrow(
      "similarity must be one of dot, cosine, euclidean, manhattan, received 'jaccard'",
    );
  });
});
