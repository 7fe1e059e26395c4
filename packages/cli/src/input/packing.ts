import { createReadStream } from "node:fs";
import { pipeline, type Readable } from "node:stream";
import zlib from "node:zlib";
import { Decompress } from "fzstd";
import { CommandError, messageOf, systemCode } from "../command-error.ts";

/** What later versions of Node have. */
const zstd = zlib as typeof zlib & { readonly zstdCompressSync?: (bytes: Uint8Array) => Uint8Array };

/** How a file is packed, by the end of its name. */
export type Packing = "none" | "gzip" | "zstd";

/** Most bytes that come out of one step of unpacking: a small file can hold gigabytes of zeros. */
const stepBytes = 1 << 20;

export function packingOf(path: string): Packing {
  if (/\.gz$/i.test(path)) return "gzip";
  return /\.zst$/i.test(path) ? "zstd" : "none";
}

/** The name of a file without the ending that tells its packing. */
export function unpackedName(path: string): string {
  return path.replace(/\.(gz|zst)$/i, "");
}

/**
 * The bytes of a file, unpacked by its name as they are read; `-` is standard input, which is never unpacked.
 * @throws CommandError naming the file
 */
export async function* openFile(
  path: string,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const source = path === "-" ? process.stdin : createReadStream(path, { signal });
  try {
    yield* unpack(source, path === "-" ? "none" : packingOf(path));
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof CommandError) throw error;
    const code = systemCode(error);
    if (code === "ENOENT") throw new CommandError(`There is no file ${path}.`);
    if (code === "EISDIR") throw new CommandError(`${path} is a folder; name a file.`);
    throw new CommandError(`${path} cannot be read: ${messageOf(error)}`, undefined, { cause: error });
  } finally {
    source.destroy();
  }
}

async function* unpack(source: Readable, packing: Packing): AsyncGenerator<Uint8Array, void, undefined> {
  if (packing === "none") {
    yield* source as AsyncIterable<Uint8Array>;
  } else if (packing === "gzip") {
    yield* pipeline(
      source,
      zlib.createGunzip({ chunkSize: stepBytes }),
      () => {},
    ) as AsyncIterable<Uint8Array>;
  } else {
    yield* unpackZstd(source);
  }
}

async function* unpackZstd(source: Readable): AsyncGenerator<Uint8Array, void, undefined> {
  const ready: Uint8Array[] = [];
  const stream = new Decompress((chunk) => ready.push(chunk));
  for await (const chunk of source as AsyncIterable<Uint8Array>) {
    stream.push(chunk);
    yield* ready.splice(0);
  }
  stream.push(new Uint8Array(0), true);
  yield* ready.splice(0);
}

/**
 * Packs a block of bytes so that the blocks of a file, one behind the other, are a packed file too.
 * @throws CommandError where this version of Node cannot write Zstandard
 */
export function packBlock(bytes: Uint8Array, packing: Packing): Uint8Array {
  if (packing === "gzip") return zlib.gzipSync(bytes);
  if (packing === "none") return bytes;
  checkPacking(packing);
  return zstd.zstdCompressSync!(bytes);
}

/** @throws CommandError where this version of Node cannot write files of that packing */
export function checkPacking(packing: Packing): void {
  if (packing === "zstd" && zstd.zstdCompressSync === undefined) {
    throw new CommandError(
      `Node ${process.versions.node} cannot write Zstandard: use Node 22.15 or later, or a name that ends in .gz.`,
    );
  }
}
