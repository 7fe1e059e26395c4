import { randomUUID } from "node:crypto";
import { lstat, mkdir, readdir, readlink, rename, rm } from "node:fs/promises";
import path from "node:path";
import { whileUnused } from "../../disk/index.ts";
import { SparseEncoderError } from "../../errors.ts";
import { abortSignal, declareOptions, text } from "../../options/index.ts";
import { cacheFailure, HubCache } from "../hub/cache.ts";
import { blobName } from "../hub/listing.ts";
import { checkRepositoryName } from "../hub/name.ts";
import { cacheFolder, lockFolder, modelFolder } from "./cache-place.ts";
import { type CachedModel, type CacheOptions, listCachedModels, snapshotsOf } from "./cached-models.ts";

/** What of a model is deleted, and where. */
export interface DeleteCachedModelOptions extends CacheOptions {
  /** Branch, tag or commit: only its files, except files that other commits share. Default: all of the model. */
  readonly revision?: string | undefined;
  /** Ends the wait for another deletion with an `ABORTED` error. */
  readonly signal?: AbortSignal | undefined;
}

const deleteOptions = declareOptions<DeleteCachedModelOptions>()({
  cacheDir: text(),
  revision: text(),
  signal: abortSignal(),
});

/** End of the name of a model that is being deleted. */
const deletedEnd = ".sparse-encoder.deleted";

/** Milliseconds: Python writes to a file that it downloads more often than that. */
const downloadPause = 60_000;

/**
 * Deletes a model of the hub from the cache. A load or a download that begins meanwhile waits, and goes on with an empty place.
 * Programs of other libraries that read the model are not noticed, but for their downloads.
 *
 * @param name name on the hub
 * @returns bytes of the disk that are free now
 * @throws SparseEncoderError `CACHE_IN_USE` while an encoder of this library, in any process, has the model open or loads it, or
 *   while it is downloaded; `MODEL_NOT_FOUND`, `CACHE_UNWRITABLE`, `INVALID_ARGUMENT`, `UNKNOWN_OPTION`, `ABORTED`
 *
 * @example
 * await deleteCachedModel("naver/splade-v3");
 */
export async function deleteCachedModel(name: string, options?: DeleteCachedModelOptions): Promise<number> {
  const { cacheDir, revision, signal } = deleteOptions.check("deleteCachedModel", options);
  const repository = checkRepositoryName(name);
  const cache = cacheFolder(cacheDir);
  await findSnapshots(cache, repository, revision);
  const marks = lockFolder(cache, repository);
  try {
    return await whileUnused(
      marks,
      signal,
      (owner) => inUse(repository, owner?.pid),
      async () => {
        await refuseForeignDownload(cache, repository);
        const { all, chosen } = await findSnapshots(cache, repository, revision);
        return chosen.length === all.length
          ? deleteAll(cache, repository)
          : deleteSnapshots(cache, repository, chosen, all);
      },
    );
  } catch (error) {
    throw deletionFailure(error, repository, cache);
  }
}

interface Snapshots {
  readonly all: readonly CachedModel[];
  /** Those that the revision names. */
  readonly chosen: readonly CachedModel[];
}

async function findSnapshots(cache: string, name: string, revision: string | undefined): Promise<Snapshots> {
  const all = await snapshotsOf(cache, name);
  const chosen = all.filter(
    ({ commit, revisions }) => revision === undefined || commit === revision || revisions.includes(revision),
  );
  if (chosen.length > 0) return { all, chosen };
  const there =
    all.length > 0
      ? all.flatMap(({ commit, revisions }) => [...revisions, commit ?? []]).flat()
      : [...new Set((await listCachedModels({ cacheDir: cache })).map((model) => model.name))];
  const shown = there.length === 0 ? "nothing" : there.slice(0, 10).join(", ");
  throw new SparseEncoderError(
    "MODEL_NOT_FOUND",
    all.length > 0
      ? `The cache ${cache} holds no revision "${revision}" of the model "${name}", but ${shown}.`
      : `The cache ${cache} holds no model "${name}", but ${shown}.`,
  );
}

/** Takes the model out of its place at once, then removes it. */
async function deleteAll(cache: string, repository: string): Promise<number> {
  const folder = modelFolder(cache, repository);
  const marks = lockFolder(cache, repository);
  const aside = path.join(marks, `${randomUUID()}${deletedEnd}`);
  const bytes = await bytesBelow(folder);
  await mkdir(marks, { recursive: true });
  await rename(folder, aside);
  // With what a deletion left that was killed.
  const left = (await readdir(marks)).filter((name) => name.endsWith(deletedEnd));
  for (const name of left) await rm(path.join(marks, name), { recursive: true, force: true });
  return bytes;
}

async function deleteSnapshots(
  cacheDir: string,
  repository: string,
  chosen: readonly CachedModel[],
  all: readonly CachedModel[],
): Promise<number> {
  const folder = modelFolder(cacheDir, repository);
  const before = await bytesBelow(folder);
  for (const { commit, revisions } of chosen) {
    // The revisions first: none may stand for a commit that is gone.
    for (const revision of revisions) await rm(path.join(folder, "refs", revision), { force: true });
    await rm(path.join(folder, "snapshots", commit!), { recursive: true, force: true });
    await rm(path.join(folder, "trees", `${commit}.json`), { force: true });
  }
  const cache = new HubCache(cacheDir, repository, true);
  const needed = await blobsOf(
    cache,
    all.filter((snapshot) => !chosen.includes(snapshot)),
  );
  const blobs = path.join(folder, "blobs");
  for (const name of await readdir(blobs).catch(() => [])) {
    if (needed !== undefined && !needed.has(name)) await rm(path.join(blobs, name), { force: true });
  }
  return before - (await bytesBelow(folder));
}

/** Names of the blobs that snapshots consist of; undefined if that cannot be told. */
async function blobsOf(cache: HubCache, snapshots: readonly CachedModel[]): Promise<Set<string> | undefined> {
  const names = new Set<string>();
  for (const { commit, folder, files } of snapshots) {
    const listing = new Map((await cache.listing(commit!))?.map((file) => [file.path, blobName(file)]));
    for (const file of files) {
      const link = await readlink(path.join(folder, file)).catch(() => undefined);
      const blob = link === undefined ? listing.get(file) : path.basename(link);
      if (blob === undefined) return undefined;
      names.add(blob);
    }
  }
  return names;
}

/** Python's downloads leave no mark, but write to files of their own. */
async function refuseForeignDownload(cache: string, repository: string): Promise<void> {
  const folder = path.join(modelFolder(cache, repository), "blobs");
  for (const name of await readdir(folder).catch(() => [])) {
    if (!name.endsWith(".incomplete")) continue;
    const found = await lstat(path.join(folder, name)).catch(() => undefined);
    const isOwn = name.endsWith(".sparse-encoder.incomplete");
    if (!isOwn && found !== undefined && Date.now() - found.mtimeMs < downloadPause)
      throw inUse(repository, undefined);
  }
}

function inUse(repository: string, pid: number | undefined): SparseEncoderError {
  const who = pid === undefined ? "another process" : pid === process.pid ? "this process" : `process ${pid}`;
  return new SparseEncoderError(
    "CACHE_IN_USE",
    `The model "${repository}" is in use: ${who} has it open, loads it or downloads it. Close its encoders or end the process, then delete it.`,
  );
}

/** Windows keeps files that are open. */
function deletionFailure(error: unknown, repository: string, cache: string): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (process.platform === "win32" && (code === "EBUSY" || code === "EPERM"))
    return inUse(repository, undefined);
  return cacheFailure(error, cache, `deleting ${repository}`);
}

/** Bytes of all files below a folder, each counted once, links not followed. */
async function bytesBelow(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const seen = new Map<string, number>();
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const found = await lstat(path.join(entry.parentPath, entry.name)).catch(() => undefined);
    if (found !== undefined) seen.set(`${found.dev}:${found.ino}`, found.size);
  }
  return [...seen.values()].reduce((sum, size) => sum + size, 0);
}
