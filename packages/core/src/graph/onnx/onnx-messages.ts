import { ProtobufWriter } from "./protobuf.ts";

/** A value of an attribute of an operator. */
export type Attribute =
  | number
  | string
  | readonly number[]
  | { readonly float: number }
  | { readonly graph: ProtobufWriter };

/** Element types of ONNX tensors (TensorProto.DataType). */
export const elementTypes = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  bfloat16: 16,
} as const;
export type ElementType = keyof typeof elementTypes;

/** Operators of onnxruntime beyond the standard, and their domain. */
export const contributed = "com.microsoft";
const contributedOperators = [
  "Attention",
  "BiasGelu",
  "MatMulIntegerToFloat",
  "MultiHeadAttention",
  "RotaryEmbedding",
  "SkipLayerNormalization",
];

/** A NodeProto: an operator. */
export function node(
  type: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: Readonly<Record<string, Attribute>>,
): ProtobufWriter {
  const writer = new ProtobufWriter();
  for (const input of inputs) writer.string(1, input);
  for (const output of outputs) writer.string(2, output);
  writer.string(4, type);
  for (const [name, value] of Object.entries(attributes)) writer.message(5, attribute(name, value));
  return contributedOperators.includes(type) ? writer.string(7, contributed) : writer;
}

function attribute(name: string, value: Attribute): ProtobufWriter {
  const writer = new ProtobufWriter().string(1, name);
  if (typeof value === "number") return writer.integer(3, value).integer(20, 2);
  if (typeof value === "string") return writer.string(4, value).integer(20, 3);
  if ("float" in value) return writer.float(2, value.float).integer(20, 1);
  if ("graph" in value) return writer.message(6, value.graph).integer(20, 5);
  for (const item of value) writer.integer(8, item);
  return writer.integer(20, 7);
}

/** A GraphProto without weights; an empty name is left out. */
export function graphMessage(
  name: string,
  nodes: readonly ProtobufWriter[],
  inputs: readonly ProtobufWriter[],
  outputs: readonly ProtobufWriter[],
): ProtobufWriter {
  const graph = new ProtobufWriter();
  for (const operator of nodes) graph.message(1, operator);
  if (name !== "") graph.string(2, name);
  for (const input of inputs) graph.message(11, input);
  for (const output of outputs) graph.message(12, output);
  return graph;
}

/** A TensorProto without data. */
export function tensorHeader(name: string, type: ElementType, shape: readonly number[]): ProtobufWriter {
  const writer = new ProtobufWriter();
  for (const size of shape) writer.integer(1, size);
  return writer.integer(2, elementTypes[type]).string(8, name);
}

/** A ValueInfoProto: an input or output; names in `shape` are sizes known at run time only. */
export function valueInfo(
  name: string,
  type: ElementType,
  shape: readonly (number | string)[],
): ProtobufWriter {
  const dimensions = new ProtobufWriter();
  for (const size of shape) {
    const dimension = new ProtobufWriter();
    dimensions.message(1, typeof size === "number" ? dimension.integer(1, size) : dimension.string(2, size));
  }
  const tensor = new ProtobufWriter().integer(1, elementTypes[type]).message(2, dimensions);
  return new ProtobufWriter().string(1, name).message(2, new ProtobufWriter().message(1, tensor));
}

/**
 * Bytes that, put behind the bytes of a model and followed by `byteLength` bytes of data, give the model the initializer `name`: two
 * ONNX messages one behind the other are one.
 */
export function initializerStart(
  name: string,
  type: ElementType,
  shape: readonly number[],
  byteLength: number,
): Uint8Array {
  const tensor = tensorHeader(name, type, shape).opening(9, byteLength).finish();
  const graph = new ProtobufWriter().opening(5, tensor.length + byteLength).finish();
  const model = new ProtobufWriter().opening(7, graph.length + tensor.length + byteLength).finish();
  return Buffer.concat([model, graph, tensor]);
}
