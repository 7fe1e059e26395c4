import { checkBinary } from "./labelled-scores.ts";

/** The best accuracy of a threshold on scores. */
export interface AccuracyThreshold {
  /** Share of pairs that the threshold tells right, from 0 to 1. */
  readonly accuracy: number;
  /** Pairs of at least this score count as alike. */
  readonly threshold: number;
}

/** The best F1 of a threshold on scores, and what it is made of. */
export interface F1Threshold {
  /** Harmonic mean of precision and recall. */
  readonly f1: number;
  /** Share of right ones among the pairs that count as alike. */
  readonly precision: number;
  /** Share of the alike pairs that count as alike. */
  readonly recall: number;
  /** Pairs of at least this score count as alike. */
  readonly threshold: number;
}

/**
 * The threshold that tells label 1 from 0 with the highest accuracy: midway between two neighbouring scores, the first of
 * equally good ones from the side of label 1. At least one score lies on either side; a single score gives accuracy 0 and
 * threshold -1. Source: `find_best_acc_and_threshold` of sentence-transformers.
 *
 * @param labels 0 or 1, one per score
 * @param scores float32 numbers
 * @param largerIsBetter true for similarities, false for distances; default true
 */
export function bestAccuracyThreshold(
  labels: ArrayLike<number>,
  scores: ArrayLike<number>,
  largerIsBetter = true,
): AccuracyThreshold {
  checkBinary("bestAccuracyThreshold", labels, scores);
  const order = bestFirst(scores, largerIsBetter);
  let positives = 0;
  let negativesLeft = order.filter((position) => labels[position] === 0).length;
  let best: AccuracyThreshold = { accuracy: 0, threshold: -1 };
  for (let rank = 0; rank + 1 < order.length; rank++) {
    if (labels[order[rank]!] === 1) positives++;
    else negativesLeft--;
    const accuracy = (positives + negativesLeft) / order.length;
    if (accuracy > best.accuracy) best = { accuracy, threshold: midpoint(scores, order, rank) };
  }
  return best;
}

/**
 * The threshold with the highest F1 of label 1, chosen as by {@link bestAccuracyThreshold}; all 0 if no threshold finds a
 * label 1. Source: `find_best_f1_and_threshold` of sentence-transformers.
 */
export function bestF1Threshold(
  labels: ArrayLike<number>,
  scores: ArrayLike<number>,
  largerIsBetter = true,
): F1Threshold {
  checkBinary("bestF1Threshold", labels, scores);
  const order = bestFirst(scores, largerIsBetter);
  const total = order.filter((position) => labels[position] === 1).length;
  let correct = 0;
  let best: F1Threshold = { f1: 0, precision: 0, recall: 0, threshold: 0 };
  for (let rank = 0; rank + 1 < order.length; rank++) {
    if (labels[order[rank]!] === 1) correct++;
    if (correct === 0) continue;
    const precision = correct / (rank + 1);
    const recall = correct / total;
    const f1 = (2 * precision * recall) / (precision + recall);
    if (f1 > best.f1) best = { f1, precision, recall, threshold: midpoint(scores, order, rank) };
  }
  return best;
}

/**
 * Matthews correlation coefficient of predictions against labels, both 0 or 1:
 * (TP TN - FP FN) / sqrt((TP + FP)(TP + FN)(TN + FP)(TN + FN)), from -1 to 1. 0 if a factor is 0, that is, if one side has
 * a single class. As `matthews_corrcoef` of scikit-learn.
 *
 * @throws SparseEncoderError `INVALID_ARGUMENT`
 */
export function matthewsCorrelation(labels: ArrayLike<number>, predictions: ArrayLike<number>): number {
  checkBinary("matthewsCorrelation", labels, predictions);
  checkBinary("matthewsCorrelation", predictions, labels);
  const count = { truePositive: 0, trueNegative: 0, falsePositive: 0, falseNegative: 0 };
  for (let position = 0; position < labels.length; position++) {
    const right = labels[position] === predictions[position];
    if (predictions[position] === 1) count[right ? "truePositive" : "falsePositive"]++;
    else count[right ? "trueNegative" : "falseNegative"]++;
  }
  const { truePositive, trueNegative, falsePositive, falseNegative } = count;
  const product =
    (truePositive + falsePositive) *
    (truePositive + falseNegative) *
    (trueNegative + falsePositive) *
    (trueNegative + falseNegative);
  if (product === 0) return 0;
  return (truePositive * trueNegative - falsePositive * falseNegative) / Math.sqrt(product);
}

function bestFirst(scores: ArrayLike<number>, largerIsBetter: boolean): number[] {
  const sign = largerIsBetter ? 1 : -1;
  return Array.from(scores, (_, position) => position).sort((a, b) => sign * (scores[b]! - scores[a]!));
}

/** In float32 as the scores: a midpoint of neighbouring float32 numbers must fall on one of them as it does there. */
function midpoint(scores: ArrayLike<number>, order: readonly number[], rank: number): number {
  return Math.fround(Math.fround(scores[order[rank]!]! + scores[order[rank + 1]!]!) / 2);
}
