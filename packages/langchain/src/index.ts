export type { DocumentFilter, PairScorer } from "@sparse-encoder/core/internal";
export type { CallSettings } from "./call-settings.ts";
export type { DocumentCompressor } from "./compressor.ts";
export { CoreVectorStore } from "./core-vector-store.ts";
export { CrossEncoderRerank, type CrossEncoderRerankOptions } from "./cross-encoder-rerank.ts";
export {
  DenseEmbeddings,
  type DenseEmbeddingsParams,
  type DenseEmbedOptions,
  type DenseTextEncoder,
} from "./dense-embeddings.ts";
export { HybridRetriever } from "./hybrid-retriever.ts";
export type {
  HybridRetrieverArmsInput,
  HybridRetrieverCoreInput,
  HybridRetrieverInput,
  HybridRetrieverSettings,
} from "./hybrid-retriever-options.ts";
export { HybridVectorStore, type HybridVectorStoreConfig } from "./hybrid-vector-store.ts";
export type { IdKey } from "./id-key.ts";
export type { DocumentScores, RetrievalCallOptions } from "./retrieval-call.ts";
export { retrievalEventName } from "./retrieval-trace.ts";
export type {
  EmbeddingsArm,
  EncoderEmbeddings,
  HybridRetrieverArm,
  LangChainRetrieverArm,
} from "./retriever-arm.ts";
export { createRetrieverTool, type RetrieverToolOptions } from "./retriever-tool.ts";
export {
  SparseEmbeddings,
  type SparseEmbeddingsInterface,
  type SparseEmbeddingsParams,
  type SparseEmbedOptions,
  type SparseTextEncoder,
  type SparseVector,
} from "./sparse-embeddings.ts";
export { SparseVectorStore, type SparseVectorStoreConfig } from "./sparse-vector-store.ts";
export type { AddDocumentsOptions, RetrievalMode, SearchSettings } from "./vector-store-options.ts";
export type { HybridVectorStoreRetriever } from "./vector-store-retriever.ts";
