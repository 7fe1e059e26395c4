import { invalidArgument, received } from "../errors.ts";
import { checkOptionNames, positiveInteger } from "../options/index.ts";
import {
  checkEvaluateOptions,
  type EvaluateOptions,
  type Evaluation,
  type EvaluatorOptions,
  flag,
  named,
  resolveEvaluatorOptions,
} from "./evaluation.ts";
import { appendCsvRow, resultFileName, writeJsonLines } from "./files/result-files.ts";
import { averagePrecision } from "./metrics/average-precision.ts";
import { reciprocalRank } from "./metrics/first-ranks.ts";
import { ndcg } from "./metrics/ndcg.ts";
import { meanMetrics } from "./metrics/ranking-metrics.ts";

/** What one retriever found for a query. */
export interface FusionSample {
  readonly queryId: string;
  readonly query: string;
  /** Relevant documents; those of the dense samples count. */
  readonly positive: string | readonly string[];
  /** Documents found, best first, none twice. Equal strings, texts or ids, are the same document. */
  readonly documents: readonly string[];
}

/** Options of a {@link ReciprocalRankFusionEvaluator}. */
export interface ReciprocalRankFusionOptions extends EvaluatorOptions {
  readonly denseSamples: readonly FusionSample[];
  /** The same queries in the same order. */
  readonly sparseSamples: readonly FusionSample[];
  /** Ranks that MRR and nDCG look at. Default 10. */
  readonly atK?: number;
  /** Constant of the fusion, at least 0. Default 60. */
  readonly rrfK?: number;
  /** Write the fused rankings to a JSONL file in `outputPath`, if that is given. Default false. */
  readonly writePredictions?: boolean;
}

const optionNames: readonly (keyof ReciprocalRankFusionOptions)[] = [
  "denseSamples",
  "sparseSamples",
  "atK",
  "rrfK",
  "name",
  "writeCsv",
  "writePredictions",
];

/**
 * Measures what reciprocal rank fusion makes of two retrievers: a document scores the sum of 1 / (rrfK + rank) over those
 * that found it, ranks from 1 (Cormack et al., 2009). Metrics are `map`, `mrr@k` and `ndcg@k` of the fused rankings, and
 * with the prefixes `dense_` and `sparse_` of each retriever; as `ReciprocalRankFusionEvaluator` of sentence-transformers.
 * Relevant documents that were not found are appended at the end of a ranking, unless none was found, which gives 0.
 * Equal fused scores are ranked in the order of the dense ranking, then of the sparse one.
 */
export class ReciprocalRankFusionEvaluator {
  private readonly dense: readonly FusionSample[];
  private readonly sparse: readonly FusionSample[];
  private readonly atK: number;
  private readonly rrfK: number;
  private readonly name: string;
  private readonly writeCsv: boolean;
  private readonly writePredictions: boolean;

  /** @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION` */
  constructor(options: ReciprocalRankFusionOptions) {
    checkOptionNames("ReciprocalRankFusionEvaluator", options ?? null, optionNames);
    const { denseSamples, sparseSamples, rrfK = 60 } = options;
    checkSamples("denseSamples", denseSamples);
    checkSamples("sparseSamples", sparseSamples);
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
    if (typeof rrfK !== "number" || !Number.isFinite(rrfK) || rrfK < 0) {
      throw invalidArgument(`rrfK must be a number of at least 0, received ${received(rrfK)}.`);
    }
    this.dense = denseSamples;
    this.sparse = sparseSamples;
    this.atK = positiveInteger("atK", options.atK ?? 10);
    this.rrfK = rrfK;
    this.writePredictions = flag("writePredictions", options.writePredictions, false);
    ({ name: this.name, writeCsv: this.writeCsv } = resolveEvaluatorOptions(options));
  }

  /** No encoder is needed. @throws SparseEncoderError `INVALID_ARGUMENT`, `ABORTED` */
  async evaluate(options: EvaluateOptions = {}): Promise<Evaluation> {
    checkEvaluateOptions("evaluate", options);
    const { outputPath, onProgress } = options;
    const fused: unknown[] = [];
    const perQuery = this.dense.map(({ queryId, query, positive, documents }, position) => {
      const relevant = typeof positive === "string" ? [positive] : positive;
      const sparse = this.sparse[position]!.documents;
      const ranking = this.fuse([documents, sparse]);
      fused.push({ query_id: queryId, query, positive: relevant, documents: ranking });
      onProgress?.({ done: position + 1, total: this.dense.length });
      return {
        ...this.score("dense_", documents, relevant),
        ...this.score("sparse_", sparse, relevant),
        ...this.score("", ranking, relevant),
      };
    });
    const metrics = meanMetrics(perQuery);
    if (outputPath !== undefined) {
      const file = (end: string) => resultFileName("ReciprocalRankFusion_evaluation", this.name, end);
      if (this.writePredictions) await writeJsonLines(outputPath, file("predictions.jsonl"), fused);
      if (this.writeCsv) await appendCsvRow(outputPath, file("results.csv"), csvRow(metrics));
    }
    return named(this.name, `ndcg@${this.atK}`, metrics);
  }

  private fuse(rankings: readonly (readonly string[])[]): string[] {
    const scores = new Map<string, number>();
    for (const ranking of rankings) {
      ranking.forEach((document, position) => {
        scores.set(document, (scores.get(document) ?? 0) + 1 / (this.rrfK + position + 1));
      });
    }
    return [...scores].sort((a, b) => b[1] - a[1]).map(([document]) => document);
  }

  private score(
    prefix: string,
    found: readonly string[],
    positive: readonly string[],
  ): Record<string, number> {
    const relevant = new Map(positive.map((document) => [document, 1]));
    const hit = new Set(found.filter((document) => relevant.has(document)));
    const missed = [...relevant.keys()].filter((document) => !hit.has(document));
    const ranking = hit.size === 0 ? [] : [...found, ...missed];
    return {
      [`${prefix}map`]: averagePrecision(ranking, relevant, Math.max(1, ranking.length)),
      [`${prefix}mrr@${this.atK}`]: reciprocalRank(ranking, relevant, this.atK),
      [`${prefix}ndcg@${this.atK}`]: ndcg(ranking, relevant, this.atK),
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

function checkSamples(name: string, samples: readonly FusionSample[]): void {
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
}
