import { checkBinary } from "../labelled-scores.ts";

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
