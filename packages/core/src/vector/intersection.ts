import { invalidArgument } from "../errors.ts";
import { SparseMatrix } from "./sparse-matrix.ts";
import { SparseVector } from "./sparse-vector.ts";
import { sameDimension } from "./vector-checks.ts";

/**
 * Element-wise product of two sparse vectors, or of one with each row of a matrix: which dimensions both
 * activate, and how much each adds to their dot product. Only positive products are kept.
 * Source: `SparseEncoder.intersection` of sentence-transformers.
 */
export function intersection(a: SparseVector, b: SparseVector): SparseVector;
export function intersection(a: SparseVector, b: SparseMatrix): SparseMatrix;
export function intersection(a: SparseVector, b: SparseVector | SparseMatrix): SparseVector | SparseMatrix;
export function intersection(a: SparseVector, b: SparseVector | SparseMatrix): SparseVector | SparseMatrix {
  if ("offsets" in a) {
    throw invalidArgument(
      "intersection: the first embedding must be one SparseVector, received a SparseMatrix.",
    );
  }
  sameDimension("intersection", a, b);
  return "offsets" in b
    ? SparseMatrix.fromRows(
        Array.from(b, (row) => product(a, row)),
        b.dimension,
      )
    : product(a, b);
}

function product(a: SparseVector, b: SparseVector): SparseVector {
  const indices: number[] = [];
  const values: number[] = [];
  let left = 0;
  let right = 0;
  while (left < a.indices.length && right < b.indices.length) {
    const difference = a.indices[left]! - b.indices[right]!;
    if (difference === 0) {
      // float32, as the weights are: a product that underflows to 0 is not stored.
      const value = Math.fround(a.values[left]! * b.values[right]!);
      if (value > 0 && Number.isFinite(value)) {
        indices.push(a.indices[left]!);
        values.push(value);
      }
    }
    if (difference <= 0) left++;
    if (difference >= 0) right++;
  }
  return new SparseVector(indices, values, a.dimension);
}
