export {
  type DecodedToken,
  type EncodeOptions,
  type EncodeProgress,
  SparseEncoder,
  type SparseEncoderOptions,
} from "./encoder/index.ts";
export { SparseEncoderError, type SparseEncoderErrorCode } from "./errors.ts";
export { ndcg } from "./evaluation/index.ts";
export {
  type SimilarityFunction,
  type SparseEntry,
  SparseMatrix,
  SparseVector,
  type SparsityStatistics,
} from "./vector/index.ts";
