import path from "node:path";
import { SparseEncoderError } from "../errors.ts";
import type { StoredTensor } from "../model/index.ts";
import { ProtobufWriter } from "./protobuf.ts";

/** Name of a value in the graph: what one operator gives and another takes. */
export type Value = string & { readonly __value: unique symbol };

type Attribute = number | string | readonly number[] | { readonly float: number };

/** Element types of ONNX tensors (TensorProto.DataType). */
const elementTypes = { float32: 1, int32: 6, int64: 7, bool: 9 } as const;
type ElementType = keyof typeof elementTypes;

/** ONNX intermediate representation 10 and operator set 20: the first with Gelu. */
const irVersion = 10;
const operatorSet = 20;

/**
 * Writes an ONNX model operator by operator. Weights are external data: the graph names file, offset and
 * length, and the runtime maps the file. Field numbers are those of onnx.proto3
 * (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3).
 */
export class OnnxGraph {
  private readonly nodes: ProtobufWriter[] = [];
  private readonly initializers = new Map<string, ProtobufWriter>();
  private readonly inputs: ProtobufWriter[] = [];
  private readonly outputs: ProtobufWriter[] = [];
  private folder: string | undefined;
  private count = 0;

  /** Adds a graph input; names in `shape` are sizes known at run time alone. */
  input(name: string, type: ElementType, shape: readonly (number | string)[]): Value {
    this.inputs.push(valueInfo(name, type, shape));
    return name as Value;
  }

  /** Declares `value` a graph output under `name`. */
  output(name: string, value: Value, type: ElementType, shape: readonly (number | string)[]): void {
    this.nodes.push(node("Identity", [value], [name], {}));
    this.outputs.push(valueInfo(name, type, shape));
  }

  /** Adds an operator with one output. */
  op(type: string, inputs: readonly Value[], attributes: Readonly<Record<string, Attribute>> = {}): Value {
    const output = `${type}_${this.count++}` as Value;
    this.nodes.push(node(type, inputs, [output], attributes));
    return output;
  }

  /** A float32 scalar. */
  scalar(value: number): Value {
    return this.constant(`f${value}`, "float32", [], new Float32Array([value]));
  }

  /** An int64 vector, for shapes and axes. */
  integers(...values: number[]): Value {
    return this.constant(
      `i${values.join("_")}`,
      "int64",
      [values.length],
      new BigInt64Array(values.map(BigInt)),
    );
  }

  /** An int64 scalar. */
  integer(value: number): Value {
    return this.constant(`n${value}`, "int64", [], new BigInt64Array([BigInt(value)]));
  }

  /**
   * A stored float32 tensor, left where it lies on disk. `rows` takes rows [start, end) of its first axis:
   * another offset into the same bytes, not a copy.
   */
  weight(tensor: StoredTensor, rows?: readonly [start: number, end: number]): Value {
    const [start, end] = rows ?? [0, tensor.shape[0]!];
    const rowBytes = tensor.byteLength / tensor.shape[0]!;
    const shape = [end - start, ...tensor.shape.slice(1)];
    const name = `${path.basename(tensor.file)}@${tensor.offset + start * rowBytes}[${shape}]`;
    if (!this.initializers.has(name)) {
      const location = this.locate(tensor.file);
      const entry = (key: string, value: string) => new ProtobufWriter().string(1, key).string(2, value);
      const writer = tensorHeader(name, "float32", shape)
        .message(13, entry("location", location))
        .message(13, entry("offset", String(tensor.offset + start * rowBytes)))
        .message(13, entry("length", String((end - start) * rowBytes)))
        .integer(14, 1);
      this.initializers.set(name, writer);
    }
    return name as Value;
  }

  /** The folder that holds the files of all weights; undefined if there are none. */
  get weightsFolder(): string | undefined {
    return this.folder;
  }

  /** The model as bytes, to create a session from. */
  finish(name: string): Uint8Array {
    const graph = new ProtobufWriter();
    for (const operator of this.nodes) graph.message(1, operator);
    graph.string(2, name);
    for (const initializer of this.initializers.values()) graph.message(5, initializer);
    for (const input of this.inputs) graph.message(11, input);
    for (const output of this.outputs) graph.message(12, output);
    return new ProtobufWriter()
      .integer(1, irVersion)
      .string(2, "@sparse-encoder/core")
      .message(7, graph)
      .message(8, new ProtobufWriter().string(1, "").integer(2, operatorSet))
      .finish();
  }

  private constant(name: string, type: ElementType, shape: readonly number[], data: ArrayBufferView): Value {
    if (!this.initializers.has(name)) {
      const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
      this.initializers.set(name, tensorHeader(name, type, shape).bytes(9, bytes));
    }
    return name as Value;
  }

  /** The runtime takes one folder for external data and refuses paths that leave it. */
  private locate(file: string): string {
    this.folder ??= path.dirname(file);
    if (path.dirname(file) !== this.folder) {
      throw new SparseEncoderError(
        "WEIGHTS_INVALID",
        `The weights lie in two folders, ${this.folder} and ${path.dirname(file)}; put all weight files into one.`,
      );
    }
    return path.basename(file);
  }
}

function node(
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
  return writer;
}

function attribute(name: string, value: Attribute): ProtobufWriter {
  const writer = new ProtobufWriter().string(1, name);
  if (typeof value === "number") return writer.integer(3, value).integer(20, 2);
  if (typeof value === "string") return writer.string(4, value).integer(20, 3);
  if ("float" in value) return writer.float(2, value.float).integer(20, 1);
  for (const item of value) writer.integer(8, item);
  return writer.integer(20, 7);
}

function tensorHeader(name: string, type: ElementType, shape: readonly number[]): ProtobufWriter {
  const writer = new ProtobufWriter();
  for (const size of shape) writer.integer(1, size);
  return writer.integer(2, elementTypes[type]).string(8, name);
}

function valueInfo(name: string, type: ElementType, shape: readonly (number | string)[]): ProtobufWriter {
  const dimensions = new ProtobufWriter();
  for (const size of shape) {
    const dimension = new ProtobufWriter();
    dimensions.message(1, typeof size === "number" ? dimension.integer(1, size) : dimension.string(2, size));
  }
  const tensor = new ProtobufWriter().integer(1, elementTypes[type]).message(2, dimensions);
  return new ProtobufWriter().string(1, name).message(2, new ProtobufWriter().message(1, tensor));
}
