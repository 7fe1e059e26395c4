import { positiveInteger } from "../errors.ts";

/**
 * Normalised discounted cumulative gain of one ranking: 1 if the best `k` documents stand first, in the right
 * order, 0 if nothing relevant is among them.
 *
 * Gain is the judged grade itself (linear), the discount log2(rank + 1) with ranks from 1, the ideal ranking all
 * judged documents by falling grade; as `ndcg_cut` of trec_eval.
 *
 * @param ranking document ids, best first
 * @param judgements grade of each judged document; documents without one count 0
 * @param k ranks that count, at least 1
 * @returns a number from 0 to 1; 0 if nothing is judged relevant
 */
export function ndcg(ranking: readonly string[], judgements: ReadonlyMap<string, number>, k: number): number {
  positiveInteger("k", k);
  const ideal = [...judgements.values()].filter((grade) => grade > 0).sort((a, b) => b - a);
  if (ideal.length === 0) return 0;
  const gains = ranking.slice(0, k).map((id) => Math.max(0, judgements.get(id) ?? 0));
  return discountedGain(gains) / discountedGain(ideal.slice(0, k));
}

function discountedGain(gains: readonly number[]): number {
  return gains.reduce((sum, gain, position) => sum + gain / Math.log2(position + 2), 0);
}
