import { invalidArgument } from "../errors.ts";
import { type CheckedOptions, declareOptions } from "../options/index.ts";
import { matrixSimilarityPairwise, type SimilarityFunction } from "../vector/index.ts";
import { checkEncoder, EncodingRun, type EvaluableEncoder } from "./evaluated-encoder.ts";
import { checkEvaluateOptions, type EvaluateOptions, type Evaluation, named } from "./evaluation.ts";
import { appendCsvRow, resultFileName } from "./files/result-files.ts";
import { pearson, spearman } from "./metrics/correlation.ts";
import { checkLabelled } from "./metrics/labelled-scores.ts";
import { functionsOf, similarityName } from "./score-function.ts";
import {
  checkPairs,
  numberList,
  pairRules,
  type SimilarityOptions,
  similarityRules,
} from "./similarity-options.ts";
import { meanSparsity, sparsityMetrics, sparsityOf } from "./sparsity-tally.ts";

/** Options of an {@link EmbeddingSimilarityEvaluator}. */
export interface EmbeddingSimilarityOptions extends SimilarityOptions {
  /** The first text of each pair. */
  readonly sentences1: readonly string[];
  /** The second text of each pair, in the order of the first ones; at least 2 pairs. */
  readonly sentences2: readonly string[];
  /** How similar the texts of each pair are, on any scale. */
  readonly scores: readonly number[];
  /** The similarity function of the primary metric. Default: the only one, or the best of several. */
  readonly mainSimilarityFunction?: SimilarityFunction | undefined;
}

const evaluatorOptions = declareOptions<EmbeddingSimilarityOptions>()({
  ...pairRules,
  scores: numberList("numbers").required(),
  mainSimilarityFunction: similarityName,
  ...similarityRules(16),
});

/**
 * Measures how well similarities of embeddings follow scores that people gave. Metrics are `pearson_{similarity}` and
 * `spearman_{similarity}`, with several functions also `pearson_max` and `spearman_max`, and the mean `active_dims` and
 * `sparsity_ratio` of both sides; as `SparseEmbeddingSimilarityEvaluator` of sentence-transformers. A correlation is NaN
 * if all scores or all similarities are equal.
 */
export class EmbeddingSimilarityEvaluator {
  private readonly options: CheckedOptions<typeof evaluatorOptions.rules>;

  /** @throws SparseEncoderError `INVALID_ARGUMENT`, `INVALID_TEXT`, `UNKNOWN_OPTION` */
  constructor(options: EmbeddingSimilarityOptions) {
    this.options = evaluatorOptions.check("EmbeddingSimilarityEvaluator", options);
    const { scores } = this.options;
    checkPairs(this.options, "scores", scores);
    checkLabelled("EmbeddingSimilarityEvaluator", "scores", scores, scores);
    if (scores.length < 2) throw invalidArgument("A correlation needs at least 2 pairs, received 1.");
  }

  /** @throws SparseEncoderError `INVALID_ARGUMENT`, `ABORTED`, and what the encoder throws */
  async evaluate(encoder: EvaluableEncoder, options: EvaluateOptions = {}): Promise<Evaluation> {
    checkEncoder("evaluate", encoder);
    const call = checkEvaluateOptions("evaluate", options);
    const { sentences1, sentences2, scores, name: evaluator, writeCsv } = this.options;
    const { mainSimilarityFunction: main, similarityFunctions } = this.options;
    const functions = functionsOf(similarityFunctions, encoder, main);
    const run = new EncodingRun(encoder, this.options, 2 * scores.length, call);
    const left = await run.plain(sentences1);
    const right = await run.plain(sentences2);
    const metrics: Record<string, number> = {};
    for (const name of functions) {
      const similarities = matrixSimilarityPairwise(left, right, name);
      metrics[`pearson_${name}`] = pearson(scores, similarities);
      metrics[`spearman_${name}`] = spearman(scores, similarities);
    }
    const tallies = sparsityMetrics("", meanSparsity([sparsityOf(left), sparsityOf(right)]));
    if (call.outputPath !== undefined && writeCsv) {
      const file = resultFileName("similarity_evaluation", evaluator, "results.csv");
      const row = functions.flatMap((name): [string, number][] => [
        [`${name}_pearson`, metrics[`pearson_${name}`]!],
        [`${name}_spearman`, metrics[`spearman_${name}`]!],
      ]);
      await appendCsvRow(call.outputPath, file, [...row, ...Object.entries(tallies)]);
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
