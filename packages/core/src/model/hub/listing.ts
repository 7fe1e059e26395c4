import { createHash, type Hash } from "node:crypto";
import { SparseEncoderError } from "../../errors.ts";
import { isJsonObject, type JsonObject } from "../json-file.ts";

/** Characters of a path; file systems take as many at most. */
const longestPath = 4096;

/** One file of a repository at one commit. */
export interface HubFile {
  /** Relative to the repository, separated by `/`. As the hub names it: not yet checked. */
  readonly path: string;
  /** Bytes of the content. */
  readonly size: number;
  /** Name of the object in git: SHA-1 over a header and the content, of large files over a pointer. */
  readonly gitHash: string;
  /** SHA-256 of the content, of large files only. */
  readonly sha256: string | undefined;
  /** Name of the content in the hub's chunk store, if any; kept for Python's sake. */
  readonly xetHash: string | undefined;
}

/** Name of a file's content in the cache, which is its etag on the hub too. */
export function blobName(file: HubFile): string {
  return file.sha256 ?? file.gitHash;
}

/** The hash of a content, before its first byte. Git puts a header in front of a file before it hashes it. */
export function blobHash(file: HubFile): Hash {
  if (file.sha256 !== undefined) return createHash("sha256");
  return createHash("sha1").update(`blob ${file.size}\0`);
}

/**
 * Reads one page of the hub's listing (`/api/models/<name>/tree/<commit>?recursive=true`); folders are left out.
 * Hashes become file names, so each is checked to be one.
 * @throws SparseEncoderError `HUB_INVALID`
 */
export function parseListing(json: unknown, origin: string): HubFile[] {
  if (!Array.isArray(json) || !json.every(isJsonObject)) throw invalid(origin, "is not a list of files");
  return json.filter(({ type }) => type === "file").map((entry) => parseFile(entry, origin));
}

function parseFile(entry: JsonObject, origin: string): HubFile {
  const lfs = isJsonObject(entry.lfs) ? entry.lfs : undefined;
  return checkFile(
    {
      path: entry.path,
      size: lfs?.size ?? entry.size,
      gitHash: entry.oid,
      sha256: lfs?.oid,
      xetHash: entry.xetHash,
    },
    origin,
  );
}

/** The format version of huggingface_hub's recorded listings that is read and written. */
const recordVersion = 1;

/**
 * A listing as huggingface_hub records it, in `trees/<commit>.json` beside the snapshots: a commit never
 * changes, so its listing is asked for once.
 */
export function recordListing(files: readonly HubFile[]): string {
  const ordered = [...files].sort((a, b) => (a.path < b.path ? -1 : 1));
  const entries = ordered.map(({ path, size, gitHash, sha256, xetHash }) => [
    path,
    {
      size,
      blob_id: gitHash,
      ...(sha256 === undefined ? {} : { lfs_sha256: sha256, lfs_size: size }),
      ...(xetHash === undefined ? {} : { xet_hash: xetHash }),
    },
  ]);
  return JSON.stringify({ format_version: recordVersion, files: Object.fromEntries(entries) }, undefined, 1);
}

/** The listing of such a record; undefined if it is broken or of another version. */
export function readRecordedListing(text: string, origin: string): HubFile[] | undefined {
  try {
    const json: unknown = JSON.parse(text);
    if (!isJsonObject(json) || json.format_version !== recordVersion || !isJsonObject(json.files))
      return undefined;
    return Object.entries(json.files).map(([path, entry]) => {
      if (!isJsonObject(entry)) throw invalid(origin, `describes ${JSON.stringify(path)} wrongly`);
      const { lfs_size, size, blob_id: gitHash, lfs_sha256: sha256, xet_hash: xetHash } = entry;
      return checkFile({ path, size: lfs_size ?? size, gitHash, sha256, xetHash }, origin);
    });
  } catch (error) {
    if (isSyntaxError(error) || SparseEncoderError.is(error, "HUB_INVALID")) return undefined;
    throw error;
  }
}

/** Told by its name: errors of another realm, as tests have them, are of another class. */
function isSyntaxError(error: unknown): boolean {
  return typeof error === "object" && error !== null && "name" in error && error.name === "SyntaxError";
}

function checkFile(file: Readonly<Record<keyof HubFile, unknown>>, origin: string): HubFile {
  const { path, size, gitHash, sha256 } = file;
  if (
    typeof path !== "string" ||
    path.length > longestPath ||
    typeof size !== "number" ||
    !Number.isSafeInteger(size) ||
    size < 0 ||
    !isHash(gitHash, 40) ||
    !(sha256 === undefined || sha256 === null || isHash(sha256, 64))
  ) {
    throw invalid(origin, `describes a file wrongly: ${JSON.stringify(file).slice(0, 200)}`);
  }
  const xetHash = isHash(file.xetHash, 64) ? file.xetHash : undefined;
  return { path, size, gitHash, sha256: sha256 ?? undefined, xetHash };
}

function isHash(value: unknown, length: number): value is string {
  return typeof value === "string" && value.length === length && /^[0-9a-f]+$/.test(value);
}

function invalid(origin: string, problem: string): SparseEncoderError {
  return new SparseEncoderError(
    "HUB_INVALID",
    `The file listing ${origin} ${problem}. Check that the endpoint is a Hugging Face hub.`,
  );
}
