import { createHash, randomUUID } from "node:crypto";
import { open, readFile, rename, rm } from "node:fs/promises";
import path from "node:path";
import { invalidArgument, received, SparseEncoderError } from "../../errors.ts";

/** Of this library's BM25 files. A newer one is refused. */
const formatVersion = 1;
const format = "sparse-encoder/bm25";

/** What a fitted BM25 encoder is made of again. */
export interface Bm25State {
  readonly k1: number;
  readonly b: number;
  readonly analyzer:
    | { readonly language?: string; readonly stemming?: boolean; readonly stopWords?: readonly string[] }
    | "custom";
  readonly documents: number;
  readonly tokens: number;
  readonly averageLength: number;
  readonly terms: readonly string[];
  readonly frequencies: readonly number[];
}

/**
 * Writes a file of two lines, each JSON: what it is, with the SHA-256 of the second line, and the state. It is complete on
 * disk under a temporary name before it takes the place of an older one.
 *
 * @throws SparseEncoderError `INVALID_ARGUMENT`, `CACHE_UNWRITABLE`
 */
export async function writeBm25(file: string, state: Bm25State): Promise<void> {
  checkPath("save", file);
  const target = path.resolve(file);
  const body = JSON.stringify(state);
  const header = JSON.stringify({ format, version: formatVersion, sha256: sha256(body) });
  const temporary = `${target}.${randomUUID()}.tmp`;
  try {
    const handle = await open(temporary, "wx");
    try {
      await handle.writeFile(`${header}\n${body}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, target);
    await syncFolder(path.dirname(target));
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => {});
    throw new SparseEncoderError(
      "CACHE_UNWRITABLE",
      `save: ${target} cannot be written: ${(cause as Error).message}. What was there before is unchanged.`,
      { cause },
    );
  }
}

/**
 * @throws SparseEncoderError `INVALID_ARGUMENT`; `MODEL_NOT_FOUND` if there is no such file; `MODEL_INVALID` if it is none
 *   of ours, cut or changed; `MODEL_UNSUPPORTED` if a newer version wrote it
 */
export async function readBm25(file: string): Promise<Bm25State> {
  checkPath("Bm25Encoder.load", file);
  const text = await readFile(file, "utf8").catch((cause: NodeJS.ErrnoException) => {
    const missing = cause.code === "ENOENT" || cause.code === "ENOTDIR";
    throw new SparseEncoderError(
      missing ? "MODEL_NOT_FOUND" : "MODEL_INVALID",
      missing ? `${file} does not exist; write it with save().` : `${file} cannot be read: ${cause.message}`,
      { cause },
    );
  });
  const end = text.indexOf("\n");
  const header = parse(text.slice(0, end)) as { format?: unknown; version?: unknown; sha256?: unknown };
  if (header?.format !== format) {
    throw new SparseEncoderError("MODEL_INVALID", `${file} is not a file that Bm25Encoder.save() wrote.`);
  }
  if (header.version !== formatVersion) {
    throw new SparseEncoderError(
      "MODEL_UNSUPPORTED",
      `${file} has format version ${received(header.version)}, this library reads ${formatVersion}; update the library or fit again.`,
    );
  }
  const body = text.slice(end + 1, -1);
  if (sha256(body) !== header.sha256 || !text.endsWith("\n")) {
    throw new SparseEncoderError(
      "MODEL_INVALID",
      `${file} is cut or changed: its checksum is wrong. Save or copy it again.`,
    );
  }
  return parse(body) as Bm25State;
}

function checkPath(call: string, file: unknown): void {
  if (typeof file === "string" && file !== "") return;
  throw invalidArgument(`${call}: expected the path of a file, received ${received(file)}.`);
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** Makes the new name durable. Not every system can; the file itself is complete in any case. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r").catch(() => undefined);
  await handle?.sync().catch(() => {});
  await handle?.close();
}
