import type { OnnxGraph, Value } from "../onnx/onnx-graph.ts";
import type { QuantisedRows } from "../quantised-rows.ts";

/**
 * Quantises token vectors with one scale per batch: for an estimate whose error is bounded, not for a result.
 *
 * @param tokens [B, S, width]
 */
export function quantiseBatch(graph: OnnxGraph, tokens: Value): QuantisedRows {
  const [values, scales, zeroPoint] = graph.outputsOf("DynamicQuantizeLinear", 3, [tokens]);
  return { values: values!, scales: scales!, zeroPoint: zeroPoint! };
}

/**
 * Products with entries of the vocabulary: [B, S, rows], int32.
 * @param tokens [B, S, width]
 * @param entries [width, rows], int8
 */
export function integerProducts(graph: OnnxGraph, tokens: QuantisedRows, entries: Value): Value {
  return graph.op("MatMulInteger", [tokens.values, entries, tokens.zeroPoint]);
}

/**
 * The largest product over the tokens of each text: [B, rows], int32. The tokens of a text share their scale and all scales are
 * positive, so the maximum may be taken before them.
 */
export function largestProducts(graph: OnnxGraph, tokens: QuantisedRows, entries: Value): Value {
  const products = integerProducts(graph, tokens, entries);
  return graph.op("ReduceMax", [products, graph.integers(1)], { keepdims: 0 });
}

/**
 * What products stand for: float32.
 * @param scales of the entries, float32 [rows], times those of the tokens
 */
export function scaleProducts(graph: OnnxGraph, products: Value, scales: Value): Value {
  return graph.op("Mul", [widen(graph, products), scales]);
}

/** Integers as float32. */
export function widen(graph: OnnxGraph, integers: Value): Value {
  return graph.op("Cast", [integers], { to: 1 });
}
