import { countRelevant } from "./judgements.ts";
import { relevantWithin } from "./precision.ts";

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
