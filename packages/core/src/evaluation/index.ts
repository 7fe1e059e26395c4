export { accuracy } from "./accuracy.ts";
export { averagePrecision, averagePrecisionOfScores } from "./average-precision.ts";
export {
  type BeirCollection,
  type BeirDocument,
  type BeirFolderOptions,
  readBeirFolder,
} from "./beir-folder.ts";
export {
  BinaryClassificationEvaluator,
  type BinaryClassificationOptions,
} from "./binary-classification-evaluator.ts";
export { pearson, spearman } from "./correlation.ts";
export {
  EmbeddingSimilarityEvaluator,
  type EmbeddingSimilarityOptions,
} from "./embedding-similarity-evaluator.ts";
export type { EvaluatedEncoder } from "./evaluated-encoder.ts";
export type { EvaluateOptions, Evaluation } from "./evaluation.ts";
export {
  InformationRetrievalEvaluator,
  type InformationRetrievalOptions,
} from "./information-retrieval-evaluator.ts";
export type { Judgements, RelevantByQuery, RelevantDocuments } from "./judgements.ts";
export { matthewsCorrelation } from "./matthews-correlation.ts";
export { type CollectionPrompts, NanoBeirEvaluator, type NanoBeirOptions } from "./nano-beir-evaluator.ts";
export { ndcg, ndcgOfScores } from "./ndcg.ts";
export { precision } from "./precision.ts";
export type { MetricCutOptions } from "./ranking-metrics.ts";
export { recall } from "./recall.ts";
export { reciprocalRank } from "./reciprocal-rank.ts";
export {
  type FusionSample,
  ReciprocalRankFusionEvaluator,
  type ReciprocalRankFusionOptions,
} from "./reciprocal-rank-fusion-evaluator.ts";
export { RerankingEvaluator, type RerankingOptions, type RerankingSample } from "./reranking-evaluator.ts";
export type { RetrievalData } from "./retrieval-data.ts";
export type { RetrievalOptions } from "./retrieval-task.ts";
export { evaluateRun, type RankedDocument, type Run, type RunEvaluation } from "./run.ts";
export type { ScoreFunction } from "./score-function.ts";
export {
  type AccuracyThreshold,
  bestAccuracyThreshold,
  bestF1Threshold,
  type F1Threshold,
} from "./score-threshold.ts";
export type { TextCollection } from "./text-collection.ts";
export { readTrecQrels, writeTrecQrels } from "./trec-qrels.ts";
export { readTrecRun, writeTrecRun } from "./trec-run.ts";
export { TripletEvaluator, type TripletOptions } from "./triplet-evaluator.ts";
