import { createHash, randomUUID } from "node:crypto";
import { open, rename, rm } from "node:fs/promises";
import path from "node:path";
import { openRegular, syncFolder } from "../../disk/index.ts";
import { invalidArgument, received, SparseEncoderError } from "../../errors.ts";
import { type Bm25Settings, resolveSettings } from "./bm25-options.ts";
import { mostTerms, TermCounts } from "./term-counts.ts";
import { dimOf } from "./term-dims.ts";

/** Of this library's BM25 files. In version 1, dims were numbers in order of first sight. */
const formatVersion = 2;
const format = "sparse-encoder/bm25";

/** Largest file that is read: more than the most terms take. */
const mostBytes = 2 ** 30;

/** What a BM25 encoder is made of again. */
export interface Bm25State {
  readonly settings: Bm25Settings;
  readonly counts: TermCounts;
  /** Mean length at the last fit. */
  readonly averageLength: number;
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
  const body = JSON.stringify(describe(state));
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
    await syncFolder(path.dirname(target)).catch(() => {});
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
 * @throws SparseEncoderError `INVALID_ARGUMENT`; `MODEL_NOT_FOUND` if there is no such file; `MODEL_INVALID` if it is not a
 *   file of this library, or is cut or changed; `MODEL_UNSUPPORTED` if another version wrote it
 */
export async function readBm25(file: string): Promise<Bm25State> {
  checkPath("Bm25Encoder.load", file);
  const text = await readText(file);
  const end = text.indexOf("\n");
  const header = parse(text.slice(0, end)) as {
    format?: unknown;
    version?: unknown;
    sha256?: unknown;
  } | null;
  if (header?.format !== format) {
    throw new SparseEncoderError("MODEL_INVALID", `${file} is not a file that Bm25Encoder.save() wrote.`);
  }
  if (header.version !== formatVersion) {
    const advice =
      header.version === 1
        ? "which numbered terms otherwise; fit again, and encode all documents again"
        : "update the library or fit again";
    throw new SparseEncoderError(
      "MODEL_UNSUPPORTED",
      `${file} has format version ${received(header.version)}, this library reads ${formatVersion}: ${advice}.`,
    );
  }
  const body = text.slice(end + 1, -1);
  if (sha256(body) !== header.sha256 || !text.endsWith("\n")) {
    throw new SparseEncoderError(
      "MODEL_INVALID",
      `${file} is cut or changed: its checksum is wrong. Save or copy it again.`,
    );
  }
  const state = restore(parse(body));
  if (state === undefined) {
    throw new SparseEncoderError(
      "MODEL_INVALID",
      `${file} has values that Bm25Encoder.save() does not write. Save or copy it again.`,
    );
  }
  return state;
}

async function readText(file: string): Promise<string> {
  try {
    const handle = await openRegular(file);
    try {
      const { size } = await handle.stat();
      if (size > mostBytes) throw new Error(`it has ${size} bytes, at most ${mostBytes} are read`);
      return await handle.readFile("utf8");
    } finally {
      await handle.close();
    }
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const missing = code === "ENOENT" || code === "ENOTDIR";
    throw new SparseEncoderError(
      missing ? "MODEL_NOT_FOUND" : "MODEL_INVALID",
      missing ? `${file} does not exist; write it with save().` : `${file} cannot be read: ${message}`,
      { cause },
    );
  }
}

function describe({ settings, counts, averageLength }: Bm25State): object {
  const terms = [...counts.terms.values()];
  return {
    settings,
    averageLength,
    documents: counts.documents,
    length: counts.length,
    terms: terms.map(({ term }) => term),
    frequencies: terms.map(({ documents }) => documents),
  };
}

/** The state that a file describes; undefined for one that no encoder can have. */
function restore(description: unknown): Bm25State | undefined {
  if (!isObject(description)) return undefined;
  const { settings, averageLength, documents, length, terms, frequencies } = description;
  const resolved = settingsOf(settings);
  if (resolved === undefined || !isCount(documents) || !isAmount(length) || !isAmount(averageLength))
    return undefined;
  if (!Array.isArray(terms) || !Array.isArray(frequencies)) return undefined;
  if (terms.length !== frequencies.length || terms.length > mostTerms) return undefined;
  const counts = new TermCounts();
  counts.documents = documents;
  counts.length = length;
  for (const [position, term] of terms.entries()) {
    const frequency: unknown = frequencies[position];
    if (typeof term !== "string" || !isCount(frequency) || frequency > documents) return undefined;
    const dim = dimOf(term);
    if (counts.terms.has(dim)) return undefined;
    counts.addTerm(dim, term, frequency);
  }
  return { settings: resolved, counts, averageLength };
}

function settingsOf(value: unknown): Bm25Settings | undefined {
  if (!isObject(value)) return undefined;
  const { k1, b, lengthNorm, analyzer } = value;
  try {
    const numbers = { k1, b, lengthNorm };
    if (analyzer === "custom") return { ...resolveSettings(numbers).settings, analyzer };
    if (!isObject(analyzer) || "analyzer" in analyzer) return undefined;
    return resolveSettings({ ...analyzer, ...numbers }).settings;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isAmount(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
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
