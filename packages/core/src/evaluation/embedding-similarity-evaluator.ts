import { checkOptionNames, invalidArgument, received } from "../errors.ts";
import {
  checkSimilarityFunction,
  type SimilarityFunction,
  similarityPairwise,
  sparsity,
} from "../vector/index.ts";
import { pearson, spearman } from "./correlation.ts";
import {
  checkEncoder,
  type EncodingOptions,
  EncodingRun,
  type EncodingSettings,
  type EvaluatedEncoder,
  resolveEncoding,
} from "./evaluated-encoder.ts";
import {
  checkEvaluateOptions,
  type EvaluateOptions,
  type Evaluation,
  type EvaluatorOptions,
  named,
  resolveEvaluatorOptions,
} from "./evaluation.ts";
import { checkLabelled } from "./labelled-scores.ts";
import { appendCsvRow, resultFileName } from "./result-files.ts";
import { checkSimilarityFunctions, functionsOf } from "./score-function.ts";
import { sparsityMetrics } from "./sparsity-tally.ts";
import { sameLength, toTextList } from "./text-collection.ts";

/** Options of an {@link EmbeddingSimilarityEvaluator}. */
export interface EmbeddingSimilarityOptions extends EncodingOptions, EvaluatorOptions {
  readonly sentences1: readonly string[];
  /** The second text of each pair, in the order of the first ones; at least 2 pairs. */
  readonly sentences2: readonly string[];
  /** How similar the texts of each pair are, on any scale. */
  readonly scores: readonly number[];
  /** Similarity functions, each with metrics of its own. Default: the main one, else the encoder's. */
  readonly similarityFunctions?: readonly SimilarityFunction[];
  /** The similarity function of the primary metric. Default: the only one, or the best of several. */
  readonly mainSimilarityFunction?: SimilarityFunction;
}

const optionNames: readonly (keyof EmbeddingSimilarityOptions)[] = [
  "sentences1",
  "sentences2",
  "scores",
  "similarityFunctions",
  "mainSimilarityFunction",
  "batchSize",
  "maxActiveDims",
  "name",
  "writeCsv",
];

/**
 * Measures how well similarities of embeddings follow scores that people gave. Metrics are `pearson_{similarity}` and
 * `spearman_{similarity}`, with several functions also `pearson_max` and `spearman_max`, and the mean `active_dims` and
 * `sparsity_ratio` of both sides; as `SparseEmbeddingSimilarityEvaluator` of sentence-transformers. A correlation is NaN
 * if all scores or all similarities are equal.
 */
export class EmbeddingSimilarityEvaluator {
  private readonly sentences1: readonly string[];
  private readonly sentences2: readonly string[];
  private readonly scores: readonly number[];
  private readonly functions: readonly SimilarityFunction[];
  private readonly main: SimilarityFunction | undefined;
  private readonly encoding: EncodingSettings;
  private readonly name: string;
  private readonly writeCsv: boolean;

  /** @throws SparseEncoderError `INVALID_ARGUMENT`, `INVALID_TEXT`, `UNKNOWN_OPTION` */
  constructor(options: EmbeddingSimilarityOptions) {
    checkOptionNames("EmbeddingSimilarityEvaluator", options ?? null, optionNames);
    this.sentences1 = toTextList("sentences1", options.sentences1);
    this.sentences2 = toTextList("sentences2", options.sentences2);
    if (!Array.isArray(options.scores)) {
      throw invalidArgument(`scores must be an array of numbers, received ${received(options.scores)}.`);
    }
    this.scores = options.scores;
    sameLength({ sentences1: this.sentences1, sentences2: this.sentences2, scores: this.scores });
    checkLabelled("EmbeddingSimilarityEvaluator", "scores", this.scores, this.scores);
    if (this.scores.length < 2) throw invalidArgument("A correlation needs at least 2 pairs, received 1.");
    checkSimilarityFunctions(options.similarityFunctions);
    this.functions = options.similarityFunctions ?? [];
    this.main = options.mainSimilarityFunction;
    if (this.main !== undefined) checkSimilarityFunction(this.main);
    this.encoding = resolveEncoding(options, 16);
    ({ name: this.name, writeCsv: this.writeCsv } = resolveEvaluatorOptions(options));
  }

  /** @throws SparseEncoderError `INVALID_ARGUMENT`, `ABORTED`, and what the encoder throws */
  async evaluate(encoder: EvaluatedEncoder, options: EvaluateOptions = {}): Promise<Evaluation> {
    checkEncoder("evaluate", encoder);
    checkEvaluateOptions("evaluate", options);
    const functions = functionsOf(this.functions, encoder, this.main);
    const run = new EncodingRun(encoder, this.encoding, 2 * this.scores.length, options);
    const left = await run.plain(this.sentences1);
    const right = await run.plain(this.sentences2);
    const metrics: Record<string, number> = {};
    for (const name of functions) {
      const similarities = similarityPairwise(left, right, name);
      metrics[`pearson_${name}`] = pearson(this.scores, similarities);
      metrics[`spearman_${name}`] = spearman(this.scores, similarities);
    }
    const [one, other] = [sparsity(left), sparsity(right)];
    const tallies = sparsityMetrics("", {
      activeDims: (one.activeDims + other.activeDims) / 2,
      sparsityRatio: (one.sparsityRatio + other.sparsityRatio) / 2,
    });
    if (options.outputPath !== undefined && this.writeCsv) {
      const file = resultFileName("similarity_evaluation", this.name, "results.csv");
      const row = functions.flatMap((name): [string, number][] => [
        [`${name}_pearson`, metrics[`pearson_${name}`]!],
        [`${name}_spearman`, metrics[`spearman_${name}`]!],
      ]);
      await appendCsvRow(options.outputPath, file, [...row, ...Object.entries(tallies)]);
    }
    if (functions.length > 1) {
      for (const kind of ["pearson", "spearman"]) {
        metrics[`${kind}_max`] = Math.max(...functions.map((name) => metrics[`${kind}_${name}`]!));
      }
    }
    const primary = this.main ?? (functions.length > 1 ? "max" : functions[0]!);
    return named(this.name, `spearman_${primary}`, { ...metrics, ...tallies });
  }
}
