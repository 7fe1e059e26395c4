export {
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
  type DeleteTarget,
  type DenseMetric,
  type DurableStoreOptions,
  type FieldCondition,
  type Filter,
  type FilterNode,
  type FilterValue,
  MemoryStore,
  type MemoryStoreOptions,
  type Metadata,
  type MetadataValue,
  matches,
  parseFilter,
  type Store,
  type StoreCallOptions,
  type StoreCapabilities,
  type StoredDocument,
  type StoreHit,
  type StoreSearchOptions,
  type VectorField,
  type VectorSchema,
} from "./stores/index.ts";
export {
  DenseMatrix,
  type SimilarityFunction,
  type SparseEntry,
  SparseMatrix,
  SparseVector,
  type SparsityStatistics,
} from "./vector/index.ts";
