import { positiveInteger } from "../../options/index.ts";
import { countRelevant, isRelevant } from "./judgements.ts";

/**
 * 1 if a relevant document is among the first `k`, else 0. The mean over queries is accuracy@k of sentence-transformers,
 * `success` of trec_eval.
 *
 * @param ranking document ids, best first
 * @param judgements grade of each judged document; above 0 is relevant
 * @param k ranks that count, at least 1
 */
export function accuracy(
  ranking: readonly string[],
  judgements: ReadonlyMap<string, number>,
  k: number,
): number {
  return relevantWithin(ranking, judgements, k) > 0 ? 1 : 0;
}

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

/**
 * Share of all relevant documents that are among the first `k`; as `recall` of trec_eval.
 *
 * @param ranking document ids, best first, none twice
 * @param judgements grade of each judged document; above 0 is relevant
 * @param k ranks that count, at least 1
 * @returns a number from 0 to 1; 0 if nothing is judged relevant
 */
export function recall(
  ranking: readonly string[],
  judgements: ReadonlyMap<string, number>,
  k: number,
): number {
  const found = relevantWithin(ranking, judgements, k);
  return found === 0 ? 0 : found / countRelevant(judgements);
}

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

/** Number of relevant documents among the first `k`. */
function relevantWithin(
  ranking: readonly string[],
  judgements: ReadonlyMap<string, number>,
  k: number,
): number {
  positiveInteger("k", k);
  return ranking.slice(0, k).filter((id) => isRelevant(judgements, id)).length;
}
