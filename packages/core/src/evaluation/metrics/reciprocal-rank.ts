import { positiveInteger } from "../../options/index.ts";
import { isRelevant } from "./judgements.ts";

/**
 * 1 / rank of the first relevant document among the first `k`, ranks from 1; 0 if there is none. The mean over queries
 * is MRR@k.
 *
 * @param ranking document ids, best first
 * @param judgements grade of each judged document; above 0 is relevant
 * @param k ranks that count, at least 1
 */
export function reciprocalRank(
  ranking: readonly string[],
  judgements: ReadonlyMap<string, number>,
  k: number,
): number {
  positiveInteger("k", k);
  const first = ranking.slice(0, k).findIndex((id) => isRelevant(judgements, id));
  return first === -1 ? 0 : 1 / (first + 1);
}
