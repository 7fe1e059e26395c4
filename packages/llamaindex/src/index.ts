/**
 * Sparse and hybrid retrieval for LlamaIndex.TS: embeddings, a vector store, a retriever and a reranker.
 *
 * @module @sparse-encoder/llamaindex
 */
export type { PairScorer } from "@sparse-encoder/core/internal";
export { CrossEncoderRerank, type CrossEncoderRerankOptions } from "./cross-encoder-rerank.ts";
export {
  DenseEmbedding,
  type DenseEmbeddingOptions,
  type DenseTextEncoder,
} from "./dense-embedding.ts";
export type { FusionMode } from "./fusion-mode.ts";
export { HybridRetriever } from "./hybrid-retriever.ts";
export type { HybridRetrieveOptions, HybridRetrieverOptions } from "./hybrid-retriever-options.ts";
export { NoDenseEmbedding } from "./no-dense-embedding.ts";
export type { NodeSelection } from "./node-selection.ts";
export {
  type AggregateFunction,
  type SignalOptions,
  SparseEmbedding,
  type SparseEmbeddingOptions,
  type SparseEmbedOptions,
  type SparseTextEncoder,
} from "./sparse-embedding.ts";
export { HybridVectorStore } from "./vector-store/hybrid-vector-store.ts";
export type {
  AddNodesOptions,
  HybridVectorStoreOptions,
  LoadOptions,
} from "./vector-store/hybrid-vector-store-options.ts";
export type { HybridQueryMode, HybridQueryParams } from "./vector-store/vector-store-query.ts";
export type {
  VectorStoreRetrieveOptions,
  VectorStoreRetriever,
  VectorStoreRetrieverOptions,
} from "./vector-store/vector-store-retriever.ts";
