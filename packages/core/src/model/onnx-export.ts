import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { received, SparseEncoderError } from "../errors.ts";

/** What an ONNX file says about itself, as far as a head needs it. */
export interface OnnxExport {
  /** Absolute path. */
  readonly file: string;
  readonly byteLength: number;
  /** Version of the standard operators. */
  readonly operatorSet: number;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
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
  const list =
    files.length === 0 ? "no ONNX file at all" : `${files.join(", ")}: choose one with the option fileName`;
  throw new SparseEncoderError("MODEL_NOT_FOUND", `${folder} has ${wanted}; it has ${list}.`);
}

async function onnxFiles(folder: string, below: string): Promise<string[]> {
  const names = await readdir(path.join(folder, below)).catch(() => []);
  return names.filter((name) => name.endsWith(".onnx")).map((name) => path.posix.join(below, name));
}

/**
 * Reads names of inputs and outputs and the operator set of an ONNX file.
 *
 * @throws SparseEncoderError `MODEL_INVALID` if it is no ONNX file
 */
export async function readOnnxExport(file: string): Promise<OnnxExport> {
  const bytes = await readFile(file);
  const inputs: string[] = [];
  const outputs: string[] = [];
  const initializers = new Set<string>();
  let operatorSet = 0;
  try {
    // Field numbers are those of onnx.proto3: ModelProto, GraphProto, ValueInfoProto, TensorProto, OperatorSetIdProto.
    for (const model of fieldsOf(bytes)) {
      if (model.number === 7) {
        for (const graph of fieldsOf(model.bytes)) {
          if (graph.number === 11) inputs.push(stringField(graph.bytes, 1));
          if (graph.number === 12) outputs.push(stringField(graph.bytes, 1));
          if (graph.number === 5) initializers.add(stringField(graph.bytes, 8));
        }
      }
      if (model.number === 8 && stringField(model.bytes, 1) === "") {
        for (const field of fieldsOf(model.bytes)) if (field.number === 2) operatorSet = field.value;
      }
    }
  } catch (cause) {
    throw new SparseEncoderError("MODEL_INVALID", `${file} is no ONNX file, or it is cut off.`, { cause });
  }
  if (operatorSet === 0 || outputs.length === 0) {
    throw new SparseEncoderError(
      "MODEL_INVALID",
      `${file} is no ONNX model: it names no operator set or no outputs.`,
    );
  }
  return {
    file,
    byteLength: bytes.length,
    operatorSet,
    // Older files list initializers among the inputs.
    inputs: inputs.filter((name) => !initializers.has(name)),
    outputs,
  };
}

interface Field {
  readonly number: number;
  readonly value: number;
  readonly bytes: Uint8Array;
}

const nothing = new Uint8Array();

/** The fields of a protobuf message, without copies. */
function* fieldsOf(message: Uint8Array): Generator<Field> {
  let position = 0;
  const varint = () => {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (position >= message.length) throw new RangeError("The message ends inside a number.");
      const byte = message[position++]!;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new RangeError("A number has more than ten bytes.");
  };
  while (position < message.length) {
    const tag = varint();
    const number = Math.floor(tag / 8);
    const wireType = tag % 8;
    if (wireType === 0) yield { number, value: varint(), bytes: nothing };
    else {
      const length = wireType === 2 ? varint() : wireType === 1 ? 8 : wireType === 5 ? 4 : Number.NaN;
      if (!(position + length <= message.length)) throw new RangeError("A field goes beyond the message.");
      yield { number, value: 0, bytes: message.subarray(position, position + length) };
      position += length;
    }
  }
}

function stringField(message: Uint8Array, number: number): string {
  for (const field of fieldsOf(message)) {
    if (field.number === number) return Buffer.from(field.bytes).toString("utf8");
  }
  return "";
}
