import type { SpladePoolingModule, StoredTensor } from "../model/index.ts";
import type { Range } from "./head/decoder.ts";
import type { OnnxGraph, Value } from "./onnx/onnx-graph.ts";

/** What the head gives. */
export interface SpladeHead {
  /** [B, V], float32, never negative; or [C, B], of the entries `dims` only. */
  readonly vectors: Value;
  /** If `vectors` has only some entries: their numbers, int64 [C], ascending; all others are 0 in every text. */
  readonly dims: Value | undefined;
  /** The weight of a decoder that could be screened, or is. */
  readonly screenable: StoredTensor | undefined;
}

/** What stands before the products with the vocabulary, and where their weights are. */
export interface HeadParts {
  /** [B x S, width of the words]. */
  readonly tokens: Value;
  /** [V]; undefined for a decoder without bias. */
  readonly bias: StoredTensor | undefined;
  readonly decoderName: string;
  readonly decoderShape: readonly [vocabulary: number, width: number];
}

/** Adds the decoder's bias, or the part of it for `range`; gives `scores` as they are where the decoder has none. */
export function addBias(
  graph: OnnxGraph,
  scores: Value,
  bias: StoredTensor | undefined,
  range?: Range,
): Value {
  return bias === undefined ? scores : graph.op("Add", [scores, graph.weight(bias, range)]);
}

/** log(1 + relu(x)), or log(1 + log(1 + relu(x))). */
export function addActivation(graph: OnnxGraph, logits: Value, pooling: SpladePoolingModule): Value {
  return addLogarithms(graph, graph.op("Relu", [logits]), pooling);
}

/** log(1 + x) of what is not negative, or log(1 + log(1 + x)). */
export function addLogarithms(graph: OnnxGraph, positive: Value, pooling: SpladePoolingModule): Value {
  const logarithm = (value: Value) => graph.op("Log", [graph.op("Add", [value, graph.scalar(1)])]);
  const once = logarithm(positive);
  return pooling.activation === "relu" ? once : logarithm(once);
}
