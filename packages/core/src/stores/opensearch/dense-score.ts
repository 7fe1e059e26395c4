import type { DenseMetric } from "../store.ts";

/** The score of a document in float64, where larger is closer: `euclidean` is the negated distance. */
export function denseScore(a: Float32Array, b: Float32Array, metric: DenseMetric): number {
  let product = 0;
  let lengths = [0, 0];
  let distance = 0;
  for (const [position, value] of a.entries()) {
    const other = b[position]!;
    product += value * other;
    lengths = [lengths[0]! + value * value, lengths[1]! + other * other];
    distance += (value - other) ** 2;
  }
  if (metric === "euclidean") return -Math.sqrt(distance);
  return metric === "dot" ? product : product / Math.sqrt(lengths[0]! * lengths[1]!);
}
