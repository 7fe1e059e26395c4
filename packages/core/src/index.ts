export {
  type Analyzer,
  type AnalyzerOptions,
  type Bm25EncodeOptions,
  Bm25Encoder,
  type Bm25EncoderOptions,
  type Bm25FitOptions,
  type Bm25Summary,
  type DecodedToken,
  type DenseEncodeOptions,
  DenseEncoder,
  type DenseEncoderOptions,
  type EncodeOptions,
  type EncodeProgress,
  type EncoderDescription,
  type LoadOptions,
  type SparseEncodeOptions,
  SparseEncoder,
  type SparseEncoderOptions,
} from "./encoder/index.ts";
export { SparseEncoderError, type SparseEncoderErrorCode } from "./errors.ts";
export { ndcg } from "./evaluation/index.ts";
export {
  exhaustiveSearch,
  InvertedIndex,
  type SearchHit,
  type SearchOptions,
  type TermContribution,
} from "./index/index.ts";
export {
  distributionScore,
  type Fusion,
  type FusionOptions,
  max,
  type Rankings,
  type RrfOptions,
  relativeScore,
  rrf,
  type ScoredId,
  type Weights,
} from "./retrieval/index.ts";
export {
  DenseMatrix,
  type SimilarityFunction,
  type SparseEntry,
  SparseMatrix,
  SparseVector,
  type SparsityStatistics,
} from "./vector/index.ts";
