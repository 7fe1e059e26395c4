export { SparseEncoderError, type SparseEncoderErrorCode } from "./errors.ts";
export {
  type SimilarityFunction,
  type SparseEntry,
  SparseMatrix,
  SparseVector,
  type SparsityStatistics,
} from "./vector/index.ts";
