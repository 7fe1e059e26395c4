import { positiveInteger } from "../../options/index.ts";
import { isRelevant } from "./judgements.ts";

/**
 * Share of the first `k` ranks that hold a relevant document: hits / k, also where the ranking is shorter. As `P` of
 * trec_eval.
 *
 * @param ranking document ids, best first, none twice
 * @param judgements grade of each judged document; above 0 is relevant
 * @param k ranks that count, at least 1
 */
export function precision(
  ranking: readonly string[],
  judgements: ReadonlyMap<string, number>,
  k: number,
): number {
  return relevantWithin(ranking, judgements, k) / k;
}

/** Number of relevant documents among the first `k`. */
export function relevantWithin(
  ranking: readonly string[],
  judgements: ReadonlyMap<string, number>,
  k: number,
): number {
  positiveInteger("k", k);
  return ranking.slice(0, k).filter((id) => isRelevant(judgements, id)).length;
}
