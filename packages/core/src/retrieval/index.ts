export type {
  ArmOptions,
  ArmSettings,
  CallContext,
  EmbedArm,
  EncoderArm,
  FoundDocument,
  FunctionArm,
  RetrieveFunction,
  VectorArm,
} from "./arm.ts";
export {
  type DistributionScoreOptions,
  distributionScore,
  type Fusion,
  type FusionName,
  type FusionOptions,
  max,
  type Rankings,
  type RelativeScoreOptions,
  type RrfOptions,
  relativeScore,
  rrf,
  type ScoredId,
  type Weights,
} from "./fusion.ts";
export { HybridRetriever } from "./hybrid-retriever.ts";
export {
  type AddOptions,
  type AddProgress,
  type DocumentSource,
  IngestionError,
  type NewDocument,
} from "./ingestion/ingestion.ts";
export type { RetrievalEvent } from "./retrieval-event.ts";
export type {
  ArmFailure,
  ArmPlace,
  HybridRetrieverOptions,
  MatchedTerm,
  MmrOptions,
  Rerank,
  RerankCandidate,
  RetrievalResult,
  RetrievalSettings,
  RetrievedDocument,
  RetrieveOptions,
  RetrieveRequest,
} from "./retrieve-call.ts";
export type { ArmCallOptions, ArmEncoder, Embeddings, EmbedFunction } from "./text-embedder.ts";
