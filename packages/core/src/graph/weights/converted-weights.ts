import { createHash, randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, mkdir, open, rename, rm, statfs } from "node:fs/promises";
import path from "node:path";
import { mapInParallel, throwIfAborted } from "../../calls/index.ts";
import { SparseEncoderError } from "../../errors.ts";
import {
  type Pipeline,
  type QuantisedTensor,
  readSafetensors,
  type StoredTensor,
  TensorTable,
} from "../../model/index.ts";
import { buildGraph } from "../compiled-model.ts";

/** A number format that weights are converted to once and kept in. */
export interface WeightFormat {
  /** As users write it, `int8`. */
  readonly name: string;
  /** Changes whenever the file's content would for the same source. */
  readonly version: string;
  /** Whether the weights are in that format already, as far as the model uses them. */
  readonly has: (used: ReadonlyMap<string, StoredTensor>) => boolean;
  /** How a tensor of the source is stored: one entry or several. */
  readonly entries: (source: SourceTensor) => readonly StoredEntry[];
  /** Writes the entries of a tensor, each from its start to its end: `write` takes an entry's name, values, and their place among its own values. */
  readonly convert: (source: SourceTensor, write: WriteValues) => Promise<void>;
}

/** A tensor that is to be converted. */
export interface SourceTensor {
  readonly name: string;
  readonly tensor: StoredTensor;
  /** True if the model can use it as int8. */
  readonly quantisable: boolean;
  /** The file it comes from, for messages. */
  readonly origin: string;
}

/** One tensor of the file to be written. */
export interface StoredEntry {
  readonly name: string;
  readonly type: "I8" | "F16" | "F32";
  readonly shape: readonly number[];
}

export type ConvertedValues = Int8Array | Uint16Array | Float32Array;

export type WriteValues = (entry: string, values: ConvertedValues, start: number) => Promise<void>;

/** Values that are converted without a pause: a few milliseconds of this thread. */
export const valuesPerBlock = 1 << 20;

/** Some are read and written while this thread converts others. */
const tensorsAtOnce = 4;

const bytesOf = { I8: 1, F16: 2, F32: 4 } as const;

/**
 * The weights of a pipeline's transformer and its head in another format, from a file in `cacheFolder` that is made when it is
 * missing or broken; those of the other modules as they are. The file has everything that the transformer needs, so it stands
 * alone.
 *
 * A file is keyed by the content of its source, written under a temporary name, and renamed when it is complete; its
 * checksum is verified whenever it is used.
 *
 * @throws SparseEncoderError `WEIGHTS_INVALID`, `CACHE_UNWRITABLE` or `ABORTED`
 */
export async function convertWeights(
  pipeline: Pipeline,
  weights: ReadonlyMap<string, TensorTable>,
  format: WeightFormat,
  cacheFolder: string,
  signal: AbortSignal | undefined,
): Promise<Map<string, TensorTable>> {
  // Building it tells which weights the model uses, and which of them it could use as int8.
  const recorded = new Map([...weights].map(([folder, table]) => [folder, new RecordedTable(table)]));
  buildGraph(pipeline, recorded, "throughput");
  const converted = new Map(weights);
  for (const module of pipeline) {
    if (module.kind !== "Transformer") continue;
    const { folder } = module;
    const table = recorded.get(folder)!;
    if (format.has(table.used)) continue;
    const source = await hashSource(format, table, signal);
    const file = path.join(cacheFolder, `${source.slice(0, 40)}.${format.name}.safetensors`);
    const known = await readConverted(file, source);
    converted.set(folder, known ?? (await writeConverted(file, source, format, table, signal)));
  }
  return converted;
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
async function hashSource(
  { version }: WeightFormat,
  table: RecordedTable,
  signal: AbortSignal | undefined,
): Promise<string> {
  const hash = createHash("sha256").update(JSON.stringify([version, [...table.used.keys()].sort()]));
  for (const file of table.files) {
    for await (const bytes of createReadStream(file, { highWaterMark: 1 << 20 })) {
      hash.update(bytes);
      throwIfAborted(signal);
    }
  }
  return hash.digest("hex");
}

/** The file if it is there, whole, and of that source. */
async function readConverted(file: string, source: string): Promise<TensorTable | undefined> {
  let table: TensorTable;
  try {
    table = await readSafetensors(file);
  } catch {
    // Absent or broken: it will be written anew.
    return undefined;
  }
  const { source: found, sha256 } = table.metadata;
  if (found !== source) return undefined;
  const byPlace = [...table.entries()].map(([, tensor]) => tensor).sort((a, b) => a.offset - b.offset);
  const digests = await mapInParallel(byPlace, tensorsAtOnce, async ({ offset, byteLength }) => {
    const hash = createHash("sha256");
    const range = { start: offset, end: offset + byteLength - 1, highWaterMark: 1 << 20 };
    if (byteLength > 0) for await (const bytes of createReadStream(file, range)) hash.update(bytes);
    return hash.digest();
  });
  return sha256 === checksumOf(digests) ? table : undefined;
}

/** What stands in a file for the digests of its tensors, in their order: tensors are written, and read, several at a time. */
function checksumOf(digests: readonly Buffer[]): string {
  return createHash("sha256").update(Buffer.concat(digests)).digest("hex");
}

async function writeConverted(
  file: string,
  source: string,
  format: WeightFormat,
  table: RecordedTable,
  signal: AbortSignal | undefined,
): Promise<TensorTable> {
  const temporary = `${file}.${randomUUID()}.tmp`;
  try {
    await mkdir(path.dirname(file), { recursive: true });
    const handle = await open(temporary, "wx+");
    try {
      await checkDisk(path.dirname(file), format, table);
      // Not forced to the disk, which takes seconds per gigabyte: what a crash loses is found by its checksum and made anew.
      await writeFile(handle, source, format, table, signal);
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => {});
    if (SparseEncoderError.is(cause)) throw cause;
    throw new SparseEncoderError(
      "CACHE_UNWRITABLE",
      `The ${format.name} weights cannot be written to ${path.dirname(file)}: ${(cause as Error).message}. Choose another folder with the option cacheDir.`,
      { cause },
    );
  }
  return readSafetensors(file);
}

/** @throws SparseEncoderError `CACHE_UNWRITABLE` if the disk of a folder has no room for the file, before it is filled */
async function checkDisk(folder: string, format: WeightFormat, table: RecordedTable): Promise<void> {
  const places = placesOf(sourcesOf(table).flatMap(format.entries));
  const needed = places.reduce((sum, { bytes }) => sum + bytes, 0);
  const { bavail, blocks, bsize } = await statfs(folder);
  // Some network file systems say nothing of their size.
  if (blocks === 0 || bavail * bsize >= needed) return;
  const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(2)} GB`;
  throw new SparseEncoderError(
    "CACHE_UNWRITABLE",
    `The ${format.name} weights need ${gigabytes(needed)}, and the disk of ${folder} has ${gigabytes(bavail * bsize)} free. Free some space, or choose another folder with the option cacheDir.`,
  );
}

function sourcesOf({ used, quantisable, origin }: RecordedTable): SourceTensor[] {
  return [...used].map(([name, tensor]) => ({ name, tensor, quantisable: quantisable.has(name), origin }));
}

async function writeFile(
  handle: FileHandle,
  source: string,
  format: WeightFormat,
  table: RecordedTable,
  signal: AbortSignal | undefined,
): Promise<void> {
  const sources = sourcesOf(table);
  const places = placesOf(sources.flatMap(format.entries));
  const metadata = { format: `${format.name} ${format.version}`, source, sha256: "0".repeat(64) };
  const header = headerBytes(places, metadata);
  await handle.write(header, 0, header.length, 0);
  const byName = new Map(places.map((place) => [place.entry.name, { ...place, hash: createHash("sha256") }]));
  const write: WriteValues = async (entry, values, start) => {
    const { offset, hash } = byName.get(entry)!;
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    const position = header.length + offset + start * values.BYTES_PER_ELEMENT;
    hash.update(bytes);
    await handle.write(bytes, 0, bytes.length, position);
  };
  await mapInParallel(sources, tensorsAtOnce, async (tensor) => {
    throwIfAborted(signal);
    await format.convert(tensor, write);
  });
  const sha256 = checksumOf([...byName.values()].map(({ hash }) => hash.digest()));
  const complete = headerBytes(places, { ...metadata, sha256 });
  await handle.write(complete, 0, complete.length, 0);
}

/** Where an entry's bytes lie behind the header. */
interface EntryPlace {
  readonly entry: StoredEntry;
  readonly offset: number;
  readonly bytes: number;
}

/** Wide types first, so that each entry starts at a multiple of its values' size. */
function placesOf(entries: readonly StoredEntry[]): EntryPlace[] {
  let offset = 0;
  return entries
    .toSorted((a, b) => bytesOf[b.type] - bytesOf[a.type])
    .map((entry) => {
      const bytes = countOf(entry.shape) * bytesOf[entry.type];
      const place = { entry, offset, bytes };
      offset += bytes;
      return place;
    });
}

/** Number of values. */
export function countOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** The length and the JSON of a safetensors header, padded to a multiple of eight bytes. */
function headerBytes(places: readonly EntryPlace[], metadata: Readonly<Record<string, string>>): Buffer {
  const header: Record<string, unknown> = { __metadata__: metadata };
  for (const { entry, offset, bytes } of places) {
    header[entry.name] = { dtype: entry.type, shape: entry.shape, data_offsets: [offset, offset + bytes] };
  }
  const json = Buffer.from(JSON.stringify(header));
  const buffer = Buffer.alloc(8 + Math.ceil(json.length / 8) * 8, " ");
  buffer.writeBigUInt64LE(BigInt(buffer.length - 8));
  json.copy(buffer, 8);
  return buffer;
}
