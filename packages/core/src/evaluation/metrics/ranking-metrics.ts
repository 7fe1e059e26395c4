import { invalidArgument, received } from "../../errors.ts";
import { type CheckedOptions, count, declareOptions, rule } from "../../options/index.ts";
import { averagePrecision } from "./average-precision.ts";
import { accuracy, precision, recall, reciprocalRank } from "./first-ranks.ts";
import { ndcg } from "./ndcg.ts";

/** Numbers of first ranks that each metric looks at. */
export interface MetricCutOptions {
  /** Default [1, 3, 5, 10]. */
  readonly accuracyAtK?: readonly number[] | undefined;
  /** Default [1, 3, 5, 10]. */
  readonly precisionRecallAtK?: readonly number[] | undefined;
  /** At least one; the largest is the primary metric. Default [10]. */
  readonly ndcgAtK?: readonly number[] | undefined;
  /** Default [10]. */
  readonly mrrAtK?: readonly number[] | undefined;
  /** Default [100]. */
  readonly mapAtK?: readonly number[] | undefined;
}

/** A list of numbers of first ranks. */
function cuts(minimumLength: number) {
  const each = count().required();
  return rule((value, name): readonly number[] => {
    if (!Array.isArray(value)) {
      throw invalidArgument(`${name} must be an array of whole numbers, received ${received(value)}.`);
    }
    if (value.length < minimumLength) throw invalidArgument(`${name} must hold at least one number.`);
    return value.map((k: unknown) => each.check(k, `${name}: each k`));
  });
}

/** {@link MetricCutOptions}, for the declarations of what takes them. */
export const metricCutOptions = declareOptions<MetricCutOptions>()({
  accuracyAtK: cuts(0).default([1, 3, 5, 10]),
  precisionRecallAtK: cuts(0).default([1, 3, 5, 10]),
  ndcgAtK: cuts(1).default([10]),
  mrrAtK: cuts(0).default([10]),
  mapAtK: cuts(0).default([100]),
});

/** {@link MetricCutOptions}, checked, with their defaults. */
export type MetricCuts = CheckedOptions<typeof metricCutOptions.rules>;

/** A number for the first `k` of a ranking. */
type RankingMetric = (
  ranking: readonly string[],
  judgements: ReadonlyMap<string, number>,
  k: number,
) => number;

/** Name, function and cuts of each metric, in the order of the reference. */
const metrics: readonly (readonly [name: string, metric: RankingMetric, cuts: keyof MetricCuts])[] = [
  ["accuracy", accuracy, "accuracyAtK"],
  ["precision", precision, "precisionRecallAtK"],
  ["recall", recall, "precisionRecallAtK"],
  ["ndcg", ndcg, "ndcgAtK"],
  ["mrr", reciprocalRank, "mrrAtK"],
  ["map", averagePrecision, "mapAtK"],
];

/** The deepest rank that any metric looks at. */
export function deepestCut(cuts: MetricCuts): number {
  return Math.max(...metrics.flatMap(([, , name]) => cuts[name]));
}

/** All metrics of one ranking, such as `ndcg@10`, in the order of the reference. */
export function rankingMetrics(
  ranking: readonly string[],
  judgements: ReadonlyMap<string, number>,
  cuts: MetricCuts,
): Record<string, number> {
  const values = metrics.flatMap(([name, metric, cut]) =>
    cuts[cut].map((k) => [`${name}@${k}`, metric(ranking, judgements, k)] as const),
  );
  return Object.fromEntries(values);
}

/** Mean of each metric over queries that all have the same ones; at least one query. */
export function meanMetrics(queries: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const names = Object.keys(queries[0]!);
  return Object.fromEntries(
    names.map((name) => [name, queries.reduce((sum, query) => sum + query[name]!, 0) / queries.length]),
  );
}
