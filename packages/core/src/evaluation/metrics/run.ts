import { invalidArgument, received } from "../../errors.ts";
import { countRelevant, type RelevantByQuery, toJudgements } from "./judgements.ts";
import { type MetricCutOptions, meanMetrics, metricCutOptions, rankingMetrics } from "./ranking-metrics.ts";

/** A document in a ranking. */
export interface RankedDocument {
  /** Id of the document. */
  readonly id: string;
  /** Its score for the query; larger is better. */
  readonly score: number;
}

/** What a search found: for each query id its documents, best first. The hits of any index or store will do. */
export type Run = ReadonlyMap<string, readonly RankedDocument[]>;

/** Quality of a run. */
export interface RunEvaluation {
  /** Name of the metric to look at first, such as `ndcg@10`. */
  readonly primaryMetric: string;
  /** Means over all queries that have a relevant document. */
  readonly metrics: Record<string, number>;
  /** The same metrics of each such query, for comparing two runs query by query. */
  readonly perQuery: ReadonlyMap<string, Readonly<Record<string, number>>>;
}

/**
 * Scores rankings that are already there against judgements, with graded nDCG. Every query that has a relevant document
 * counts, with 0 where the run lacks it; other queries of the run are left out. The order given is what is scored.
 *
 * @example
 * const run = new Map([["q1", [{ id: "a", score: 2 }, { id: "b", score: 1 }]]]);
 * evaluateRun(run, { q1: { b: 1 } }, { mrrAtK: [10] }).metrics["mrr@10"]; // 0.5
 *
 * @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION`
 */
export function evaluateRun(
  run: Run,
  judgements: RelevantByQuery,
  options: MetricCutOptions = {},
): RunEvaluation {
  const cuts = metricCutOptions.check("evaluateRun", options);
  if (!(run instanceof Map)) {
    throw invalidArgument(`evaluateRun: run must be a Map from query id to hits, received ${received(run)}.`);
  }
  const perQuery = new Map<string, Record<string, number>>();
  for (const [query, grades] of toJudgements("judgements", judgements)) {
    if (countRelevant(grades) === 0) continue;
    perQuery.set(query, rankingMetrics(rankedIds(query, run.get(query) ?? []), grades, cuts));
  }
  if (perQuery.size === 0) {
    throw invalidArgument("evaluateRun: no query has a relevant document (a grade above 0).");
  }
  return {
    primaryMetric: `ndcg@${Math.max(...cuts.ndcgAtK)}`,
    metrics: meanMetrics([...perQuery.values()]),
    perQuery,
  };
}

/** The ids of a ranking. @throws SparseEncoderError `INVALID_ARGUMENT` for an id that comes twice */
function rankedIds(query: string, hits: readonly RankedDocument[]): string[] {
  const seen = new Set<string>();
  for (const { id } of hits) {
    if (seen.has(id)) {
      throw invalidArgument(`The run has document ${received(id)} twice for query ${received(query)}.`);
    }
    seen.add(id);
  }
  return [...seen];
}
