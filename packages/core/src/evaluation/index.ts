/**
 * Evaluators and metrics of retrieval, and the file formats of BEIR and TREC.
 *
 * @module @sparse-encoder/core/evaluation
 */
export type { Progress } from "../encoder/index.ts";
export {
  BinaryClassificationEvaluator,
  type BinaryClassificationOptions,
} from "./binary-classification-evaluator.ts";
export {
  EmbeddingSimilarityEvaluator,
  type EmbeddingSimilarityOptions,
} from "./embedding-similarity-evaluator.ts";
export type { EvaluableEncoder, EvaluatedEncodeOptions, EvaluatedEncoder } from "./evaluated-encoder.ts";
export type { EvaluateOptions, Evaluation } from "./evaluation.ts";
export {
  type BeirCollection,
  type BeirDocument,
  type BeirFolderOptions,
  readBeirFolder,
  readBeirQueries,
} from "./files/beir-folder.ts";
export type { DataFile } from "./files/data-file.ts";
export { type QrelsLayout, readQrels } from "./files/qrels.ts";
export { readTrecQrels, writeTrecQrels } from "./files/trec-qrels.ts";
export { readTrecRun, writeTrecRun } from "./files/trec-run.ts";
export {
  InformationRetrievalEvaluator,
  type InformationRetrievalOptions,
} from "./information-retrieval-evaluator.ts";
export { averagePrecision, averagePrecisionOfScores } from "./metrics/average-precision.ts";
export {
  type AccuracyThreshold,
  bestAccuracyThreshold,
  bestF1Threshold,
  type F1Threshold,
  matthewsCorrelation,
} from "./metrics/classification.ts";
export { pearson, spearman } from "./metrics/correlation.ts";
export { accuracy, precision, recall, reciprocalRank } from "./metrics/first-ranks.ts";
export type { Judgements, RelevantByQuery, RelevantDocuments } from "./metrics/judgements.ts";
export { ndcg, ndcgOfScores } from "./metrics/ndcg.ts";
export type { MetricCutOptions } from "./metrics/ranking-metrics.ts";
export { evaluateRun, type RankedDocument, type Run, type RunEvaluation } from "./metrics/run.ts";
export { type CollectionPrompts, NanoBeirEvaluator, type NanoBeirOptions } from "./nano-beir-evaluator.ts";
export {
  type FusionSample,
  ReciprocalRankFusionEvaluator,
  type ReciprocalRankFusionOptions,
} from "./reciprocal-rank-fusion-evaluator.ts";
export { RerankingEvaluator, type RerankingOptions, type RerankingSample } from "./reranking-evaluator.ts";
export type { RetrievalData } from "./retrieval-data.ts";
export type { RetrievalOptions } from "./retrieval-task.ts";
export type { ScoreFunction } from "./score-function.ts";
export type { TextCollection } from "./text-collection.ts";
export { TripletEvaluator, type TripletOptions } from "./triplet-evaluator.ts";
