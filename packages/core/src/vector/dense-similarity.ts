import { invalidArgument } from "../errors.ts";
import { DenseMatrix } from "./dense-matrix.ts";
import { checkSimilarityFunction, type SimilarityFunction } from "./similarity.ts";
import { sameDimension } from "./vector-checks.ts";

/**
 * Similarity of every row of `a` with every row of `b`: n arrays of m float32 numbers, as
 * {@link similarity} gives for sparse vectors. A vector counts as one row. Sums are in float64.
 */
export function denseSimilarity(
  a: Float32Array | DenseMatrix,
  b: Float32Array | DenseMatrix,
  name: SimilarityFunction,
): Float32Array[] {
  checkSimilarityFunction(name);
  const [left, right] = [asMatrix(a), asMatrix(b)];
  sameDimension("similarity", left, right);
  const columns = [...right];
  const norms = name === "cosine" ? columns.map(norm) : [];
  return Array.from(left, (row) => {
    const rowNorm = name === "cosine" ? norm(row) : 0;
    return Float32Array.from(columns, (column, position) =>
      name === "cosine" ? cosine(row, column, rowNorm * norms[position]!) : compare(row, column, name),
    );
  });
}

/** Similarity of row i of `a` with row i of `b`: n float32 numbers. Both need the same number of rows. */
export function denseSimilarityPairwise(
  a: DenseMatrix,
  b: DenseMatrix,
  name: SimilarityFunction,
): Float32Array {
  checkSimilarityFunction(name);
  sameDimension("similarityPairwise", a, b);
  if (a.length !== b.length) {
    throw invalidArgument(
      `similarityPairwise: both sides need the same number of rows, received ${a.length} and ${b.length}.`,
    );
  }
  return Float32Array.from(a, (row, position) => {
    const other = b.row(position);
    return name === "cosine" ? cosine(row, other, norm(row) * norm(other)) : compare(row, other, name);
  });
}

function asMatrix(vectors: Float32Array | DenseMatrix): DenseMatrix {
  return vectors instanceof Float32Array ? new DenseMatrix(vectors, vectors.length) : vectors;
}

function norm(row: Float32Array): number {
  return Math.sqrt(dot(row, row));
}

function cosine(a: Float32Array, b: Float32Array, norms: number): number {
  return norms === 0 ? 0 : dot(a, b) / norms;
}

function compare(a: Float32Array, b: Float32Array, name: Exclude<SimilarityFunction, "cosine">): number {
  if (name === "dot") return dot(a, b);
  let sum = 0;
  for (let index = 0; index < a.length; index++) {
    const difference = a[index]! - b[index]!;
    sum += name === "euclidean" ? difference * difference : Math.abs(difference);
  }
  return 0 - (name === "euclidean" ? Math.sqrt(sum) : sum);
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let index = 0; index < a.length; index++) sum += a[index]! * b[index]!;
  return sum;
}
