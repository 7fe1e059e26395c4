import { SparseEncoderError } from "../errors.ts";
import type { TensorTable } from "../model/index.ts";
import type { OnnxGraph, Value } from "./onnx-graph.ts";

/**
 * `input` [rows, from] times a weight stored as [to, from], plus bias: [rows, to]. A `Gemm` that transposes
 * while it multiplies reads the stored layout as it is, so that workers can share the mapped file.
 */
export function linear(
  graph: OnnxGraph,
  tensors: TensorTable,
  name: string,
  input: Value,
  from: number,
  to: number,
): Value {
  const weight = graph.weight(tensors.get(`${name}.weight`, [to, from]));
  const bias = graph.weight(tensors.get(`${name}.bias`, [to]));
  return graph.op("Gemm", [input, weight, bias], { transB: 1 });
}

/** Layer normalisation over the last axis of size `width`. */
export function layerNorm(
  graph: OnnxGraph,
  tensors: TensorTable,
  name: string,
  input: Value,
  width: number,
  epsilon: number,
): Value {
  const scale = graph.weight(tensors.get(`${name}.weight`, [width]));
  const bias = graph.weight(tensors.get(`${name}.bias`, [width]));
  return graph.op("LayerNormalization", [input, scale, bias], { axis: -1, epsilon: { float: epsilon } });
}

/** Activation functions by their names in `config.json`. */
const activations: Readonly<Record<string, (graph: OnnxGraph, input: Value) => Value>> = {
  gelu: (graph, input) => graph.op("Gelu", [input]),
  gelu_new: (graph, input) => graph.op("Gelu", [input], { approximate: "tanh" }),
  relu: (graph, input) => graph.op("Relu", [input]),
  silu: (graph, input) => graph.op("Mul", [input, graph.op("Sigmoid", [input])]),
};

/** @throws SparseEncoderError `MODEL_UNSUPPORTED` for an unknown name */
export function activation(graph: OnnxGraph, name: string, input: Value): Value {
  const apply = Object.hasOwn(activations, name) ? activations[name] : undefined;
  if (apply === undefined) {
    throw new SparseEncoderError(
      "MODEL_UNSUPPORTED",
      `The activation function "${name}" is not supported. Supported: ${Object.keys(activations).join(", ")}.`,
    );
  }
  return apply(graph, input);
}
