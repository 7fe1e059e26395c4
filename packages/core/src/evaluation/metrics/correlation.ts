import { invalidArgument } from "../../errors.ts";
import { checkLabelled } from "./labelled-scores.ts";

/**
 * Pearson's correlation coefficient: covariance over the product of the standard deviations, from -1 to 1. NaN if all
 * numbers of one side are equal. As `scipy.stats.pearsonr`.
 *
 * @throws SparseEncoderError `INVALID_ARGUMENT` for different lengths, fewer than 2 pairs, or numbers that are not finite
 */
export function pearson(labels: ArrayLike<number>, scores: ArrayLike<number>): number {
  checkPairs("pearson", labels, scores);
  const [a, b] = [centred(labels), centred(scores)];
  let [sum, squaresA, squaresB] = [0, 0, 0];
  for (let position = 0; position < a.length; position++) {
    sum += a[position]! * b[position]!;
    squaresA += a[position]! ** 2;
    squaresB += b[position]! ** 2;
  }
  // Two roots: the product of the sums could leave the range of a float64.
  return Math.min(1, Math.max(-1, sum / (Math.sqrt(squaresA) * Math.sqrt(squaresB))));
}

/**
 * Spearman's rank correlation: {@link pearson} of the ranks, equal numbers sharing their mean rank. NaN if all numbers of
 * one side are equal. As `scipy.stats.spearmanr`.
 *
 * @throws SparseEncoderError as {@link pearson}
 */
export function spearman(labels: ArrayLike<number>, scores: ArrayLike<number>): number {
  checkPairs("spearman", labels, scores);
  return pearson(meanRanks(labels), meanRanks(scores));
}

function checkPairs(call: string, labels: ArrayLike<number>, scores: ArrayLike<number>): void {
  checkLabelled(call, "labels", labels, scores);
  if (labels.length < 2) throw invalidArgument(`${call}: at least 2 pairs are needed, received 1.`);
}

/** Differences from the mean; exactly 0 where all numbers are equal, which rounding of the mean would hide. */
function centred(numbers: ArrayLike<number>): Float64Array {
  const list = Float64Array.from(numbers);
  if (list.every((value) => value === list[0])) return list.fill(0);
  const mean = list.reduce((sum, value) => sum + value, 0) / list.length;
  return list.map((value) => value - mean);
}

function meanRanks(numbers: ArrayLike<number>): Float64Array {
  const order = Array.from(numbers, (_, position) => position).sort((a, b) => numbers[a]! - numbers[b]!);
  const ranks = new Float64Array(numbers.length);
  for (let from = 0; from < order.length; ) {
    let to = from;
    while (to < order.length && numbers[order[to]!] === numbers[order[from]!]) to++;
    for (const position of order.slice(from, to)) ranks[position] = (from + 1 + to) / 2;
    from = to;
  }
  return ranks;
}
