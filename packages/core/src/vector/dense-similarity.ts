import { DenseMatrix } from "./dense-matrix.ts";
import { checkSimilarityFunction, type SimilarityFunction } from "./similarity.ts";
import { sameDimension } from "./vector-checks.ts";

/**
 * Similarity of every row of `a` with every row of `b`: n arrays of m float32 numbers, as
 * {@link similarity} gives for sparse vectors. A vector counts as one row.
 */
export function denseSimilarity(
  a: Float32Array | DenseMatrix,
  b: Float32Array | DenseMatrix,
  name: SimilarityFunction,
): Float32Array[] {
  checkSimilarityFunction(name);
  const [left, right] = [asMatrix(a), asMatrix(b)];
  sameDimension("similarity", left, right);
  const others = [...right];
  return Array.from(left, (row) => Float32Array.from(others, (other) => compare(row, other, name)));
}

function asMatrix(vectors: Float32Array | DenseMatrix): DenseMatrix {
  return vectors instanceof Float32Array ? new DenseMatrix(vectors, vectors.length) : vectors;
}

function compare(a: Float32Array, b: Float32Array, name: SimilarityFunction): number {
  let dot = 0;
  let squares = 0;
  let absolutes = 0;
  for (let index = 0; index < a.length; index++) {
    const difference = a[index]! - b[index]!;
    dot += a[index]! * b[index]!;
    squares += difference * difference;
    absolutes += Math.abs(difference);
  }
  switch (name) {
    case "dot":
      return dot;
    case "cosine": {
      const norms = Math.hypot(...a) * Math.hypot(...b);
      return norms === 0 ? 0 : dot / norms;
    }
    case "euclidean":
      return 0 - Math.sqrt(squares);
    case "manhattan":
      return 0 - absolutes;
  }
}
