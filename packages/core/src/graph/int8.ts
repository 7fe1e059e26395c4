import { createHash, type Hash, randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, mkdir, open, rename, rm } from "node:fs/promises";
import path from "node:path";
import { throwIfAborted } from "../calls/index.ts";
import { SparseEncoderError } from "../errors.ts";
import {
  type Pipeline,
  type QuantisedTensor,
  readSafetensors,
  readTensorValues,
  type StoredTensor,
  TensorTable,
} from "../model/index.ts";
import { buildGraph } from "./compiled-model.ts";
import { largestInteger } from "./layers.ts";

/** Changes whenever the file's content would for the same source. */
const formatVersion = "2";

/** Values that are quantised without a pause: a few milliseconds of this thread. */
const valuesPerBlock = 1 << 19;

/**
 * The weights of a pipeline as int8, from files in `cacheFolder` that are made when they are missing or broken. Matrices
 * of linear layers, the word embeddings and the decoder get one scale a row, symmetric: row = int8 x scale, scale =
 * largest absolute value / 63. Everything else that the model needs is copied as float32, so the file stands alone.
 *
 * A file is keyed by the content of its source, written under a temporary name, and renamed when it is complete; its
 * checksum is verified whenever it is used.
 *
 * @throws SparseEncoderError `WEIGHTS_INVALID`, `CACHE_UNWRITABLE` or `ABORTED`
 */
export async function quantiseWeights(
  pipeline: Pipeline,
  weights: ReadonlyMap<string, TensorTable>,
  cacheFolder: string,
  signal: AbortSignal | undefined,
): Promise<Map<string, TensorTable>> {
  // Building it tells which weights the model uses, and which of them it could use as int8.
  const recorded = new Map([...weights].map(([folder, table]) => [folder, new RecordedTable(table)]));
  buildGraph(pipeline, recorded, "throughput");
  const quantised = new Map<string, TensorTable>();
  for (const [folder, table] of recorded) {
    const source = await hashFiles(table.files, [...table.used.keys()], signal);
    const file = path.join(cacheFolder, `${source.slice(0, 40)}.int8.safetensors`);
    const known = await readQuantised(file, source);
    quantised.set(folder, known ?? (await writeQuantised(file, source, table, signal)));
  }
  return quantised;
}

/** Notes what is asked of it. */
class RecordedTable extends TensorTable {
  readonly used = new Map<string, StoredTensor>();
  readonly quantisable = new Set<string>();

  constructor(table: TensorTable) {
    super(new Map(table.entries()), table.origin);
  }

  override get(name: string, shape: readonly number[]): StoredTensor {
    const tensor = super.get(name, shape);
    this.used.set(name, tensor);
    return tensor;
  }

  override quantised(name: string): QuantisedTensor | undefined {
    this.quantisable.add(name);
    return undefined;
  }
}

/** SHA-256 of the format, the names of the weights that are used, and the files. */
async function hashFiles(
  files: readonly string[],
  names: readonly string[],
  signal: AbortSignal | undefined,
): Promise<string> {
  const hash = createHash("sha256").update(JSON.stringify([formatVersion, [...names].sort()]));
  for (const file of files) {
    for await (const bytes of createReadStream(file, { highWaterMark: 1 << 20 })) {
      hash.update(bytes);
      throwIfAborted(signal);
    }
  }
  return hash.digest("hex");
}

/** The file if it is there, whole, and of that source. */
async function readQuantised(file: string, source: string): Promise<TensorTable | undefined> {
  let table: TensorTable;
  try {
    table = await readSafetensors(file);
  } catch {
    // Absent or broken: it will be written anew.
    return undefined;
  }
  const { source: found, sha256 } = table.metadata;
  const first = Math.min(...[...table.entries()].map(([, tensor]) => tensor.offset));
  const hash = createHash("sha256");
  for await (const bytes of createReadStream(file, { start: first, highWaterMark: 1 << 20 }))
    hash.update(bytes);
  return found === source && sha256 === hash.digest("hex") ? table : undefined;
}

async function writeQuantised(
  file: string,
  source: string,
  table: RecordedTable,
  signal: AbortSignal | undefined,
): Promise<TensorTable> {
  const temporary = `${file}.${randomUUID()}.tmp`;
  try {
    await mkdir(path.dirname(file), { recursive: true });
    const handle = await open(temporary, "wx+");
    try {
      await writeFile(handle, source, table, signal);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => {});
    if (SparseEncoderError.is(cause)) throw cause;
    throw new SparseEncoderError(
      "CACHE_UNWRITABLE",
      `The int8 weights cannot be written to ${path.dirname(file)}: ${(cause as Error).message}. Choose another folder with the option cacheDir.`,
      { cause },
    );
  }
  return readSafetensors(file);
}

/** One tensor of the file to be written. */
interface Entry {
  readonly name: string;
  readonly type: "I8" | "F32";
  readonly shape: readonly number[];
  readonly bytes: number;
}

async function writeFile(
  handle: FileHandle,
  source: string,
  table: RecordedTable,
  signal: AbortSignal | undefined,
): Promise<void> {
  const entries: Entry[] = [];
  for (const [name, { shape }] of table.used) {
    const count = shape.reduce((product, size) => product * size, 1);
    if (table.quantisable.has(name)) {
      entries.push({ name: `${name}_scale`, type: "F32", shape: [shape[0]!], bytes: shape[0]! * 4 });
      entries.push({ name, type: "I8", shape, bytes: count });
    } else entries.push({ name, type: "F32", shape, bytes: count * 4 });
  }
  // Float tensors first, so that each starts at a multiple of four bytes.
  entries.sort((a, b) => (a.type === b.type ? 0 : a.type === "F32" ? -1 : 1));
  const offsets = new Map<string, number>();
  let end = 0;
  for (const { name, bytes } of entries) {
    offsets.set(name, end);
    end += bytes;
  }
  const unknown = "0".repeat(64);
  const header = headerBytes(entries, offsets, source, unknown);
  await handle.write(header, 0, header.length, 0);
  const hash = createHash("sha256");
  const writer = new PositionedWriter(handle, header.length);
  for (const [name, tensor] of table.used) {
    throwIfAborted(signal);
    if (table.quantisable.has(name)) {
      await quantiseTensor(
        tensor,
        table.origin,
        name,
        writer,
        offsets.get(name)!,
        offsets.get(`${name}_scale`)!,
      );
    } else {
      await writer.write(await readTensorValues(tensor), offsets.get(name)!);
    }
  }
  await hashData(handle, header.length, end, hash);
  const complete = headerBytes(entries, offsets, source, hash.digest("hex"));
  await handle.write(complete, 0, complete.length, 0);
}

/** The length and the JSON of a safetensors header, padded to a multiple of eight bytes. */
function headerBytes(
  entries: readonly Entry[],
  offsets: ReadonlyMap<string, number>,
  source: string,
  sha256: string,
): Buffer {
  const header: Record<string, unknown> = {
    __metadata__: { format: `int8 ${formatVersion}`, source, sha256 },
  };
  for (const { name, type, shape, bytes } of entries) {
    const offset = offsets.get(name)!;
    header[name] = { dtype: type, shape, data_offsets: [offset, offset + bytes] };
  }
  const json = Buffer.from(JSON.stringify(header));
  const buffer = Buffer.alloc(8 + Math.ceil(json.length / 8) * 8, " ");
  buffer.writeBigUInt64LE(BigInt(buffer.length - 8));
  json.copy(buffer, 8);
  return buffer;
}

class PositionedWriter {
  private readonly handle: FileHandle;
  private readonly start: number;

  constructor(handle: FileHandle, start: number) {
    this.handle = handle;
    this.start = start;
  }

  async write(values: Int8Array | Float32Array, offset: number): Promise<void> {
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    await this.handle.write(bytes, 0, bytes.length, this.start + offset);
  }
}

/** Quantises a matrix in blocks of rows. */
async function quantiseTensor(
  tensor: StoredTensor,
  origin: string,
  name: string,
  writer: PositionedWriter,
  offset: number,
  scaleOffset: number,
): Promise<void> {
  const [rows, width] = tensor.shape as [number, number];
  const rowsPerBlock = Math.max(1, Math.floor(valuesPerBlock / width));
  for (let start = 0; start < rows; start += rowsPerBlock) {
    const end = Math.min(start + rowsPerBlock, rows);
    const { values, scales } = quantiseRows(
      await readTensorValues(tensor, start * width, end * width),
      width,
    );
    if (!scales.every(Number.isFinite)) {
      throw new SparseEncoderError(
        "WEIGHTS_INVALID",
        `${origin} has numbers in "${name}" that are not finite.`,
      );
    }
    await writer.write(values, offset + start * width);
    await writer.write(scales, scaleOffset + start * 4);
  }
}

/** One scale a row: the largest absolute value becomes 63. The scale of a row with numbers that are not finite is NaN. */
export function quantiseRows(
  weights: Float32Array,
  width: number,
): { values: Int8Array; scales: Float32Array } {
  const rows = weights.length / width;
  const values = new Int8Array(weights.length);
  const scales = new Float32Array(rows);
  for (let row = 0; row < rows; row++) {
    let largest = 0;
    let sum = 0;
    for (let index = row * width; index < (row + 1) * width; index++) {
      const magnitude = Math.abs(weights[index]!);
      if (magnitude > largest) largest = magnitude;
      sum += magnitude;
    }
    // Comparisons pass over NaN; the sum does not.
    scales[row] = Number.isFinite(sum) ? (largest === 0 ? 1 : largest / largestInteger) : Number.NaN;
    const inverse = 1 / scales[row]!;
    for (let index = row * width; index < (row + 1) * width; index++) {
      values[index] = Math.round(weights[index]! * inverse);
    }
  }
  return { values, scales };
}

async function hashData(handle: FileHandle, start: number, length: number, hash: Hash): Promise<void> {
  const buffer = Buffer.alloc(1 << 20);
  for (let done = 0; done < length; ) {
    const { bytesRead } = await handle.read(buffer, 0, Math.min(buffer.length, length - done), start + done);
    hash.update(buffer.subarray(0, bytesRead));
    done += bytesRead;
  }
}
