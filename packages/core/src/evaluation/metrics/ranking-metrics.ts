import { invalidArgument, received } from "../../errors.ts";
import { positiveInteger } from "../../options/index.ts";
import { averagePrecision } from "./average-precision.ts";
import { accuracy, precision, recall, reciprocalRank } from "./first-ranks.ts";
import { ndcg } from "./ndcg.ts";

/** Numbers of first ranks that each metric looks at. */
export interface MetricCutOptions {
  /** Default [1, 3, 5, 10]. */
  readonly accuracyAtK?: readonly number[];
  /** Default [1, 3, 5, 10]. */
  readonly precisionRecallAtK?: readonly number[];
  /** At least one; the largest is the primary metric. Default [10]. */
  readonly ndcgAtK?: readonly number[];
  /** Default [10]. */
  readonly mrrAtK?: readonly number[];
  /** Default [100]. */
  readonly mapAtK?: readonly number[];
}

/** {@link MetricCutOptions}, checked and complete. */
export type MetricCuts = Required<MetricCutOptions>;

/** Names of {@link MetricCutOptions}. */
export const metricCutNames: readonly (keyof MetricCutOptions)[] = [
  "accuracyAtK",
  "precisionRecallAtK",
  "ndcgAtK",
  "mrrAtK",
  "mapAtK",
];

/** @throws SparseEncoderError `INVALID_ARGUMENT` */
export function resolveMetricCuts(options: MetricCutOptions): MetricCuts {
  const ndcgAtK = cuts("ndcgAtK", options.ndcgAtK, [10]);
  if (ndcgAtK.length === 0) throw invalidArgument("ndcgAtK must hold at least one number.");
  return {
    accuracyAtK: cuts("accuracyAtK", options.accuracyAtK, [1, 3, 5, 10]),
    precisionRecallAtK: cuts("precisionRecallAtK", options.precisionRecallAtK, [1, 3, 5, 10]),
    ndcgAtK,
    mrrAtK: cuts("mrrAtK", options.mrrAtK, [10]),
    mapAtK: cuts("mapAtK", options.mapAtK, [100]),
  };
}

function cuts(
  name: string,
  given: readonly number[] | undefined,
  standard: readonly number[],
): readonly number[] {
  if (given === undefined) return standard;
  if (!Array.isArray(given)) {
    throw invalidArgument(`${name} must be an array of whole numbers, received ${received(given)}.`);
  }
  return given.map((k) => positiveInteger(`${name}: each k`, k));
}

/** The deepest rank that any metric looks at. */
export function deepestCut(cuts: MetricCuts): number {
  return Math.max(...Object.values(cuts).flat());
}

/** All metrics of one ranking, such as `ndcg@10`, in the order of the reference. */
export function rankingMetrics(
  ranking: readonly string[],
  judgements: ReadonlyMap<string, number>,
  cuts: MetricCuts,
): Record<string, number> {
  const metrics: Record<string, number> = {};
  for (const k of cuts.accuracyAtK) metrics[`accuracy@${k}`] = accuracy(ranking, judgements, k);
  for (const k of cuts.precisionRecallAtK) metrics[`precision@${k}`] = precision(ranking, judgements, k);
  for (const k of cuts.precisionRecallAtK) metrics[`recall@${k}`] = recall(ranking, judgements, k);
  for (const k of cuts.ndcgAtK) metrics[`ndcg@${k}`] = ndcg(ranking, judgements, k);
  for (const k of cuts.mrrAtK) metrics[`mrr@${k}`] = reciprocalRank(ranking, judgements, k);
  for (const k of cuts.mapAtK) metrics[`map@${k}`] = averagePrecision(ranking, judgements, k);
  return metrics;
}

/** Mean of each metric over queries that all have the same ones; at least one query. */
export function meanMetrics(queries: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const names = Object.keys(queries[0]!);
  return Object.fromEntries(
    names.map((name) => [name, queries.reduce((sum, query) => sum + query[name]!, 0) / queries.length]),
  );
}
