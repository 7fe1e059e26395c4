export type {
  ArmOptions,
  ArmSettings,
  CallArm,
  CallContext,
  EmbedArm,
  EncoderArm,
  FoundDocument,
  FunctionArm,
  RetrieveFunction,
  VectorArm,
} from "./arms/arm.ts";
export { armSettingOptions } from "./arms/arm-options.ts";
export type { ArmCallOptions, ArmEncoder, Embeddings, EmbedFunction } from "./arms/text-embedder.ts";
export {
  type DistributionScoreOptions,
  distributionScore,
  type FusionName,
  max,
  type RelativeScoreOptions,
  type RrfOptions,
  relativeScore,
  rrf,
} from "./fusion.ts";
export {
  type DeleteOptions,
  HybridRetriever,
  type HybridRetrieverOptions,
  type RetrieveEachOptions,
} from "./hybrid-retriever.ts";
export { type AddOptions, type AddProgress, type AddWording, addOptions } from "./ingestion/add-options.ts";
export { IngestionError } from "./ingestion/failure.ts";
export type { DocumentSource, NewDocument } from "./ingestion/new-document.ts";
export type { Fusion, FusionOptions, Rankings, ScoredId, Weights } from "./rankings.ts";
export type { RetrievalEvent } from "./retrieval-event.ts";
export type { RetrievalQuery } from "./retrieval-query.ts";
export type {
  ArmFailure,
  ArmPlace,
  MatchedTerm,
  RetrievalResult,
  RetrievedDocument,
} from "./retrieval-result.ts";
export {
  checkPairScorer,
  type EncoderRerank,
  type IdentifiedDocument,
  type Identify,
  type MmrOptions,
  type PairScorer,
  type Rerank,
  type RerankCandidate,
  type RetrievalSettings,
  retrievalSettingOptions,
  type Transform,
} from "./retrieval-settings.ts";
export type { RetrieveOptions, RetrieveRequest, RetrieveWording } from "./retrieve-call.ts";
