import { positiveInteger } from "../../options/index.ts";
import { countRelevant, isRelevant } from "./judgements.ts";
import { checkBinary } from "./labelled-scores.ts";

/**
 * Average precision of one ranking: the precision at the rank of each relevant document among the first `k`, summed, over
 * min(k, number of relevant documents). The mean over queries is MAP@k, as sentence-transformers defines it; it is `map`
 * of trec_eval where `k` is at least the number of relevant documents.
 *
 * @param ranking document ids, best first, none twice
 * @param judgements grade of each judged document; above 0 is relevant
 * @param k ranks that count, at least 1
 * @returns a number from 0 to 1; 0 if nothing is judged relevant
 */
export function averagePrecision(
  ranking: readonly string[],
  judgements: ReadonlyMap<string, number>,
  k: number,
): number {
  positiveInteger("k", k);
  const relevant = countRelevant(judgements);
  if (relevant === 0) return 0;
  let found = 0;
  let sum = 0;
  ranking.slice(0, k).forEach((id, position) => {
    if (isRelevant(judgements, id)) sum += ++found / (position + 1);
  });
  return sum / Math.min(k, relevant);
}

/**
 * Average precision of scores against labels: the sum over falling thresholds of precision times the gain in recall. Equal
 * scores are one threshold, so their order does not matter; as `average_precision_score` of scikit-learn.
 *
 * @param labels 0 or 1, one per score
 * @param scores larger means more likely 1
 * @returns a number from 0 to 1; 0 if no label is 1
 */
export function averagePrecisionOfScores(labels: ArrayLike<number>, scores: ArrayLike<number>): number {
  checkBinary("averagePrecisionOfScores", labels, scores);
  const order = Array.from(scores, (_, position) => position).sort((a, b) => scores[b]! - scores[a]!);
  let found = 0;
  let sum = 0;
  for (let from = 0; from < order.length; ) {
    let to = from;
    let here = 0;
    while (to < order.length && scores[order[to]!] === scores[order[from]!]) here += labels[order[to++]!]!;
    found += here;
    sum += (here * found) / to;
    from = to;
  }
  return found === 0 ? 0 : sum / found;
}
