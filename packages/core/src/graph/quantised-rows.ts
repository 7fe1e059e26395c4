import type { OnnxGraph, Value } from "./onnx/onnx-graph.ts";

/** Vectors as unsigned bytes: vector = (byte - zero point) x scale of its row. */
export interface QuantisedRows {
  /** uint8, in the shape of the vectors. */
  readonly values: Value;
  /** float32, above 0: [rows, 1], or a scalar for all rows. */
  readonly scales: Value;
  /** The byte that stands for 0: a uint8 scalar. */
  readonly zeroPoint: Value;
}

/** Bytes reach 127 steps to each side of the byte that stands for 0. */
const steps = 127;
const zeroByte = 128;

/** Largest magnitude that a row of zeros is taken to have, so that its scale is above 0 too. */
const smallestPeak = 1e-30;

/**
 * Quantises vectors with one scale per row, which is everything at one place of the first axis. Bytes and scale of a row depend
 * on that row only, whatever else is in the batch.
 *
 * @param vectors float32, `[rows, width]` or `[rows, tokens, width]`
 * @param rank number of axes of `vectors`
 */
export function quantiseRows(graph: OnnxGraph, vectors: Value, rank: 2 | 3): QuantisedRows {
  const inner = rank === 2 ? graph.integers(1) : graph.integers(1, 2);
  const highest = graph.op("ReduceMax", [vectors, inner], { keepdims: 0 });
  // Two reductions are faster than `Abs` and one, which writes all vectors again.
  const lowest = graph.op("ReduceMin", [vectors, inner], { keepdims: 0 });
  const peaks = graph.op("Max", [highest, graph.op("Neg", [lowest]), graph.scalar(smallestPeak)]);
  const scales = graph.op("Mul", [peaks, graph.scalar(1 / steps)]);
  const zeroPoint = graph.byte(zeroByte);
  const zeroPoints = graph.op("Expand", [zeroPoint, graph.op("Shape", [scales])]);
  return {
    values: graph.op("QuantizeLinear", [vectors, scales, zeroPoints], { axis: 0 }),
    scales: graph.op("Unsqueeze", [scales, graph.integers(1)]),
    zeroPoint,
  };
}
