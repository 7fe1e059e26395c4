import { invalidArgument, received } from "../errors.ts";
import { type CheckedOptions, count, declareOptions, flag, number, rule } from "../options/index.ts";
import {
  checkEvaluateOptions,
  type EvaluateOptions,
  type Evaluation,
  type EvaluatorOptions,
  evaluatorRules,
  named,
} from "./evaluation.ts";
import { appendCsvRow, resultFileName, writeJsonLines } from "./files/result-files.ts";
import { averagePrecision } from "./metrics/average-precision.ts";
import { reciprocalRank } from "./metrics/first-ranks.ts";
import { ndcg } from "./metrics/ndcg.ts";
import { meanMetrics } from "./metrics/ranking-metrics.ts";

/** What one retriever found for a query. */
export interface FusionSample {
  /** Id of the query. */
  readonly queryId: string;
  /** Text of the query. */
  readonly query: string;
  /** Relevant documents; in evaluations, the ones of the dense samples count. */
  readonly positive: string | readonly string[];
  /** Documents found, best first, none twice. Equal strings, texts or ids, are the same document. */
  readonly documents: readonly string[];
}

/** Options of a {@link ReciprocalRankFusionEvaluator}. */
export interface ReciprocalRankFusionOptions extends EvaluatorOptions {
  /** The ranking of each query by dense vectors. */
  readonly denseSamples: readonly FusionSample[];
  /** The same queries in the same order. */
  readonly sparseSamples: readonly FusionSample[];
  /** Ranks that MRR and nDCG look at. Default 10. */
  readonly atK?: number | undefined;
  /** Constant of the fusion, at least 0. Default 60. */
  readonly rrfK?: number | undefined;
  /** Write the fused rankings to a JSONL file in `outputPath`, if that is given. Default false. */
  readonly writePredictions?: boolean | undefined;
}

const evaluatorOptions = declareOptions<ReciprocalRankFusionOptions>()({
  denseSamples: rule(checkSamples).required(),
  sparseSamples: rule(checkSamples).required(),
  atK: count().default(10),
  rrfK: number({ minimum: 0 }).default(60),
  ...evaluatorRules,
  writePredictions: flag().default(false),
});

/**
 * Measures what reciprocal rank fusion makes of two retrievers: a document scores the sum of 1 / (rrfK + rank) over those
 * that found it, ranks from 1 (Cormack et al., 2009). Metrics are `map`, `mrr@k` and `ndcg@k` of the fused rankings, and
 * with the prefixes `dense_` and `sparse_` of each retriever; as `ReciprocalRankFusionEvaluator` of sentence-transformers.
 * Relevant documents that were not found are appended at the end of a ranking, unless none was found, which gives 0.
 * Equal fused scores are ranked in the order of the dense ranking, then of the sparse one.
 */
export class ReciprocalRankFusionEvaluator {
  private readonly options: CheckedOptions<typeof evaluatorOptions.rules>;

  /** @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION` */
  constructor(options: ReciprocalRankFusionOptions) {
    this.options = evaluatorOptions.check("ReciprocalRankFusionEvaluator", options);
    const { denseSamples, sparseSamples } = this.options;
    if (denseSamples.length !== sparseSamples.length) {
      throw invalidArgument(
        `denseSamples and sparseSamples must have the same length, received ${denseSamples.length} and ${sparseSamples.length}.`,
      );
    }
    denseSamples.forEach(({ queryId }, position) => {
      const other = sparseSamples[position]!.queryId;
      if (queryId === other) return;
      throw invalidArgument(
        `denseSamples and sparseSamples must hold the same queries; at position ${position}: ${received(queryId)} and ${received(other)}.`,
      );
    });
  }

  /** No encoder is needed. @throws SparseEncoderError `INVALID_ARGUMENT`, `ABORTED` */
  async evaluate(options: EvaluateOptions = {}): Promise<Evaluation> {
    const { outputPath, onProgress } = checkEvaluateOptions("evaluate", options);
    const { denseSamples, sparseSamples, atK, name, writeCsv, writePredictions } = this.options;
    const fused: unknown[] = [];
    const perQuery = denseSamples.map(({ queryId, query, positive, documents }, position) => {
      const relevant = typeof positive === "string" ? [positive] : positive;
      const sparse = sparseSamples[position]!.documents;
      const ranking = this.fuse([documents, sparse]);
      fused.push({ query_id: queryId, query, positive: relevant, documents: ranking });
      onProgress?.({ done: position + 1, total: denseSamples.length });
      return {
        ...this.score("dense_", documents, relevant),
        ...this.score("sparse_", sparse, relevant),
        ...this.score("", ranking, relevant),
      };
    });
    const metrics = meanMetrics(perQuery);
    if (outputPath !== undefined) {
      const file = (end: string) => resultFileName("ReciprocalRankFusion_evaluation", name, end);
      if (writePredictions) await writeJsonLines(outputPath, file("predictions.jsonl"), fused);
      if (writeCsv) await appendCsvRow(outputPath, file("results.csv"), csvRow(metrics));
    }
    return named(name, `ndcg@${atK}`, metrics);
  }

  private fuse(rankings: readonly (readonly string[])[]): string[] {
    const scores = new Map<string, number>();
    for (const ranking of rankings) {
      ranking.forEach((document, position) => {
        scores.set(document, (scores.get(document) ?? 0) + 1 / (this.options.rrfK + position + 1));
      });
    }
    return [...scores].sort((a, b) => b[1] - a[1]).map(([document]) => document);
  }

  private score(
    prefix: string,
    found: readonly string[],
    positive: readonly string[],
  ): Record<string, number> {
    const { atK } = this.options;
    const relevant = new Map(positive.map((document) => [document, 1]));
    const hit = new Set(found.filter((document) => relevant.has(document)));
    const missed = [...relevant.keys()].filter((document) => !hit.has(document));
    const ranking = hit.size === 0 ? [] : [...found, ...missed];
    return {
      [`${prefix}map`]: averagePrecision(ranking, relevant, Math.max(1, ranking.length)),
      [`${prefix}mrr@${atK}`]: reciprocalRank(ranking, relevant, atK),
      [`${prefix}ndcg@${atK}`]: ndcg(ranking, relevant, atK),
    };
  }
}

/** `Dense_MAP`, `Sparse_MRR@10`, `Fusion_NDCG@10` and so on. */
function csvRow(metrics: Readonly<Record<string, number>>): [string, number][] {
  return Object.entries(metrics).map(([key, value]) => {
    const [, retriever = "fusion", metric] = /^(?:(dense|sparse)_)?(.+)$/.exec(key)!;
    return [`${retriever[0]!.toUpperCase()}${retriever.slice(1)}_${metric!.toUpperCase()}`, value];
  });
}

function checkSamples(samples: unknown, name: string): readonly FusionSample[] {
  if (!Array.isArray(samples) || samples.length === 0) {
    throw invalidArgument(`${name} must be an array of at least one sample, received ${received(samples)}.`);
  }
  samples.forEach((sample: FusionSample, position) => {
    const { queryId, query, positive, documents } = sample ?? {};
    const strings = (list: unknown) => Array.isArray(list) && list.every((text) => typeof text === "string");
    if (
      typeof queryId !== "string" ||
      typeof query !== "string" ||
      !(typeof positive === "string" || (strings(positive) && positive.length > 0)) ||
      !strings(documents)
    ) {
      throw invalidArgument(
        `${name}: expected queryId, query, positive and documents at position ${position}, received ${received(sample)}.`,
      );
    }
    if (new Set(documents).size < documents.length) {
      throw invalidArgument(`${name}: the documents at position ${position} hold one twice.`);
    }
  });
  return samples;
}
