import { invalidArgument, received } from "../errors.ts";
import { checkOptionNames } from "../options/index.ts";
import {
  type SimilarityFunction,
  similarityFunctions,
  similarityPairwise,
  sparsity,
} from "../vector/index.ts";
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
import { functionsOf } from "./score-function.ts";
import { resolveSimilarityOptions, type SimilaritySettings } from "./similarity-options.ts";
import { sparsityMetrics } from "./sparsity-tally.ts";
import { sameLength, toTextList } from "./text-collection.ts";

/** Options of a {@link TripletEvaluator}. */
export interface TripletOptions extends EncodingOptions, EvaluatorOptions {
  /** Encoded as queries. */
  readonly anchors: readonly string[];
  /** The text that should be closer to the anchor of the same position; encoded as a document. */
  readonly positives: readonly string[];
  /** The text that should be farther from it; encoded as a document. */
  readonly negatives: readonly string[];
  /** How much closer the positive must be, for all similarity functions or by name. Default 0. */
  readonly margin?: number | Readonly<Partial<Record<SimilarityFunction, number>>>;
  /** Similarity functions, each with a metric of its own. Default: the encoder's. */
  readonly similarityFunctions?: readonly SimilarityFunction[];
  /** The similarity function of the primary metric. Default: the only one, or the best of several. */
  readonly mainSimilarityFunction?: SimilarityFunction;
}

const optionNames: readonly (keyof TripletOptions)[] = [
  "anchors",
  "positives",
  "negatives",
  "margin",
  "similarityFunctions",
  "mainSimilarityFunction",
  "batchSize",
  "maxActiveDims",
  "name",
  "writeCsv",
];

/**
 * Measures how often an encoder finds the positive text closer to the anchor than the negative one:
 * similarity(anchor, positive) > similarity(anchor, negative) + margin. Metrics are `{similarity}_accuracy`, with several
 * functions also `max_accuracy`, and active dims and sparsity ratios of `anchor`, `positive` and `negative`; as
 * `SparseTripletEvaluator` of sentence-transformers.
 */
export class TripletEvaluator {
  private readonly anchors: readonly string[];
  private readonly positives: readonly string[];
  private readonly negatives: readonly string[];
  private readonly margin: (name: SimilarityFunction) => number;
  private readonly settings: SimilaritySettings;

  /** @throws SparseEncoderError `INVALID_ARGUMENT`, `INVALID_TEXT`, `UNKNOWN_OPTION` */
  constructor(options: TripletOptions) {
    checkOptionNames("TripletEvaluator", options ?? null, optionNames);
    this.anchors = toTextList("anchors", options.anchors);
    this.positives = toTextList("positives", options.positives);
    this.negatives = toTextList("negatives", options.negatives);
    sameLength({ anchors: this.anchors, positives: this.positives, negatives: this.negatives });
    this.margin = marginOf(options.margin ?? 0);
    this.settings = resolveSimilarityOptions(options, 16);
  }

  /** @throws SparseEncoderError `INVALID_ARGUMENT`, `ABORTED`, and what the encoder throws */
  async evaluate(encoder: EvaluatedEncoder, options: EvaluateOptions = {}): Promise<Evaluation> {
    checkEncoder("evaluate", encoder);
    checkEvaluateOptions("evaluate", options);
    const { main, encoding, name: evaluator, writeCsv } = this.settings;
    const functions = functionsOf(this.settings.functions, encoder, main);
    const run = new EncodingRun(encoder, encoding, 3 * this.anchors.length, options);
    const anchors = await run.queries(this.anchors);
    const positives = await run.documents(this.positives);
    const negatives = await run.documents(this.negatives);
    const accuracies: Record<string, number> = {};
    for (const name of functions) {
      const near = similarityPairwise(anchors, positives, name);
      const far = similarityPairwise(anchors, negatives, name);
      // The sum in float32, as the scores are.
      const limit = far.map((score) => score + this.margin(name));
      const right = near.filter((score, position) => score > limit[position]!).length;
      accuracies[name] = right / near.length;
    }
    const tallies = {
      ...sparsityMetrics("anchor", sparsity(anchors)),
      ...sparsityMetrics("positive", sparsity(positives)),
      ...sparsityMetrics("negative", sparsity(negatives)),
    };
    if (options.outputPath !== undefined && writeCsv) {
      const file = resultFileName("triplet_evaluation", evaluator, "results.csv");
      const row = functions.map((name): [string, number] => [`accuracy_${name}`, accuracies[name]!]);
      await appendCsvRow(options.outputPath, file, [...row, ...Object.entries(tallies)]);
    }
    const metrics: Record<string, number> = {};
    for (const name of functions) metrics[`${name}_accuracy`] = accuracies[name]!;
    if (functions.length > 1) metrics.max_accuracy = Math.max(...Object.values(accuracies));
    const primary = main ?? (functions.length > 1 ? "max" : functions[0]!);
    return named(evaluator, `${primary}_accuracy`, { ...metrics, ...tallies });
  }
}

function marginOf(margin: unknown): (name: SimilarityFunction) => number {
  if (typeof margin === "number" && Number.isFinite(margin)) return () => margin;
  if (typeof margin === "object" && margin !== null) {
    checkOptionNames("margin", margin, similarityFunctions);
    if (Object.values(margin).every((value) => Number.isFinite(value))) {
      const byName: Partial<Record<SimilarityFunction, number>> = margin;
      return (name) => byName[name] ?? 0;
    }
  }
  throw invalidArgument(
    `margin must be a number, or numbers by similarity function, received ${received(margin)}.`,
  );
}
