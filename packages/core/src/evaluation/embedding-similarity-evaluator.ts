import { invalidArgument } from "../errors.ts";
import { checkOptionNames } from "../options/index.ts";
import { type SimilarityFunction, similarityPairwise, sparsity } from "../vector/index.ts";
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
import { pearson, spearman } from "./metrics/correlation.ts";
import { checkLabelled } from "./metrics/labelled-scores.ts";
import { functionsOf } from "./score-function.ts";
import {
  type LabelledPairs,
  resolveSimilarityOptions,
  type SimilaritySettings,
  toLabelledPairs,
} from "./similarity-options.ts";
import { sparsityMetrics } from "./sparsity-tally.ts";

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
  private readonly pairs: LabelledPairs;
  private readonly settings: SimilaritySettings;

  /** @throws SparseEncoderError `INVALID_ARGUMENT`, `INVALID_TEXT`, `UNKNOWN_OPTION` */
  constructor(options: EmbeddingSimilarityOptions) {
    checkOptionNames("EmbeddingSimilarityEvaluator", options ?? null, optionNames);
    this.pairs = toLabelledPairs(options, "scores", options.scores, "numbers");
    const { labels: scores } = this.pairs;
    checkLabelled("EmbeddingSimilarityEvaluator", "scores", scores, scores);
    if (scores.length < 2) throw invalidArgument("A correlation needs at least 2 pairs, received 1.");
    this.settings = resolveSimilarityOptions(options, 16);
  }

  /** @throws SparseEncoderError `INVALID_ARGUMENT`, `ABORTED`, and what the encoder throws */
  async evaluate(encoder: EvaluatedEncoder, options: EvaluateOptions = {}): Promise<Evaluation> {
    checkEncoder("evaluate", encoder);
    checkEvaluateOptions("evaluate", options);
    const { main, encoding, name: evaluator, writeCsv } = this.settings;
    const { sentences1, sentences2, labels: scores } = this.pairs;
    const functions = functionsOf(this.settings.functions, encoder, main);
    const run = new EncodingRun(encoder, encoding, 2 * scores.length, options);
    const left = await run.plain(sentences1);
    const right = await run.plain(sentences2);
    const metrics: Record<string, number> = {};
    for (const name of functions) {
      const similarities = similarityPairwise(left, right, name);
      metrics[`pearson_${name}`] = pearson(scores, similarities);
      metrics[`spearman_${name}`] = spearman(scores, similarities);
    }
    const [one, other] = [sparsity(left), sparsity(right)];
    const tallies = sparsityMetrics("", {
      activeDims: (one.activeDims + other.activeDims) / 2,
      sparsityRatio: (one.sparsityRatio + other.sparsityRatio) / 2,
    });
    if (options.outputPath !== undefined && writeCsv) {
      const file = resultFileName("similarity_evaluation", evaluator, "results.csv");
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
    const primary = main ?? (functions.length > 1 ? "max" : functions[0]!);
    return named(evaluator, `spearman_${primary}`, { ...metrics, ...tallies });
  }
}
