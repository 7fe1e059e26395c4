import { SparseEncoderError } from "../errors.ts";
import type { TensorTable } from "../model/index.ts";
import type { OnnxGraph, Value } from "./onnx/onnx-graph.ts";
import { quantiseRows } from "./quantised-rows.ts";
import { exportHint } from "./unsupported.ts";

/**
 * What a graph is tuned for: many tokens at once on a CPU, the shortest wait for one short text there, the memory of one long text
 * there, or a device that runs thousands of products at once. All give the same numbers.
 */
export type Tuning = "throughput" | "latency" | "long" | "wide";

/**
 * Weights as integers take 7 bits: -63 to 63. Processors without VNNI add two products of a byte with a weight in 16
 * bits, and 2 x 255 x 127 would saturate there; so the same weights give the same numbers everywhere.
 */
export const largestInteger = 63;

/** A graph under construction and the weights it draws on. */
export interface Building {
  readonly graph: OnnxGraph;
  readonly tensors: TensorTable;
  readonly tuning: Tuning;
  /** True if the model reads pairs of texts, whose tokens have types. Default false. */
  readonly readsPairs?: boolean;
}

/**
 * `input` [rows, from] times a weight stored as [to, from], plus bias: [rows, to]. A `Gemm` that transposes
 * while it multiplies reads the stored layout as it is, so that workers can share the mapped file.
 *
 * @param options.bias false for a layer without bias
 * @param options.rows takes rows [start, start + to) of a weight with `total` rows
 */
export function linear(
  { graph, tensors }: Building,
  name: string,
  input: Value,
  from: number,
  to: number,
  options: { bias?: boolean; rows?: { start: number; total: number } } = {},
): Value {
  const { start, total } = options.rows ?? { start: 0, total: to };
  const range = [start, start + to] as const;
  const bias = options.bias === false ? [] : [graph.weight(tensors.get(`${name}.bias`, [total]), range)];
  const quantised = tensors.quantised(`${name}.weight`, [total, from]);
  if (quantised !== undefined) {
    const rows = quantiseRows(graph, input, 2);
    const weight = transposed(graph, graph.bytes(quantised.values, range));
    const scales = graph.weight(quantised.scales, range);
    // The operator scales columns, and all rows alike.
    const operands = [rows.values, weight, graph.scalar(1), scales, rows.zeroPoint];
    const scaled = graph.op("Mul", [graph.op("MatMulIntegerToFloat", operands), rows.scales]);
    return bias.length === 0 ? scaled : graph.op("Add", [scaled, ...bias]);
  }
  const weight = graph.weight(tensors.get(`${name}.weight`, [total, from]), range);
  return graph.op("Gemm", [input, weight, ...bias], { transB: 1 });
}

/** As {@link linear} for a layer behind pooling, whose weights stay as they are beside int8 weights: it is little work. */
export function floatLinear(
  { graph, tensors }: Building,
  name: string,
  input: Value,
  from: number,
  to: number,
  hasBias: boolean,
): Value {
  const bias = hasBias ? [graph.weight(tensors.get(`${name}.bias`, [to]))] : [];
  const weight = graph.weight(tensors.get(`${name}.weight`, [to, from]));
  return graph.op("Gemm", [input, weight, ...bias], { transB: 1 });
}

/** The other layout of a stored int8 matrix, which integer products need; made once, when the model is opened. */
export function transposed(graph: OnnxGraph, matrix: Value): Value {
  return graph.op("Transpose", [matrix], { perm: [1, 0] });
}

/** Rows of a stored table by their numbers `ids`, of any shape: [...ids, width]. */
export function gatherRows(
  { graph, tensors }: Building,
  name: string,
  ids: Value,
  rows: number,
  width: number,
): Value {
  const quantised = tensors.quantised(name, [rows, width]);
  if (quantised === undefined)
    return graph.op("Gather", [graph.weight(tensors.get(name, [rows, width])), ids]);
  const values = graph.op("Cast", [graph.op("Gather", [graph.bytes(quantised.values), ids])], { to: 1 });
  const scales = graph.op("Gather", [graph.weight(quantised.scales), ids]);
  return graph.op("Mul", [values, graph.op("Unsqueeze", [scales, graph.integers(-1)])]);
}

/** Layer normalisation over the last axis of size `width`. */
export function layerNorm(
  building: Building,
  name: string,
  input: Value,
  width: number,
  epsilon: number,
  bias = true,
): Value {
  const inputs = [input, ...normWeights(building, name, width, bias)];
  return building.graph.op("LayerNormalization", inputs, { axis: -1, epsilon: { float: epsilon } });
}

/**
 * Each row over its root mean square, times factors, over the last axis of size `width`.
 * @param lessOne whether the stored factors are to be increased by 1
 */
export function rootMeanSquareNorm(
  building: Building,
  name: string,
  input: Value,
  width: number,
  epsilon: number,
  lessOne = false,
): Value {
  const { graph } = building;
  const stored = normWeights(building, name, width, false);
  const factors = lessOne ? stored.map((weight) => graph.op("Add", [weight, graph.scalar(1)])) : stored;
  const attributes = { axis: -1, epsilon: { float: epsilon } };
  return graph.op("SimplifiedLayerNormalization", [input, ...factors], attributes);
}

/** Factors of a layer normalisation, and its summands if there are any: [width] each. */
export function normWeights(
  { graph, tensors }: Building,
  name: string,
  width: number,
  bias: boolean,
): Value[] {
  const names = bias ? [`${name}.weight`, `${name}.bias`] : [`${name}.weight`];
  return names.map((vector) => graph.weight(tensors.get(vector, [width])));
}

type Activation = (graph: OnnxGraph, input: Value) => Value;

const gelu: Activation = (graph, input) => graph.op("Gelu", [input]);
const tanhGelu: Activation = (graph, input) => graph.op("Gelu", [input], { approximate: "tanh" });
const relu: Activation = (graph, input) => graph.op("Relu", [input]);
const silu: Activation = (graph, input) => graph.op("Mul", [input, graph.op("Sigmoid", [input])]);
const identity: Activation = (_, input) => input;

/** Activation functions by their names in `config.json`. Source: `ACT2FN` of transformers. */
const activations: Readonly<Record<string, Activation>> = {
  gelu,
  gelu_python: gelu,
  gelu_new: tanhGelu,
  gelu_fast: tanhGelu,
  gelu_accurate: tanhGelu,
  gelu_pytorch_tanh: tanhGelu,
  gelu_python_tanh: tanhGelu,
  quick_gelu: (graph, input) => {
    const slope = graph.op("Mul", [input, graph.scalar(1.702)]);
    return graph.op("Mul", [input, graph.op("Sigmoid", [slope])]);
  },
  relu,
  relu2: (graph, input) => {
    const positive = relu(graph, input);
    return graph.op("Mul", [positive, positive]);
  },
  relu6: (graph, input) => graph.op("Min", [relu(graph, input), graph.scalar(6)]),
  leaky_relu: (graph, input) => graph.op("Max", [input, graph.op("Mul", [input, graph.scalar(0.01)])]),
  mish: (graph, input) => graph.op("Mul", [input, graph.op("Tanh", [graph.op("Softplus", [input])])]),
  silu,
  swish: silu,
  tanh: (graph, input) => graph.op("Tanh", [input]),
  sigmoid: (graph, input) => graph.op("Sigmoid", [input]),
  identity,
  linear: identity,
};

/** @throws SparseEncoderError `MODEL_UNSUPPORTED` for an unknown name */
export function activation(graph: OnnxGraph, name: string, input: Value): Value {
  const apply = Object.hasOwn(activations, name) ? activations[name] : undefined;
  if (apply === undefined) {
    throw new SparseEncoderError(
      "MODEL_UNSUPPORTED",
      `The activation function "${name}" is not supported. Supported: ${Object.keys(activations).join(", ")}. ${exportHint}`,
    );
  }
  return apply(graph, input);
}

/** Token vectors [B x S, width] by text: [B, S, widths], whose product is the width. `batchShape` is int64 [B, S]. */
export function byText(graph: OnnxGraph, tokens: Value, batchShape: Value, ...widths: number[]): Value {
  return graph.op("Reshape", [
    tokens,
    graph.op("Concat", [batchShape, graph.integers(...widths)], { axis: 0 }),
  ]);
}
