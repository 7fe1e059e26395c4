import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";

export type Json = Record<string, unknown>;

/** Reads a JSON file, changes it, and writes it; one that does not exist starts empty. */
export function editJson(file: string, edit: (json: Json) => void): void {
  const json = existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Json) : {};
  edit(json);
  writeFileSync(file, JSON.stringify(json));
}

/** Writes a JSON file, with its folder. */
export function writeJson(file: string, json: unknown): void {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify(json));
}

/** A float32 tensor of a safetensors file. */
export interface FloatTensor {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** Reads the float32 tensors of a safetensors file, changes them, and writes the file. */
export function editTensors(file: string, edit: (tensors: Map<string, FloatTensor>) => void): void {
  const bytes = readFileSync(file);
  const start = 8 + Number(bytes.readBigUInt64LE());
  const header = JSON.parse(bytes.toString("utf8", 8, start)) as Record<
    string,
    { shape: number[]; data_offsets: [number, number] }
  >;
  const tensors = new Map<string, FloatTensor>();
  for (const [name, entry] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    const [from, to] = entry.data_offsets;
    const copy = Uint8Array.from(bytes.subarray(start + from, start + to));
    tensors.set(name, { shape: entry.shape, values: new Float32Array(copy.buffer) });
  }
  edit(tensors);
  writeTensors(file, tensors);
}

/** Writes float32 tensors as a safetensors file. */
export function writeTensors(file: string, tensors: ReadonlyMap<string, FloatTensor>): void {
  const header: Json = {};
  let offset = 0;
  for (const [name, { shape, values }] of tensors) {
    header[name] = { dtype: "F32", shape, data_offsets: [offset, offset + values.byteLength] };
    offset += values.byteLength;
  }
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  const data = [...tensors.values()].map(({ values }) => new Uint8Array(values.buffer));
  mkdirSync(path.dirname(file), { recursive: true });
  rmSync(file, { force: true });
  writeFileSync(file, Buffer.concat([length, text, ...data]));
}

/** Copies a model folder without the files that `leaveOut` names. */
export function copyModel(
  source: string,
  target: string,
  leaveOut: (name: string) => boolean = () => false,
): void {
  cpSync(source, target, {
    recursive: true,
    filter: (file) => !leaveOut(path.relative(source, file)),
  });
}
