export {
  DenseEncoderEmbedding,
  type DenseEncoderEmbeddingOptions,
  type DenseTextEncoder,
} from "./dense-encoder-embedding.ts";
export type { FusionMode } from "./fusion-mode.ts";
export {
  type HybridRetrieveOptions,
  HybridRetriever,
  type HybridRetrieverOptions,
} from "./hybrid-retriever.ts";
export {
  type AddNodesOptions,
  HybridVectorStore,
  type HybridVectorStoreOptions,
  type NodeSelection,
} from "./hybrid-vector-store.ts";
export { NoDenseEmbedding } from "./no-dense-embedding.ts";
export {
  type AggregateFunction,
  SparseEmbedding,
  type SparseEmbeddingOptions,
  type SparseEmbedOptions,
  type SparseTextEncoder,
} from "./sparse-embedding.ts";
export type { HybridQueryMode, HybridQueryParams } from "./vector-store-query.ts";
export type {
  VectorStoreRetrieveOptions,
  VectorStoreRetriever,
  VectorStoreRetrieverOptions,
} from "./vector-store-retriever.ts";
