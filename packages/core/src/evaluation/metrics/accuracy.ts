import { relevantWithin } from "./precision.ts";

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
