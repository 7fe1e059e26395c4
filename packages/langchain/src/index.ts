/**
 * Sparse and hybrid retrieval for LangChain.js: embeddings, vector stores, a retriever and a reranker.
 *
 * @module @sparse-encoder/langchain
 */
export type { DocumentFilter, PairScorer } from "@sparse-encoder/core/internal";
export type { DocumentCompressor } from "./compressor.ts";
export { CrossEncoderRerank, type CrossEncoderRerankOptions } from "./cross-encoder-rerank.ts";
export {
  DenseEmbeddings,
  type DenseEmbeddingsParams,
  type DenseEmbedOptions,
  type DenseTextEncoder,
} from "./dense-embeddings.ts";
export type { CallSettings } from "./retriever/call-settings.ts";
export { HybridRetriever } from "./retriever/hybrid-retriever.ts";
export type {
  HybridRetrieverArmsInput,
  HybridRetrieverCoreInput,
  HybridRetrieverInput,
  HybridRetrieverSettings,
} from "./retriever/hybrid-retriever-options.ts";
export type { IdKey } from "./retriever/id-key.ts";
export type { DocumentScores, RetrievalCallOptions } from "./retriever/retrieval-call.ts";
export { retrievalEventName } from "./retriever/retrieval-trace.ts";
export type {
  EmbeddingsArm,
  EncoderEmbeddings,
  HybridRetrieverArm,
  LangChainRetrieverArm,
} from "./retriever/retriever-arm.ts";
export { createRetrieverTool, type RetrieverToolOptions } from "./retriever/retriever-tool.ts";
export {
  SparseEmbeddings,
  type SparseEmbeddingsInterface,
  type SparseEmbeddingsParams,
  type SparseEmbedOptions,
  type SparseTextEncoder,
  type SparseVector,
} from "./sparse-embeddings.ts";
export { CoreVectorStore } from "./vector-store/core-vector-store.ts";
export { HybridVectorStore, type HybridVectorStoreConfig } from "./vector-store/hybrid-vector-store.ts";
export { SparseVectorStore, type SparseVectorStoreConfig } from "./vector-store/sparse-vector-store.ts";
export type {
  AddDocumentsOptions,
  RetrievalMode,
  SearchSettings,
} from "./vector-store/vector-store-options.ts";
export type { HybridVectorStoreRetriever } from "./vector-store/vector-store-retriever.ts";
