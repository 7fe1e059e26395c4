import type { OnnxGraph, Value } from "../onnx/onnx-graph.ts";

/** Token vectors as unsigned bytes, with one scale and zero point per batch. */
export interface QuantisedTokens {
  /** [B, S, width], uint8. */
  readonly values: Value;
  readonly scale: Value;
  readonly zeroPoint: Value;
}

/** @param tokens [B, S, width] */
export function quantiseTokens(graph: OnnxGraph, tokens: Value): QuantisedTokens {
  const [values, scale, zeroPoint] = graph.outputsOf("DynamicQuantizeLinear", 3, [tokens]);
  return { values: values!, scale: scale!, zeroPoint: zeroPoint! };
}

/**
 * Products with entries of the vocabulary: [B, S, rows], int32.
 * @param entries [width, rows], int8
 */
export function integerProducts(graph: OnnxGraph, tokens: QuantisedTokens, entries: Value): Value {
  return graph.op("MatMulInteger", [tokens.values, entries, tokens.zeroPoint]);
}

/**
 * The largest product over the tokens of each text: [B, rows], int32. All scales are positive, so the maximum may be taken
 * before them.
 */
export function largestProducts(graph: OnnxGraph, tokens: QuantisedTokens, entries: Value): Value {
  const products = integerProducts(graph, tokens, entries);
  return graph.op("ReduceMax", [products, graph.integers(1)], { keepdims: 0 });
}

/**
 * What products stand for: float32.
 * @param scales of the entries, float32 [rows]
 */
export function scaleProducts(
  graph: OnnxGraph,
  products: Value,
  tokens: QuantisedTokens,
  scales: Value,
): Value {
  return graph.op("Mul", [widen(graph, products), graph.op("Mul", [scales, tokens.scale])]);
}

/** Integers as float32. */
export function widen(graph: OnnxGraph, integers: Value): Value {
  return graph.op("Cast", [integers], { to: 1 });
}
