import path from "node:path";
import type { StoredTensor, TensorType } from "../../model/index.ts";
import {
  type Attribute,
  contributed,
  type ElementType,
  elementTypes,
  graphMessage,
  node,
  tensorHeader,
  valueInfo,
} from "./onnx-messages.ts";
import { ProtobufWriter } from "./protobuf.ts";

/** Name of a value in the graph: what one operator gives and another takes. */
export type Value = string & { readonly __value: unique symbol };

/** Types that a graph can compute in. */
export type FloatType = "float32" | "float16";

/** Types of stored weights that the runtime can compute with or widen. */
const storedTypes: Partial<Record<TensorType, ElementType>> = {
  F32: "float32",
  F16: "float16",
  BF16: "bfloat16",
};

/** A tensor, or rows of one, in a file. */
interface External {
  readonly file: string;
  readonly type: ElementType;
  readonly shape: readonly number[];
  /** Bytes. */
  readonly offset: number;
  readonly length: number;
}

/** ONNX intermediate representation 10 and operator set 20: the first with Gelu. */
const irVersion = 10;
const operatorSet = 20;

/** Stands for an optional input that is left out. */
export const absent = "" as Value;

/**
 * Writes an ONNX model operator by operator. Weights are external data: the graph names file, offset and
 * length, and the runtime maps the file. Field numbers follow onnx.proto3
 * (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3).
 */
export class OnnxGraph {
  private nodes: ProtobufWriter[] = [];
  private readonly initializers = new Map<string, ProtobufWriter>();
  private readonly inputs = new Map<string, ProtobufWriter>();
  private readonly outputs: ProtobufWriter[] = [];
  private readonly externals = new Map<string, External>();
  private cast: ReadonlySet<Value> = new Set();
  private readonly prefix: string;
  private readonly operators: number;
  private count = 0;
  private float: FloatType = "float32";

  /**
   * @param prefix start of all names that are made here, for a graph that is joined to another
   * @param operators version of the standard operators
   */
  constructor(prefix = "", operators: number = operatorSet) {
    this.prefix = prefix;
    this.operators = operators;
  }

  /** The type in which weights and constants that are added now take part. */
  get floatType(): FloatType {
    return this.float;
  }

  /** From here on weights and constants are of this type. */
  computeIn(type: FloatType): void {
    this.float = type;
  }

  /** `value`, of type `from`, in the type of the graph. */
  asFloat(value: Value, from: FloatType): Value {
    return from === this.float ? value : this.op("Cast", [value], { to: elementTypes[this.float] });
  }

  /** Adds a graph input; names in `shape` are sizes known at run time only. */
  input(name: string, type: ElementType, shape: readonly (number | string)[]): Value {
    this.inputs.set(name, valueInfo(name, type, shape));
    return name as Value;
  }

  /** Declares `value` a graph output under `name`. */
  output(name: string, value: Value, type: ElementType, shape: readonly (number | string)[]): void {
    this.nodes.push(node("Identity", [value], [name], {}));
    this.outputs.push(valueInfo(name, type, shape));
  }

  /** Adds an operator with one output. */
  op(type: string, inputs: readonly Value[], attributes: Readonly<Record<string, Attribute>> = {}): Value {
    return this.outputsOf(type, 1, inputs, attributes)[0]!;
  }

  /** Adds an operator with several outputs. */
  outputsOf(
    type: string,
    count: number,
    inputs: readonly Value[],
    attributes: Readonly<Record<string, Attribute>> = {},
  ): Value[] {
    const number = this.count++;
    const outputs = Array.from(
      { length: count },
      (_, output) => `${this.prefix}${type}_${number}_${output}` as Value,
    );
    this.nodes.push(node(type, inputs, outputs, attributes));
    return outputs;
  }

  /**
   * Adds a loop: `count` rounds, one after the other, each of which gives a float32 tensor of `shape`.
   *
   * @param count int64 scalar
   * @param addRound adds what one round does; takes its number, an int64 scalar, and may use any value from outside of the loop
   * @returns the tensors of all rounds along a new first axis
   */
  loop(count: Value, shape: readonly (number | string)[], addRound: (round: Value) => Value): Value {
    const { nodes, cast } = this;
    const name = `${this.prefix}loop_${this.count++}`;
    const [round, goesOn, result] = [`${name}_round` as Value, `${name}_goes_on`, `${name}_result`];
    this.nodes = [];
    const last = addRound(round);
    const outputs = [valueInfo(`${goesOn}_still`, "bool", []), valueInfo(result, "float32", shape)];
    this.nodes.push(
      node("Identity", [goesOn], [`${goesOn}_still`], {}),
      node("Identity", [last], [result], {}),
    );
    const inputs = [valueInfo(round, "int64", []), valueInfo(goesOn, "bool", [])];
    const body = graphMessage(name, this.nodes, inputs, outputs);
    [this.nodes, this.cast] = [nodes, cast];
    return this.op("Loop", [count, absent], { body: { graph: body } });
  }

  /** Reduces `axis` and drops it; the operator took axes as an attribute once. */
  reduce(type: "ReduceMax" | "ReduceSum" | "ReduceL2", value: Value, axis: number): Value {
    const asInput = this.operators >= (type === "ReduceSum" ? 13 : 18);
    return asInput
      ? this.op(type, [value, this.integers(axis)], { keepdims: 0 })
      : this.op(type, [value], { axes: [axis], keepdims: 0 });
  }

  /** Adds axes of size 1; the operator took axes as an attribute once. */
  unsqueeze(value: Value, ...axes: number[]): Value {
    return this.operators >= 13
      ? this.op("Unsqueeze", [value, this.integers(...axes)])
      : this.op("Unsqueeze", [value], { axes });
  }

  /** A scalar in the type of the graph. */
  scalar(value: number): Value {
    const stored = this.constant(`f${value}`, "float32", [], new Float32Array([value]));
    return this.float === "float32" ? stored : this.castOnce(stored);
  }

  /** A float32 vector under a name of its own. */
  vector(name: string, values: Float32Array): Value {
    return this.constant(name, "float32", [values.length], values);
  }

  /** An int8 vector of zeros. */
  int8Zeros(count: number): Value {
    return this.constant(`zeros${count}`, "int8", [count], new Int8Array(count));
  }

  /** A uint8 scalar. */
  byte(value: number): Value {
    return this.constant(`u${value}`, "uint8", [], new Uint8Array([value]));
  }

  /** An int64 vector, for shapes and axes. */
  integers(...values: number[]): Value {
    const name = values.length > 8 ? `integers_${this.count++}` : `i${values.join("_")}`;
    return this.constant(name, "int64", [values.length], new BigInt64Array(values.map(BigInt)));
  }

  /** An int64 scalar. */
  integer(value: number): Value {
    return this.constant(`n${value}`, "int64", [], new BigInt64Array([BigInt(value)]));
  }

  /**
   * A stored tensor in the type of the graph, left where it lies on disk. `rows` takes rows [start, end) of its first axis:
   * another offset into the same bytes, not a copy. What is stored in another type is cast, which the runtime does once when
   * it opens the model.
   */
  weight(tensor: StoredTensor, rows?: readonly [start: number, end: number]): Value {
    const type = storedTypes[tensor.type];
    if (type === undefined) throw new TypeError(`A weight of type ${tensor.type} got past its check.`);
    const stored = this.external(tensor, type, rows);
    return type === this.float ? stored : this.castOnce(stored);
  }

  /** A stored int8 tensor, or rows of it, as it is. */
  bytes(tensor: StoredTensor, rows?: readonly [start: number, end: number]): Value {
    return this.external(tensor, "int8", rows);
  }

  /**
   * The folder that holds the files of all weights: the runtime takes one, and refuses paths that leave it.
   * Undefined if there are none.
   */
  get weightsFolder(): string | undefined {
    const folders = [...new Set([...this.externals.values()].map(({ file }) => path.dirname(file)))];
    return folders.reduce<string | undefined>(
      (common, folder) => (common === undefined ? folder : commonFolder(common, folder)),
      undefined,
    );
  }

  get inputNames(): string[] {
    return [...this.inputs.keys()];
  }

  get hasIntegerWeights(): boolean {
    return [...this.externals.values()].some(({ type }) => type === "int8");
  }

  /** The model as bytes, to create a session from. */
  finish(): Uint8Array {
    return new ProtobufWriter()
      .integer(1, irVersion)
      .string(2, "@sparse-encoder/core")
      .message(7, this.finishGraph().string(2, "sparse-encoder"))
      .message(8, new ProtobufWriter().string(1, "").integer(2, this.operators))
      .message(8, new ProtobufWriter().string(1, contributed).integer(2, 1))
      .finish();
  }

  /** Bytes that, put behind the bytes of another model, make a model with the operators of both. */
  finishAddition(): Uint8Array {
    return new ProtobufWriter().message(7, this.finishGraph()).finish();
  }

  /** A constant in the type of the graph. */
  private castOnce(constant: Value): Value {
    const name = `${constant}_${this.float}` as Value;
    if (!this.cast.has(name)) {
      this.cast = new Set([...this.cast, name]);
      this.nodes.push(node("Cast", [constant], [name], { to: elementTypes[this.float] }));
    }
    return name;
  }

  private finishGraph(): ProtobufWriter {
    const graph = graphMessage("", this.nodes, [...this.inputs.values()], this.outputs);
    for (const initializer of this.initializers.values()) graph.message(5, initializer);
    const folder = this.weightsFolder ?? "";
    for (const external of this.externals.keys()) graph.message(5, this.externalWriter(external, folder));
    return graph;
  }

  private constant(name: string, type: ElementType, shape: readonly number[], data: ArrayBufferView): Value {
    const full = this.prefix + name;
    if (!this.initializers.has(full)) {
      const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
      this.initializers.set(full, tensorHeader(full, type, shape).bytes(9, bytes));
    }
    return full as Value;
  }

  private external(
    tensor: StoredTensor,
    type: ElementType,
    rows: readonly [start: number, end: number] = [0, tensor.shape[0]!],
  ): Value {
    const [start, end] = rows;
    const rowBytes = tensor.byteLength / tensor.shape[0]!;
    const offset = tensor.offset + start * rowBytes;
    const shape = [end - start, ...tensor.shape.slice(1)];
    const name = `${tensor.file}@${offset}[${shape}]`;
    this.externals.set(name, { file: tensor.file, type, shape, offset, length: (end - start) * rowBytes });
    return name as Value;
  }

  private externalWriter(name: string, folder: string): ProtobufWriter {
    const { file, type, shape, offset, length } = this.externals.get(name)!;
    const entry = (key: string, value: string) => new ProtobufWriter().string(1, key).string(2, value);
    return tensorHeader(name, type, shape)
      .message(13, entry("location", path.relative(folder, file)))
      .message(13, entry("offset", String(offset)))
      .message(13, entry("length", String(length)))
      .integer(14, 1);
  }
}

/** The deepest folder that holds both. */
function commonFolder(a: string, b: string): string {
  let folder = a;
  while (folder !== b && !b.startsWith(folder.endsWith(path.sep) ? folder : folder + path.sep)) {
    folder = path.dirname(folder);
  }
  return folder;
}
