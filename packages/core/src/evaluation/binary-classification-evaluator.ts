import { checkOptionNames } from "../options/index.ts";
import { type SimilarityFunction, SparseMatrix, similarityPairwise, sparsity } from "../vector/index.ts";
import {
  checkEncoder,
  type EncodingOptions,
  EncodingRun,
  type EvaluatedEncoder,
} from "./evaluated-encoder.ts";
import {
  checkEvaluateOptions,
  type EvaluateOptions,
  type Evaluation,
  type EvaluatorOptions,
  named,
} from "./evaluation.ts";
import { appendCsvRow, resultFileName } from "./files/result-files.ts";
import { averagePrecisionOfScores } from "./metrics/average-precision.ts";
import { bestAccuracyThreshold, bestF1Threshold, matthewsCorrelation } from "./metrics/classification.ts";
import { checkBinary } from "./metrics/labelled-scores.ts";
import { functionsOf } from "./score-function.ts";
import {
  type LabelledPairs,
  resolveSimilarityOptions,
  type SimilaritySettings,
  toLabelledPairs,
} from "./similarity-options.ts";
import { sparsityMetrics } from "./sparsity-tally.ts";

/** Options of a {@link BinaryClassificationEvaluator}. */
export interface BinaryClassificationOptions extends EncodingOptions, EvaluatorOptions {
  readonly sentences1: readonly string[];
  /** The second text of each pair, in the order of the first ones. */
  readonly sentences2: readonly string[];
  /** 1 for a pair of similar texts, 0 for another. */
  readonly labels: readonly number[];
  /** Similarity functions, each with metrics of its own. Default: the encoder's. */
  readonly similarityFunctions?: readonly SimilarityFunction[];
}

const optionNames: readonly (keyof BinaryClassificationOptions)[] = [
  "sentences1",
  "sentences2",
  "labels",
  "similarityFunctions",
  "batchSize",
  "maxActiveDims",
  "name",
  "writeCsv",
];

/**
 * Measures how well a threshold on the similarity of two texts tells similar pairs from others. Metrics are, for each
 * similarity function, `accuracy` and `f1` at their best thresholds, `accuracy_threshold`, `f1_threshold`, `precision`,
 * `recall` and `mcc` (Matthews correlation) at the threshold of F1, and `ap` (average precision), all as
 * `{similarity}_{metric}`; with several functions the largest of each as `max_{metric}`; and `active_dims` and
 * `sparsity_ratio` of the distinct texts. As `SparseBinaryClassificationEvaluator` of sentence-transformers: thresholds of
 * euclidean and manhattan are distances, of which smaller is better.
 */
export class BinaryClassificationEvaluator {
  private readonly pairs: LabelledPairs;
  private readonly settings: SimilaritySettings;

  /** @throws SparseEncoderError `INVALID_ARGUMENT`, `INVALID_TEXT`, `UNKNOWN_OPTION` */
  constructor(options: BinaryClassificationOptions) {
    checkOptionNames("BinaryClassificationEvaluator", options ?? null, optionNames);
    this.pairs = toLabelledPairs(options, "labels", options.labels, "0 and 1");
    checkBinary("BinaryClassificationEvaluator", this.pairs.labels, this.pairs.labels);
    this.settings = resolveSimilarityOptions(options, 32);
  }

  /** @throws SparseEncoderError `INVALID_ARGUMENT`, `ABORTED`, and what the encoder throws */
  async evaluate(encoder: EvaluatedEncoder, options: EvaluateOptions = {}): Promise<Evaluation> {
    checkEncoder("evaluate", encoder);
    checkEvaluateOptions("evaluate", options);
    const { encoding, name: evaluator, writeCsv } = this.settings;
    const { sentences1, sentences2, labels } = this.pairs;
    const functions = functionsOf(this.settings.functions, encoder, undefined);
    const distinct = [...new Set([...sentences1, ...sentences2])];
    const embeddings = await new EncodingRun(encoder, encoding, distinct.length, options).plain(distinct);
    const rows = new Map(distinct.map((text, row) => [text, row]));
    const side = (texts: readonly string[]) =>
      SparseMatrix.fromRows(
        texts.map((text) => embeddings.row(rows.get(text)!)),
        embeddings.dimension,
      );
    const [left, right] = [side(sentences1), side(sentences2)];
    const metrics: Record<string, number> = {};
    for (const name of functions) {
      const figures = classify(labels, similarityPairwise(left, right, name), name);
      for (const [metric, value] of Object.entries(figures)) metrics[`${name}_${metric}`] = value;
    }
    const tallies = sparsityMetrics("", sparsity(embeddings));
    if (options.outputPath !== undefined && writeCsv) {
      const file = resultFileName("binary_classification_evaluation", evaluator, "results.csv");
      await appendCsvRow(options.outputPath, file, [...Object.entries(metrics), ...Object.entries(tallies)]);
    }
    if (functions.length > 1) {
      for (const metric of metricNames) {
        metrics[`max_${metric}`] = Math.max(...functions.map((name) => metrics[`${name}_${metric}`]!));
      }
    }
    const primary = functions.length > 1 ? "max_ap" : `${functions[0]!}_ap`;
    return named(evaluator, primary, { ...metrics, ...tallies });
  }
}

const metricNames = [
  "accuracy",
  "accuracy_threshold",
  "f1",
  "f1_threshold",
  "precision",
  "recall",
  "ap",
  "mcc",
] as const;

function classify(
  labels: readonly number[],
  similarities: Float32Array,
  name: SimilarityFunction,
): Record<(typeof metricNames)[number], number> {
  const largerIsBetter = name === "dot" || name === "cosine";
  const scores = largerIsBetter ? similarities : similarities.map((similarity) => 0 - similarity);
  const accuracy = bestAccuracyThreshold(labels, scores, largerIsBetter);
  const f1 = bestF1Threshold(labels, scores, largerIsBetter);
  const predictions = Array.from(scores, (score) =>
    (largerIsBetter ? score >= f1.threshold : score <= f1.threshold) ? 1 : 0,
  );
  return {
    accuracy: accuracy.accuracy,
    accuracy_threshold: accuracy.threshold,
    f1: f1.f1,
    f1_threshold: f1.threshold,
    precision: f1.precision,
    recall: f1.recall,
    ap: averagePrecisionOfScores(labels, similarities),
    mcc: matthewsCorrelation(labels, predictions),
  };
}
