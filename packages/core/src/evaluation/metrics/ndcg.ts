import { invalidArgument, received } from "../../errors.ts";
import { positiveInteger } from "../../options/index.ts";
import { checkLabelled } from "./labelled-scores.ts";

/**
 * Normalised discounted cumulative gain of one ranking: 1 if the best `k` documents stand first, in the right
 * order, 0 if nothing relevant is among them.
 *
 * Gain is the judged grade itself (linear), the discount log2(rank + 1) with ranks from 1, the ideal ranking all
 * judged documents by falling grade; as `ndcg_cut` of trec_eval. With grades 0 and 1 it is the binary nDCG of
 * sentence-transformers.
 *
 * @param ranking document ids, best first, none twice
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

/**
 * nDCG@k of a list of scored documents. Documents of equal score share the mean of their gains, so that the order in
 * which they are given does not matter; as `ndcg_score` of scikit-learn (McSherry and Najork, 2008).
 *
 * @param gains gain of each document, at least 0
 * @param scores score of each document, larger is better
 * @param k ranks that count, at least 1
 * @returns a number from 0 to 1; 0 if all gains are 0
 */
export function ndcgOfScores(gains: ArrayLike<number>, scores: ArrayLike<number>, k: number): number {
  positiveInteger("k", k);
  checkLabelled("ndcgOfScores", "gains", gains, scores);
  const given = Array.from(gains);
  const negative = given.find((gain) => gain < 0);
  if (negative !== undefined) {
    throw invalidArgument(`ndcgOfScores: gains must be at least 0, received ${received(negative)}.`);
  }
  const ideal = discountedGain([...given].sort((a, b) => b - a).slice(0, k));
  if (ideal === 0) return 0;
  const order = given.map((_, position) => position).sort((a, b) => scores[b]! - scores[a]!);
  const shared: number[] = [];
  for (let from = 0; from < Math.min(k, order.length); ) {
    let to = from + 1;
    while (to < order.length && scores[order[to]!] === scores[order[from]!]) to++;
    const tied = order.slice(from, to);
    const mean = tied.reduce((sum, position) => sum + given[position]!, 0) / tied.length;
    for (const _ of tied) shared.push(mean);
    from = to;
  }
  return discountedGain(shared.slice(0, k)) / ideal;
}

function discountedGain(gains: readonly number[]): number {
  return gains.reduce((sum, gain, position) => sum + gain / Math.log2(position + 2), 0);
}
