import { realpath } from "node:fs/promises";
import { received, SparseEncoderError } from "../../errors.ts";
import { isJsonObject, type JsonObject } from "../json-file.ts";
import { openRegularFile } from "../regular-file.ts";
import { type StoredTensor, shownShape, TensorTable, type TensorType, tensorTypeBytes } from "./tensor.ts";

/** The format's own limit, so that a broken length never asks for gigabytes of memory. */
const maximumHeaderBytes = 100_000_000;

/**
 * Reads the header of a safetensors file: names, types, shapes and places of its tensors. The weights
 * themselves are not read. Everything is checked against the file before anything is mapped: length of the
 * header, bounds, overlaps and gaps, types, and shapes against byte counts.
 *
 * Format: 8 bytes little-endian header length, JSON header, tensor data
 * (https://github.com/huggingface/safetensors#format).
 *
 * @throws SparseEncoderError `WEIGHTS_INVALID`
 */
export async function readSafetensors(file: string): Promise<TensorTable> {
  const { header, dataStart, fileBytes } = await readHeader(file);
  const resolved = await realpath(file);
  const tensors = new Map<string, StoredTensor>();
  for (const [name, entry] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    tensors.set(name, checkTensor(file, name, entry, resolved, dataStart, fileBytes));
  }
  checkLayout(file, tensors, dataStart, fileBytes);
  const metadata = header.__metadata__;
  return new TensorTable(tensors, file, isJsonObject(metadata) ? metadata : {});
}

async function readHeader(
  file: string,
): Promise<{ header: JsonObject; dataStart: number; fileBytes: number }> {
  const handle = await openRegularFile(file);
  try {
    const fileBytes = (await handle.stat()).size;
    const prefix = Buffer.alloc(8);
    if ((await handle.read(prefix, 0, 8, 0)).bytesRead < 8) {
      throw invalid(file, `has ${fileBytes} bytes, fewer than the 8 of its header length`);
    }
    const headerBytes = Number(prefix.readBigUInt64LE());
    if (headerBytes > fileBytes - 8) {
      throw invalid(file, `names a header of ${headerBytes} bytes, but only ${fileBytes - 8} bytes follow`);
    }
    if (headerBytes > maximumHeaderBytes) {
      throw invalid(
        file,
        `names a header of ${headerBytes} bytes, more than the ${maximumHeaderBytes} allowed`,
      );
    }
    const bytes = Buffer.alloc(headerBytes);
    await handle.read(bytes, 0, headerBytes, 8);
    return { header: parseHeader(file, bytes.toString("utf8")), dataStart: 8 + headerBytes, fileBytes };
  } finally {
    await handle.close();
  }
}

function parseHeader(file: string, text: string): JsonObject {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw invalid(file, `has a header that is not valid JSON`);
  }
  if (!isJsonObject(json)) throw invalid(file, `has a header that is not a JSON object: ${received(json)}`);
  return json;
}

function checkTensor(
  file: string,
  name: string,
  entry: unknown,
  resolved: string,
  dataStart: number,
  fileBytes: number,
): StoredTensor {
  if (!isJsonObject(entry)) throw invalid(file, `describes tensor ${received(name)} as ${received(entry)}`);
  const { dtype, shape, data_offsets: range } = entry;
  if (typeof dtype !== "string" || !Object.hasOwn(tensorTypeBytes, dtype)) {
    const known = Object.keys(tensorTypeBytes).join(", ");
    throw invalid(file, `gives tensor ${received(name)} the type ${received(dtype)}; known types: ${known}`);
  }
  if (!isCountList(shape)) throw invalid(file, `gives tensor ${received(name)} the shape ${received(shape)}`);
  if (!isCountList(range) || range.length !== 2 || range[1]! < range[0]!) {
    throw invalid(file, `gives tensor ${received(name)} the data_offsets ${received(range)}`);
  }
  const [begin, end] = range as [number, number];
  if (dataStart + end > fileBytes) {
    throw invalid(
      file,
      `ends at byte ${fileBytes}, but tensor ${received(name)} needs bytes up to ${dataStart + end}; the file is cut off: download it again`,
    );
  }
  const type = dtype as TensorType;
  const expected = shape.reduce((product, size) => product * size, tensorTypeBytes[type]);
  if (end - begin !== expected) {
    throw invalid(
      file,
      `gives tensor ${received(name)} ${end - begin} bytes, but ${type} ${shownShape(shape)} needs ${expected}`,
    );
  }
  return { type, shape, file: resolved, offset: dataStart + begin, byteLength: end - begin };
}

/** Tensors must cover the data exactly: no overlap, no gap, nothing behind the last. */
function checkLayout(
  file: string,
  tensors: ReadonlyMap<string, StoredTensor>,
  dataStart: number,
  fileBytes: number,
): void {
  const ordered = [...tensors].sort(([, a], [, b]) => a.offset - b.offset || a.byteLength - b.byteLength);
  let covered = dataStart;
  let previous = "";
  for (const [name, tensor] of ordered) {
    if (tensor.offset < covered)
      throw invalid(file, `lets tensors ${received(previous)} and ${received(name)} overlap`);
    if (tensor.offset > covered)
      throw invalid(file, `leaves ${tensor.offset - covered} bytes before tensor ${received(name)} unused`);
    covered = tensor.offset + tensor.byteLength;
    previous = name;
  }
  if (covered !== fileBytes) {
    throw invalid(file, `has ${fileBytes - covered} bytes behind its last tensor`);
  }
}

function isCountList(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}

function invalid(file: string, problem: string, cause?: unknown): SparseEncoderError {
  return new SparseEncoderError("WEIGHTS_INVALID", `${file} ${problem}.`, { cause });
}
