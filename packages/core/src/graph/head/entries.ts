import type { OnnxGraph, Value } from "../onnx/onnx-graph.ts";

/** The entries of vectors that are not 0, so that no more than these leave the device. N = number of them. */
export interface Entries {
  /** float32 [N]. */
  readonly values: Value;
  /** int32 [2, N]: the row of each, ascending, and the column of each, ascending in a row. */
  readonly places: Value;
}

/** Chooses the entries of vectors [B, V], float32, that are not 0. What is not a number is chosen too, to be found later. */
export function addEntries(graph: OnnxGraph, vectors: Value): Entries {
  const places = graph.op("NonZero", [vectors]);
  const values = graph.op("GatherND", [vectors, graph.op("Transpose", [places], { perm: [1, 0] })]);
  return { values, places: graph.op("Cast", [places], { to: 6 }) };
}
