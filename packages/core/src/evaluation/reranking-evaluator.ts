import { throwIfAborted } from "../calls/index.ts";
import { invalidArgument, received } from "../errors.ts";
import { type CheckedOptions, count, declareOptions, flag, rule, unchecked } from "../options/index.ts";
import type { EmbeddingMatrix, SparsityStatistics } from "../vector/index.ts";
import {
  checkEncoder,
  type EncodingOptions,
  EncodingRun,
  type EvaluableEncoder,
  encodingRules,
} from "./evaluated-encoder.ts";
import {
  checkEvaluateOptions,
  type EvaluateOptions,
  type Evaluation,
  type EvaluatorOptions,
  evaluatorRules,
  named,
} from "./evaluation.ts";
import { appendCsvRow, resultFileName } from "./files/result-files.ts";
import { averagePrecisionOfScores } from "./metrics/average-precision.ts";
import { ndcgOfScores } from "./metrics/ndcg.ts";
import { meanMetrics } from "./metrics/ranking-metrics.ts";
import { type ScoreFunction, type Scorer, toScorer } from "./score-function.ts";
import { meanSparsity, sparsityMetrics, sparsityOf } from "./sparsity-tally.ts";
import { toTextList } from "./text-collection.ts";

/** A query with documents that should, and that should not, stand first. */
export interface RerankingSample {
  /** Text of the query. */
  readonly query: string;
  /** Texts that are relevant. */
  readonly positive: readonly string[];
  /** Texts that are not. */
  readonly negative: readonly string[];
}

/** Options of a {@link RerankingEvaluator}. */
export interface RerankingOptions extends EncodingOptions, EvaluatorOptions {
  /** Samples without positive or without negative documents are left out; at least one must remain. */
  readonly samples: readonly RerankingSample[];
  /** Ranks that MRR and nDCG look at. Default 10. */
  readonly atK?: number | undefined;
  /** How query and documents are compared. Default `cosine`, whatever the encoder's own function is. */
  readonly similarityFunction?: ScoreFunction | undefined;
  /** Encode all samples at once; false holds only the embeddings of one sample. Default true. */
  readonly useBatchedEncoding?: boolean | undefined;
}

const evaluatorOptions = declareOptions<RerankingOptions>()({
  samples: rule(checkSamples).required(),
  atK: count().default(10),
  similarityFunction: unchecked<ScoreFunction>().default("cosine"),
  useBatchedEncoding: flag().default(true),
  ...encodingRules(64),
  ...evaluatorRules,
});

/**
 * Measures how well an encoder puts the positive documents of each sample before the negative ones. Names and formulas are
 * those of `SparseRerankingEvaluator` of sentence-transformers: `map` (documents of equal score are one step), `mrr@k`
 * (equal scores in the order of the sample, positive first), `ndcg@k` (equal scores share their gain), and active dims and
 * sparsity ratios of `query` and `corpus`.
 */
export class RerankingEvaluator {
  private readonly options: CheckedOptions<typeof evaluatorOptions.rules>;
  private readonly scorer: Scorer;

  /** @throws SparseEncoderError `INVALID_ARGUMENT`, `INVALID_TEXT`, `UNKNOWN_OPTION` */
  constructor(options: RerankingOptions) {
    this.options = evaluatorOptions.check("RerankingEvaluator", options);
    this.scorer = toScorer("similarityFunction", this.options.similarityFunction);
  }

  /** @throws SparseEncoderError `INVALID_ARGUMENT`, `ABORTED`, and what the encoder throws */
  async evaluate(encoder: EvaluableEncoder, options: EvaluateOptions = {}): Promise<Evaluation> {
    checkEncoder("evaluate", encoder);
    const call = checkEvaluateOptions("evaluate", options);
    const { samples: allSamples, atK, name, writeCsv, useBatchedEncoding } = this.options;
    const documents = allSamples.map(({ positive, negative }) => [...positive, ...negative]);
    const total = allSamples.length + documents.reduce((sum, list) => sum + list.length, 0);
    const run = new EncodingRun(encoder, this.options, total, call);
    const querySparsity: (SparsityStatistics | undefined)[] = [];
    const corpusSparsity: (SparsityStatistics | undefined)[] = [];
    const results: Record<string, number>[] = [];
    // One group of all samples, or one per sample.
    const groupSize = useBatchedEncoding ? allSamples.length : 1;
    for (let start = 0; start < allSamples.length; start += groupSize) {
      const samples = allSamples.slice(start, start + groupSize);
      const texts = documents.slice(start, start + groupSize);
      const queries = await run.queries(samples.map(({ query }) => query));
      const corpus = await run.documents(texts.flat());
      // As the reference, which counts each encode call alike.
      querySparsity.push(sparsityOf(queries));
      corpusSparsity.push(sparsityOf(corpus));
      let from = 0;
      for (const [row, { positive }] of samples.entries()) {
        const to = from + texts[row]!.length;
        results.push(this.score(queries.slice(row, row + 1), corpus.slice(from, to), positive.length));
        from = to;
      }
      throwIfAborted(call.signal);
    }
    const quality = meanMetrics(results);
    const tallies = {
      ...sparsityMetrics("query", meanSparsity(querySparsity)),
      ...sparsityMetrics("corpus", meanSparsity(corpusSparsity)),
    };
    if (call.outputPath !== undefined && writeCsv) {
      const file = resultFileName("RerankingEvaluator", name, `results_@${atK}.csv`);
      const row = Object.entries(quality).map(([key, value]): [string, number] => [key.toUpperCase(), value]);
      await appendCsvRow(call.outputPath, file, [...row, ...Object.entries(tallies)]);
    }
    return named(name, `ndcg@${atK}`, { ...quality, ...tallies });
  }

  /** @param positives number of documents, from the first, that are relevant */
  private score(
    query: EmbeddingMatrix,
    documents: EmbeddingMatrix,
    positives: number,
  ): Record<string, number> {
    const { atK } = this.options;
    const scores = Array.from(this.scorer(query, documents)[0]!);
    const labels = scores.map((_, position) => (position < positives ? 1 : 0));
    const ranking = labels.map((_, position) => position).sort((a, b) => scores[b]! - scores[a]!);
    const first = ranking.slice(0, atK).findIndex((position) => labels[position] === 1);
    return {
      map: averagePrecisionOfScores(labels, scores),
      [`mrr@${atK}`]: first === -1 ? 0 : 1 / (first + 1),
      [`ndcg@${atK}`]: ndcgOfScores(labels, scores, atK),
    };
  }
}

function checkSamples(samples: unknown): readonly RerankingSample[] {
  if (!Array.isArray(samples)) {
    throw invalidArgument(`samples must be an array, received ${received(samples)}.`);
  }
  const kept = samples.filter((sample: RerankingSample, position) => {
    const { query, positive, negative } = sample ?? {};
    if (typeof query !== "string" || !Array.isArray(positive) || !Array.isArray(negative)) {
      throw invalidArgument(
        `samples: expected a query with lists positive and negative at position ${position}, received ${received(sample)}.`,
      );
    }
    if (positive.length === 0 || negative.length === 0) return false;
    toTextList(`samples: positive of sample ${position}`, positive);
    toTextList(`samples: negative of sample ${position}`, negative);
    return true;
  });
  if (kept.length === 0) {
    throw invalidArgument("samples: no sample has both positive and negative documents.");
  }
  return kept;
}
