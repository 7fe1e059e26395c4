import { invalidArgument } from "../errors.ts";
import { DenseMatrix } from "./dense-matrix.ts";
import { denseSimilarity, denseSimilarityPairwise } from "./dense-similarity.ts";
import { type SimilarityFunction, similarity, similarityPairwise } from "./similarity.ts";
import { SparseMatrix } from "./sparse-matrix.ts";

/** Embeddings of texts, one per row: what a sparse or a dense encoder gives. */
export type EmbeddingMatrix = SparseMatrix | DenseMatrix;

/** By shape, not by class: two copies of this library may be loaded side by side. */
export function isSparseMatrix(matrix: EmbeddingMatrix): matrix is SparseMatrix {
  return "offsets" in matrix;
}

/**
 * Similarity of every row of `a` with every row of `b`: n arrays of m float32 numbers.
 * @throws SparseEncoderError `INVALID_ARGUMENT` for a sparse and a dense matrix, `INVALID_VECTOR` for other dimensions
 */
export function matrixSimilarity(
  a: EmbeddingMatrix,
  b: EmbeddingMatrix,
  name: SimilarityFunction,
): Float32Array[] {
  if (isSparseMatrix(a) && isSparseMatrix(b)) return similarity(a, b, name);
  if (!isSparseMatrix(a) && !isSparseMatrix(b)) return denseSimilarity(a, b, name);
  throw otherKinds();
}

/** Similarity of row i of `a` with row i of `b`: n float32 numbers. @throws SparseEncoderError as {@link matrixSimilarity} */
export function matrixSimilarityPairwise(
  a: EmbeddingMatrix,
  b: EmbeddingMatrix,
  name: SimilarityFunction,
): Float32Array {
  if (isSparseMatrix(a) && isSparseMatrix(b)) return similarityPairwise(a, b, name);
  if (!isSparseMatrix(a) && !isSparseMatrix(b)) return denseSimilarityPairwise(a, b, name);
  throw otherKinds();
}

/** A matrix of the rows at these positions, in this order; a position may come several times. */
export function rowsAt(matrix: EmbeddingMatrix, positions: readonly number[]): EmbeddingMatrix {
  if (isSparseMatrix(matrix)) {
    return SparseMatrix.fromRows(
      positions.map((position) => matrix.row(position)),
      matrix.dimension,
    );
  }
  const values = new Float32Array(positions.length * matrix.dimension);
  positions.forEach((position, row) => {
    values.set(matrix.row(position), row * matrix.dimension);
  });
  return new DenseMatrix(values, matrix.dimension);
}

function otherKinds(): Error {
  return invalidArgument(
    "similarity: one matrix is sparse, the other one dense; both must come from the same encoder.",
  );
}
