export type { CallSettings } from "./call-settings.ts";
export {
  type AddDocumentsOptions,
  CoreVectorStore,
  type RetrievalMode,
  type SearchSettings,
} from "./core-vector-store.ts";
export {
  DenseEmbeddings,
  type DenseEmbeddingsParams,
  type DenseEmbedOptions,
  type DenseTextEncoder,
} from "./dense-embeddings.ts";
export {
  HybridRetriever,
  type HybridRetrieverArmsInput,
  type HybridRetrieverCoreInput,
  type HybridRetrieverInput,
  type HybridRetrieverSettings,
} from "./hybrid-retriever.ts";
export { HybridVectorStore, type HybridVectorStoreConfig } from "./hybrid-vector-store.ts";
export type { DocumentScores, RetrievalCallOptions } from "./retrieval-call.ts";
export { retrievalEventName } from "./retrieval-trace.ts";
export type {
  EmbeddingsArm,
  EncoderEmbeddings,
  HybridRetrieverArm,
  IdKey,
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
