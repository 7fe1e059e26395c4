import type { Dirent } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import path from "node:path";
import { isSystemError, SparseEncoderError } from "../../errors.ts";
import { declareOptions, text } from "../../options/index.ts";
import { HubCache } from "../hub/cache.ts";
import { findCached, wantedModelFiles } from "../hub/hub.ts";
import { isCommit, isRepositoryName } from "../hub/name.ts";
import { cacheFolder, modelFolder, repositoryOf } from "./cache-place.ts";

/** Where a cache is. */
export interface CacheOptions {
  /** Folder of downloaded models. Default: `HF_HUB_CACHE`, else `~/.cache/huggingface/hub`. */
  readonly cacheDir?: string | undefined;
}

/** A model of the hub in the cache, at one commit. */
export interface CachedModel {
  /** Name on the hub, such as `naver/splade-v3`. */
  readonly name: string;
  /** The commit; undefined for a download that broke off before its first file was whole. */
  readonly commit: string | undefined;
  /** Branches and tags that stood for the commit when they were last looked up. */
  readonly revisions: readonly string[];
  /** Absolute path of the model folder; of all of the model's files where there is no commit. */
  readonly folder: string;
  /** Paths of the files in the folder, separated by `/`, in order. */
  readonly files: readonly string[];
  /** Bytes of the files. Commits share files, so the bytes of several may count a file more than once. */
  readonly bytes: number;
  /**
   * When a file was last read or written, as far as the file system records it: many do so once a day, and those mounted with
   * `noatime` only note when it was written.
   */
  readonly lastUsed: Date;
  /** False if a file that loading needs is missing: a download broke off, or files were deleted. */
  readonly complete: boolean;
}

export const cacheOptions = declareOptions<CacheOptions>()({ cacheDir: text() });

/**
 * The models of the hub that are in the cache, including models that Python downloaded, ordered by name. What is not a model (data
 * sets, other files), or is of a layout that is not known, is passed over. No request is made.
 *
 * @throws SparseEncoderError `INVALID_ARGUMENT` for a folder that cannot be read, `UNKNOWN_OPTION`
 *
 * @example
 * for (const { name, bytes, lastUsed } of await listCachedModels()) console.log(name, bytes / 1e6, lastUsed);
 */
export async function listCachedModels(options?: CacheOptions): Promise<CachedModel[]> {
  const { cacheDir } = cacheOptions.check("listCachedModels", options);
  const cache = cacheFolder(cacheDir);
  const names = (await entriesOf(cache)).flatMap(({ name }) => repositoryOf(name) ?? []);
  const models: CachedModel[] = [];
  for (const name of names.filter(isRepositoryName).sort()) models.push(...(await snapshotsOf(cache, name)));
  return models;
}

/** The snapshots of a model in a cache. */
export async function snapshotsOf(cacheDir: string, name: string): Promise<CachedModel[]> {
  const folder = modelFolder(cacheDir, name);
  const cache = new HubCache(cacheDir, name, true);
  const commits = (await foldersIn(path.join(folder, "snapshots"))).filter(isCommit).sort();
  const revisions = await readRevisions(path.join(folder, "refs"));
  const found = await Promise.all(
    commits.map(async (commit): Promise<CachedModel> => {
      const files = await cache.snapshotFiles(commit);
      const { complete } = await judge(cache, commit);
      const snapshot = cache.snapshot(commit);
      const ownRevisions = revisions.filter(([, stands]) => stands === commit).map(([revision]) => revision);
      return {
        name,
        commit,
        revisions: ownRevisions,
        folder: snapshot,
        files,
        ...(await measure(snapshot, files)),
        complete,
      };
    }),
  );
  if (found.length > 0) return found;
  const blobs = (await readdir(path.join(folder, "blobs")).catch(() => [])).map((blob) => `blobs/${blob}`);
  // An empty folder, or one of another layout.
  if (blobs.length === 0) return [];
  const whole = await measure(folder, blobs);
  return [{ name, commit: undefined, revisions: [], folder, files: [], ...whole, complete: false }];
}

async function judge(cache: HubCache, commit: string): Promise<{ complete: boolean }> {
  try {
    return { complete: (await findCached(cache, commit, wantedModelFiles())).folder !== undefined };
  } catch (error) {
    // A listing with a file that would lie outside of the cache, for one.
    if (SparseEncoderError.is(error)) return { complete: false };
    throw error;
  }
}

async function measure(folder: string, files: readonly string[]): Promise<{ bytes: number; lastUsed: Date }> {
  const found = await Promise.all(files.map((file) => stat(path.join(folder, file)).catch(() => undefined)));
  const there = found.filter((status) => status !== undefined);
  const times = there.flatMap(({ atimeMs, mtimeMs }) => [atimeMs, mtimeMs]);
  return {
    bytes: there.reduce((sum, { size }) => sum + size, 0),
    lastUsed: new Date(times.reduce((latest, time) => Math.max(latest, time), 0)),
  };
}

/** Revisions, and the commits that they stand for. */
async function readRevisions(folder: string): Promise<(readonly [revision: string, commit: string])[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const read = entries
    .filter((entry) => entry.isFile() && !entry.name.endsWith(".tmp"))
    .map(async (entry) => {
      const file = path.join(entry.parentPath, entry.name);
      const revision = path.relative(folder, file).replaceAll(path.sep, "/");
      return [revision, (await readFile(file, "utf8").catch(() => "")).trim()] as const;
    });
  return (await Promise.all(read)).sort(([a], [b]) => (a < b ? -1 : 1));
}

async function foldersIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
}

/** What a cache holds; nothing if it is not there yet. */
async function entriesOf(cache: string): Promise<Dirent[]> {
  try {
    return await readdir(cache, { withFileTypes: true });
  } catch (error) {
    if (isSystemError(error) && error.code === "ENOENT") return [];
    throw new SparseEncoderError(
      "INVALID_ARGUMENT",
      `The cache ${cache} cannot be read: ${(error as Error).message}. Name another folder as cacheDir or in HF_HUB_CACHE.`,
      { cause: error },
    );
  }
}
