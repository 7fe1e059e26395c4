import { type CheckedOptions, declareOptions } from "../options/index.ts";
import { matrixSimilarityPairwise, rowsAt, type SimilarityFunction } from "../vector/index.ts";
import { checkEncoder, EncodingRun, type EvaluableEncoder } from "./evaluated-encoder.ts";
import { checkEvaluateOptions, type EvaluateOptions, type Evaluation, named } from "./evaluation.ts";
import { appendCsvRow, resultFileName } from "./files/result-files.ts";
import { averagePrecisionOfScores } from "./metrics/average-precision.ts";
import { bestAccuracyThreshold, bestF1Threshold, matthewsCorrelation } from "./metrics/classification.ts";
import { checkBinary } from "./metrics/labelled-scores.ts";
import { functionsOf } from "./score-function.ts";
import {
  checkPairs,
  numberList,
  pairRules,
  type SimilarityOptions,
  similarityRules,
} from "./similarity-options.ts";
import { sparsityMetrics, sparsityOf } from "./sparsity-tally.ts";

/** Options of a {@link BinaryClassificationEvaluator}. */
export interface BinaryClassificationOptions extends SimilarityOptions {
  /** The first text of each pair. */
  readonly sentences1: readonly string[];
  /** The second text of each pair, in the order of the first ones. */
  readonly sentences2: readonly string[];
  /** 1 for a pair of similar texts, 0 for another. */
  readonly labels: readonly number[];
}

const evaluatorOptions = declareOptions<BinaryClassificationOptions>()({
  ...pairRules,
  labels: numberList("0 and 1").required(),
  ...similarityRules(32),
});

/**
 * Measures how well a threshold on the similarity of two texts tells similar pairs from others. Metrics are, for each
 * similarity function, `accuracy` and `f1` at their best thresholds, `accuracy_threshold`, `f1_threshold`, `precision`,
 * `recall` and `mcc` (Matthews correlation) at the threshold of F1, and `ap` (average precision), all as
 * `{similarity}_{metric}`; with several functions the largest of each as `max_{metric}`; and `active_dims` and
 * `sparsity_ratio` of the distinct texts. As `SparseBinaryClassificationEvaluator` of sentence-transformers: thresholds of
 * euclidean and manhattan are distances; smaller is better.
 */
export class BinaryClassificationEvaluator {
  private readonly options: CheckedOptions<typeof evaluatorOptions.rules>;

  /** @throws SparseEncoderError `INVALID_ARGUMENT`, `INVALID_TEXT`, `UNKNOWN_OPTION` */
  constructor(options: BinaryClassificationOptions) {
    this.options = evaluatorOptions.check("BinaryClassificationEvaluator", options);
    const { labels } = this.options;
    checkPairs(this.options, "labels", labels);
    checkBinary("BinaryClassificationEvaluator", labels, labels);
  }

  /** @throws SparseEncoderError `INVALID_ARGUMENT`, `ABORTED`, and what the encoder throws */
  async evaluate(encoder: EvaluableEncoder, options: EvaluateOptions = {}): Promise<Evaluation> {
    checkEncoder("evaluate", encoder);
    const call = checkEvaluateOptions("evaluate", options);
    const { sentences1, sentences2, labels, name: evaluator, writeCsv } = this.options;
    const functions = functionsOf(this.options.similarityFunctions, encoder, undefined);
    const distinct = [...new Set([...sentences1, ...sentences2])];
    const embeddings = await new EncodingRun(encoder, this.options, distinct.length, call).plain(distinct);
    const rows = new Map(distinct.map((text, row) => [text, row]));
    const side = (texts: readonly string[]) =>
      rowsAt(
        embeddings,
        texts.map((text) => rows.get(text)!),
      );
    const [left, right] = [side(sentences1), side(sentences2)];
    const metrics: Record<string, number> = {};
    for (const name of functions) {
      const figures = classify(labels, matrixSimilarityPairwise(left, right, name), name);
      for (const [metric, value] of Object.entries(figures)) metrics[`${name}_${metric}`] = value;
    }
    const tallies = sparsityMetrics("", sparsityOf(embeddings));
    if (call.outputPath !== undefined && writeCsv) {
      const file = resultFileName("binary_classification_evaluation", evaluator, "results.csv");
      await appendCsvRow(call.outputPath, file, [...Object.entries(metrics), ...Object.entries(tallies)]);
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
