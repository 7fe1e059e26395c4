export { DenseMatrix } from "./dense-matrix.ts";
export type { DenseMetric } from "./dense-metric.ts";
export { denseSimilarity } from "./dense-similarity.ts";
export type { DimCounts } from "./dim-counts.ts";
export {
  type EmbeddingMatrix,
  isSparseMatrix,
  matrixSimilarity,
  matrixSimilarityPairwise,
  rowsAt,
} from "./embedding-matrix.ts";
export { intersection } from "./intersection.ts";
export type { SparseMatrixJson, SparseVectorJson } from "./json.ts";
export {
  checkSimilarityFunction,
  type SimilarityFunction,
  similarity,
  similarityFunctions,
  similarityPairwise,
  similarityRule,
} from "./similarity.ts";
export { SparseMatrix } from "./sparse-matrix.ts";
export { type SparseEntry, SparseVector, TRUSTED } from "./sparse-vector.ts";
export { type SparsityStatistics, sparsity } from "./sparsity.ts";
export { copyTopDims } from "./top-dims.ts";
