import { throwIfAborted } from "../calls/index.ts";
import { invalidArgument, received } from "../errors.ts";
import { checkOptionNames, positiveInteger } from "../options/index.ts";
import {
  type SimilarityFunction,
  type SparseMatrix,
  type SparsityStatistics,
  sparsity,
} from "../vector/index.ts";
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
  flag,
  named,
  resolveEvaluatorOptions,
} from "./evaluation.ts";
import { appendCsvRow, resultFileName } from "./files/result-files.ts";
import { averagePrecisionOfScores } from "./metrics/average-precision.ts";
import { ndcgOfScores } from "./metrics/ndcg.ts";
import { meanMetrics } from "./metrics/ranking-metrics.ts";
import { type ScoreFunction, type Scorer, toScorer } from "./score-function.ts";
import { sparsityMetrics } from "./sparsity-tally.ts";
import { toTextList } from "./text-collection.ts";

/** A query with documents that should, and that should not, stand first. */
export interface RerankingSample {
  readonly query: string;
  readonly positive: readonly string[];
  readonly negative: readonly string[];
}

/** Options of a {@link RerankingEvaluator}. */
export interface RerankingOptions extends EncodingOptions, EvaluatorOptions {
  /** Those without positive or without negative documents are left out; at least one must remain. */
  readonly samples: readonly RerankingSample[];
  /** Ranks that MRR and nDCG look at. Default 10. */
  readonly atK?: number;
  /** How query and documents are compared. Default `cosine`, whatever the encoder's own function is. */
  readonly similarityFunction?: ScoreFunction;
  /** Encode all samples at once; false holds the embeddings of one sample alone. Default true. */
  readonly useBatchedEncoding?: boolean;
}

const optionNames: readonly (keyof RerankingOptions)[] = [
  "samples",
  "atK",
  "similarityFunction",
  "batchSize",
  "useBatchedEncoding",
  "maxActiveDims",
  "name",
  "writeCsv",
];

/**
 * Measures how well an encoder puts the positive documents of each sample before the negative ones. Names and formulas are
 * those of `SparseRerankingEvaluator` of sentence-transformers: `map` (documents of equal score are one step), `mrr@k`
 * (equal scores in the order of the sample, positive first), `ndcg@k` (equal scores share their gain), and active dims and
 * sparsity ratios of `query` and `corpus`.
 */
export class RerankingEvaluator {
  private readonly samples: readonly RerankingSample[];
  private readonly atK: number;
  private readonly scorer: Scorer;
  private readonly encoding: EncodingSettings;
  private readonly batched: boolean;
  private readonly name: string;
  private readonly writeCsv: boolean;

  /** @throws SparseEncoderError `INVALID_ARGUMENT`, `INVALID_TEXT`, `UNKNOWN_OPTION` */
  constructor(options: RerankingOptions) {
    checkOptionNames("RerankingEvaluator", options ?? null, optionNames);
    this.samples = checkSamples(options.samples);
    this.atK = positiveInteger("atK", options.atK ?? 10);
    const score: SimilarityFunction | ScoreFunction = options.similarityFunction ?? "cosine";
    this.scorer = toScorer("similarityFunction", score);
    this.encoding = resolveEncoding(options, 64);
    this.batched = flag("useBatchedEncoding", options.useBatchedEncoding, true);
    ({ name: this.name, writeCsv: this.writeCsv } = resolveEvaluatorOptions(options));
  }

  /** @throws SparseEncoderError `INVALID_ARGUMENT`, `ABORTED`, and what the encoder throws */
  async evaluate(encoder: EvaluatedEncoder, options: EvaluateOptions = {}): Promise<Evaluation> {
    checkEncoder("evaluate", encoder);
    checkEvaluateOptions("evaluate", options);
    const documents = this.samples.map(({ positive, negative }) => [...positive, ...negative]);
    const total = this.samples.length + documents.reduce((sum, list) => sum + list.length, 0);
    const run = new EncodingRun(encoder, this.encoding, total, options);
    const statistics: { query: SparsityStatistics[]; corpus: SparsityStatistics[] } = {
      query: [],
      corpus: [],
    };
    const results: Record<string, number>[] = [];
    // One group of all samples, or one a sample.
    const groupSize = this.batched ? this.samples.length : 1;
    for (let start = 0; start < this.samples.length; start += groupSize) {
      const samples = this.samples.slice(start, start + groupSize);
      const texts = documents.slice(start, start + groupSize);
      const queries = await run.queries(samples.map(({ query }) => query));
      const corpus = await run.documents(texts.flat());
      statistics.query.push(sparsity(queries));
      statistics.corpus.push(sparsity(corpus));
      let from = 0;
      for (const [row, { positive }] of samples.entries()) {
        const to = from + texts[row]!.length;
        results.push(this.score(queries.slice(row, row + 1), corpus.slice(from, to), positive.length));
        from = to;
      }
      throwIfAborted(options.signal);
    }
    const quality = meanMetrics(results);
    const tallies = {
      ...sparsityMetrics("query", meanStatistics(statistics.query)),
      ...sparsityMetrics("corpus", meanStatistics(statistics.corpus)),
    };
    if (options.outputPath !== undefined && this.writeCsv) {
      const file = resultFileName("RerankingEvaluator", this.name, `results_@${this.atK}.csv`);
      const row = Object.entries(quality).map(([key, value]): [string, number] => [key.toUpperCase(), value]);
      await appendCsvRow(options.outputPath, file, [...row, ...Object.entries(tallies)]);
    }
    return named(this.name, `ndcg@${this.atK}`, { ...quality, ...tallies });
  }

  /** @param positives number of documents, from the first, that are relevant */
  private score(query: SparseMatrix, documents: SparseMatrix, positives: number): Record<string, number> {
    const scores = Array.from(this.scorer(query, documents)[0]!);
    const labels = scores.map((_, position) => (position < positives ? 1 : 0));
    const ranking = labels.map((_, position) => position).sort((a, b) => scores[b]! - scores[a]!);
    const first = ranking.slice(0, this.atK).findIndex((position) => labels[position] === 1);
    return {
      map: averagePrecisionOfScores(labels, scores),
      [`mrr@${this.atK}`]: first === -1 ? 0 : 1 / (first + 1),
      [`ndcg@${this.atK}`]: ndcgOfScores(labels, scores, this.atK),
    };
  }
}

function checkSamples(samples: readonly RerankingSample[]): readonly RerankingSample[] {
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

/** The mean of means of the reference, which counts each encode call alike. */
function meanStatistics(list: readonly SparsityStatistics[]): SparsityStatistics {
  const sum = (pick: (statistics: SparsityStatistics) => number) =>
    list.reduce((total, statistics) => total + pick(statistics), 0) / list.length;
  return {
    activeDims: sum(({ activeDims }) => activeDims),
    sparsityRatio: sum(({ sparsityRatio }) => sparsityRatio),
  };
}
