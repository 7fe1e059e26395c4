import { invalidArgument, received } from "../errors.ts";
import { type CheckedOptions, checkOptionNames, declareOptions, rule } from "../options/index.ts";
import { matrixSimilarityPairwise, type SimilarityFunction, similarityFunctions } from "../vector/index.ts";
import { checkEncoder, EncodingRun, type EvaluableEncoder } from "./evaluated-encoder.ts";
import { checkEvaluateOptions, type EvaluateOptions, type Evaluation, named } from "./evaluation.ts";
import { appendCsvRow, resultFileName } from "./files/result-files.ts";
import { functionsOf, similarityName } from "./score-function.ts";
import { type SimilarityOptions, similarityRules } from "./similarity-options.ts";
import { sparsityMetrics, sparsityOf } from "./sparsity-tally.ts";
import { sameLength, textList } from "./text-collection.ts";

/** How much closer a positive text must be, for all similarity functions or by name. */
type Margin = number | Readonly<Partial<Record<SimilarityFunction, number>>>;

/** Options of a {@link TripletEvaluator}. */
export interface TripletOptions extends SimilarityOptions {
  /** Encoded as queries. */
  readonly anchors: readonly string[];
  /** The text that should be closer to the anchor of the same position; encoded as a document. */
  readonly positives: readonly string[];
  /** The text that should be farther from the anchor; encoded as a document. */
  readonly negatives: readonly string[];
  /** How much closer the positive must be, for all similarity functions or by name. Default 0. */
  readonly margin?: Margin | undefined;
  /** The similarity function of the primary metric. Default: the only one, or the best of several. */
  readonly mainSimilarityFunction?: SimilarityFunction | undefined;
}

const evaluatorOptions = declareOptions<TripletOptions>()({
  anchors: textList.required(),
  positives: textList.required(),
  negatives: textList.required(),
  margin: rule(checkMargin).default(0),
  mainSimilarityFunction: similarityName,
  ...similarityRules(16),
});

/**
 * Measures how often an encoder finds the positive text closer to the anchor than the negative one:
 * similarity(anchor, positive) > similarity(anchor, negative) + margin. Metrics are `{similarity}_accuracy`, with several
 * functions also `max_accuracy`, and active dims and sparsity ratios of `anchor`, `positive` and `negative`; as
 * `SparseTripletEvaluator` of sentence-transformers.
 */
export class TripletEvaluator {
  private readonly options: CheckedOptions<typeof evaluatorOptions.rules>;

  /** @throws SparseEncoderError `INVALID_ARGUMENT`, `INVALID_TEXT`, `UNKNOWN_OPTION` */
  constructor(options: TripletOptions) {
    this.options = evaluatorOptions.check("TripletEvaluator", options);
    const { anchors, positives, negatives } = this.options;
    sameLength({ anchors, positives, negatives });
  }

  /** @throws SparseEncoderError `INVALID_ARGUMENT`, `ABORTED`, and what the encoder throws */
  async evaluate(encoder: EvaluableEncoder, options: EvaluateOptions = {}): Promise<Evaluation> {
    checkEncoder("evaluate", encoder);
    const call = checkEvaluateOptions("evaluate", options);
    const { name: evaluator, writeCsv, mainSimilarityFunction: main } = this.options;
    const functions = functionsOf(this.options.similarityFunctions, encoder, main);
    const run = new EncodingRun(encoder, this.options, 3 * this.options.anchors.length, call);
    const anchors = await run.queries(this.options.anchors);
    const positives = await run.documents(this.options.positives);
    const negatives = await run.documents(this.options.negatives);
    const accuracies: Record<string, number> = {};
    for (const name of functions) {
      const near = matrixSimilarityPairwise(anchors, positives, name);
      const far = matrixSimilarityPairwise(anchors, negatives, name);
      const margin = marginFor(this.options.margin, name);
      // The sum in float32, as the scores are.
      const limit = far.map((score) => score + margin);
      const right = near.filter((score, position) => score > limit[position]!).length;
      accuracies[name] = right / near.length;
    }
    const tallies = {
      ...sparsityMetrics("anchor", sparsityOf(anchors)),
      ...sparsityMetrics("positive", sparsityOf(positives)),
      ...sparsityMetrics("negative", sparsityOf(negatives)),
    };
    if (call.outputPath !== undefined && writeCsv) {
      const file = resultFileName("triplet_evaluation", evaluator, "results.csv");
      const row = functions.map((name): [string, number] => [`accuracy_${name}`, accuracies[name]!]);
      await appendCsvRow(call.outputPath, file, [...row, ...Object.entries(tallies)]);
    }
    const metrics: Record<string, number> = {};
    for (const name of functions) metrics[`${name}_accuracy`] = accuracies[name]!;
    if (functions.length > 1) metrics.max_accuracy = Math.max(...Object.values(accuracies));
    const primary = main ?? (functions.length > 1 ? "max" : functions[0]!);
    return named(evaluator, `${primary}_accuracy`, { ...metrics, ...tallies });
  }
}

function marginFor(margin: Margin, name: SimilarityFunction): number {
  return typeof margin === "number" ? margin : (margin[name] ?? 0);
}

function checkMargin(value: unknown, name: string): Margin {
  if (typeof value === "number" && Number.isFinite(value)) return value;
  if (typeof value === "object" && value !== null) {
    checkOptionNames(name, value, similarityFunctions);
    if (Object.values(value).every((number) => Number.isFinite(number))) return value;
  }
  throw invalidArgument(
    `${name} must be a number, or numbers by similarity function, received ${received(value)}.`,
  );
}
