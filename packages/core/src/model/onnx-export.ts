import { readdir } from "node:fs/promises";
import path from "node:path";
import { received, SparseEncoderError } from "../errors.ts";
import { OnnxFunctions } from "./onnx-functions.ts";
import { fieldsOf, ProtobufError, stringField } from "./protobuf-fields.ts";
import { readRegularFile } from "./regular-file.ts";

/** An input or output of an ONNX graph. */
export interface OnnxValue {
  readonly name: string;
  /** Element type, as a number of TensorProto.DataType; 0 if the file names none. */
  readonly type: number;
  /** Sizes; undefined for a size that is known at run time only, or for all if the file gives no shape. */
  readonly shape: readonly (number | undefined)[] | undefined;
}

/** What an ONNX file says about itself, as far as a head needs it. */
export interface OnnxExport {
  /** Absolute path. */
  readonly file: string;
  readonly byteLength: number;
  /** Version of the standard operators. */
  readonly operatorSet: number;
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  /** Names of all operators, parts of the graph included. */
  readonly operators: ReadonlySet<string>;
}

/**
 * The ONNX file of a folder: the one named, in the folder or its `onnx` folder, else `onnx/model.onnx`, else
 * `model.onnx`. Undefined if the folder has none and none is named.
 *
 * @throws SparseEncoderError `MODEL_NOT_FOUND`, listing the files there are, if the named one is missing or if there are
 *   several and none has the usual name
 */
export async function findOnnxExport(
  folder: string,
  fileName: string | undefined,
): Promise<string | undefined> {
  const files = [...(await onnxFiles(folder, "onnx")), ...(await onnxFiles(folder, ""))];
  const candidates =
    fileName === undefined ? ["onnx/model.onnx", "model.onnx"] : [fileName, `onnx/${fileName}`];
  const found = candidates.map((name) => path.posix.normalize(name)).find((name) => files.includes(name));
  if (found !== undefined) return path.join(folder, found);
  if (files.length === 0 && fileName === undefined) return undefined;
  const wanted = fileName === undefined ? "none named model.onnx" : `no ${received(fileName)}`;
  const shown = files.slice(0, 10).join(", ");
  const list = files.length === 0 ? "no ONNX file at all" : `${shown}: choose one with the option fileName`;
  throw new SparseEncoderError("MODEL_NOT_FOUND", `${folder} has ${wanted}; it has ${list}.`);
}

async function onnxFiles(folder: string, below: string): Promise<string[]> {
  const names = await readdir(path.join(folder, below)).catch(() => []);
  return names.filter((name) => name.endsWith(".onnx")).map((name) => path.posix.join(below, name));
}

/**
 * Reads inputs, outputs, operators and the operator set of an ONNX file.
 *
 * @throws SparseEncoderError `MODEL_INVALID` if it is not an ONNX file
 */
export async function readOnnxExport(file: string): Promise<OnnxExport> {
  const bytes = await readRegularFile(file);
  const graph = new GraphContent();
  const functions = new OnnxFunctions();
  let operatorSet = 0;
  try {
    // Field numbers follow onnx.proto3: ModelProto, FunctionProto, OperatorSetIdProto.
    for (const model of fieldsOf(bytes)) {
      if (model.number === 7) graph.read(model.bytes, 0);
      if (model.number === 25) graph.readNodes(model.bytes, 7, 0);
      // After the depth of graphs is known.
      if (model.number === 7) functions.addGraph(model.bytes);
      if (model.number === 25) functions.add(model.bytes);
      if (model.number === 8 && stringField(model.bytes, 1) === "") {
        for (const field of fieldsOf(model.bytes)) if (field.number === 2) operatorSet = field.value;
      }
    }
    functions.check();
  } catch (cause) {
    if (!(cause instanceof ProtobufError)) throw cause;
    throw new SparseEncoderError(
      "MODEL_INVALID",
      `${file} is not an ONNX file, or it is cut off: ${cause.message}`,
      {
        cause,
      },
    );
  }
  if (operatorSet === 0 || graph.outputs.length === 0) {
    throw new SparseEncoderError(
      "MODEL_INVALID",
      `${file} is not an ONNX model: it names no operator set or no outputs.`,
    );
  }
  return {
    file,
    byteLength: bytes.length,
    operatorSet,
    // Older files list initializers among the inputs.
    inputs: graph.inputs.filter(({ name }) => !graph.initializers.has(name)),
    outputs: graph.outputs,
    operators: graph.operators,
  };
}

/** Graphs lie in operators of graphs; deeper than this, they are made to fill the stack. */
const deepestGraph = 32;

/** What was found of a graph and the graphs in it. */
class GraphContent {
  readonly inputs: OnnxValue[] = [];
  readonly outputs: OnnxValue[] = [];
  readonly initializers = new Set<string>();
  readonly operators = new Set<string>();

  /** Field numbers: GraphProto. */
  read(graph: Uint8Array, depth: number): void {
    this.readNodes(graph, 1, depth);
    if (depth > 0) return;
    for (const { number, bytes } of fieldsOf(graph)) {
      if (number === 11) this.inputs.push(readValue(bytes));
      if (number === 12) this.outputs.push(readValue(bytes));
      if (number === 5) this.initializers.add(stringField(bytes, 8));
    }
  }

  /** The operators under a field of a message, and the graphs in their attributes. Field numbers: NodeProto, AttributeProto. */
  readNodes(message: Uint8Array, field: number, depth: number): void {
    if (depth > deepestGraph) throw new ProtobufError("Graphs lie too deep in each other.");
    for (const node of fieldsOf(message)) {
      if (node.number !== field) continue;
      for (const part of fieldsOf(node.bytes)) {
        if (part.number === 4) this.operators.add(Buffer.from(part.bytes).toString("utf8"));
        if (part.number !== 5) continue;
        for (const value of fieldsOf(part.bytes)) {
          if (value.number === 6 || value.number === 11) this.read(value.bytes, depth + 1);
        }
      }
    }
  }
}

/** Field numbers: ValueInfoProto, TypeProto, TypeProto.Tensor, TensorShapeProto. */
function readValue(value: Uint8Array): OnnxValue {
  let type = 0;
  let shape: (number | undefined)[] | undefined;
  for (const typed of fieldsOf(value)) {
    if (typed.number !== 2) continue;
    for (const tensor of fieldsOf(typed.bytes)) {
      if (tensor.number !== 1) continue;
      for (const field of fieldsOf(tensor.bytes)) {
        if (field.number === 1) type = field.value;
        if (field.number === 2) shape = readShape(field.bytes);
      }
    }
  }
  return { name: stringField(value, 1), type, shape };
}

function readShape(message: Uint8Array): (number | undefined)[] {
  const sizes: (number | undefined)[] = [];
  for (const dimension of fieldsOf(message)) {
    if (dimension.number !== 1) continue;
    const [size] = [...fieldsOf(dimension.bytes)].filter(({ number }) => number === 1);
    sizes.push(size === undefined || size.value === 0 ? undefined : size.value);
  }
  return sizes;
}
