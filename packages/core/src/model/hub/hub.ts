import path from "node:path";
import { throwIfAborted } from "../../calls/index.ts";
import { SparseEncoderError } from "../../errors.ts";
import { cacheFolder } from "../cache/cache-place.ts";
import { readJsonFile } from "../json-file.ts";
import { incompleteModel } from "../model-files.ts";
import { HubCache } from "./cache.ts";
import { readHubEnvironment } from "./environment.ts";
import { HubResponseError } from "./failure.ts";
import { HubFetch, selectFiles } from "./fetch.ts";
import { checkRepositoryName, checkRevision, isCommit } from "./name.ts";
import { type HubOptions, hubOptions } from "./options.ts";
import { HubClient } from "./request.ts";
import { defaultTiming, type HubTiming } from "./timing.ts";

export { modelFiles, wantedModelFiles } from "../model-files.ts";
export { isHubName, isRepositoryName } from "./name.ts";
export { type HubOptions, type HubProgress, sourceRules } from "./options.ts";

/**
 * Returns the folder of a model of the Hugging Face hub, downloading what the cache lacks. The cache is the one of
 * Python's `huggingface_hub`: models that Python downloaded are used as they are, and the other way round.
 *
 * A commit whose files are all in the cache needs no request. A branch or tag takes one, to learn its commit, and
 * another for the list of files of a new commit; if the hub does not answer, or refuses, and the cache holds all
 * files of the commit it was last seen at, those are used. Every downloaded file is checked against the hub's hash
 * before it gets its name; a download that was killed is taken up where it stopped.
 *
 * @param repository `name` or `organization/name`
 * @returns absolute path of the snapshot folder: `<cacheDir>/models--organization--name/snapshots/<commit>`
 * @throws SparseEncoderError `NETWORK`, `HUB_OFFLINE`, `HUB_UNAUTHORIZED`, `HUB_GATED`, `HUB_NOT_FOUND`,
 *   `HUB_INVALID`, `DOWNLOAD_CORRUPT`, `CACHE_UNWRITABLE`, `MODEL_NOT_FOUND`, `INVALID_ARGUMENT`, `UNKNOWN_OPTION`,
 *   `ABORTED`
 *
 * @example
 * const folder = await fetchModel("naver/splade-v3", { wanted: wantedModelFiles() });
 */
export async function fetchModel(
  repository: string,
  options: HubOptions,
  timing: HubTiming = defaultTiming,
): Promise<string> {
  hubOptions.check("fetchModel", options);
  const environment = readHubEnvironment();
  const revision = checkRevision(options.revision ?? "main");
  const name = checkRepositoryName(repository);
  const cache = new HubCache(
    cacheFolder(options.cacheDir),
    name,
    environment.symlinks,
    options.verifyFiles ?? false,
  );
  const cached = await findCached(cache, revision, options.wanted);
  throwIfAborted(options.signal);
  if (options.localFilesOnly ?? environment.offline) {
    if (cached.folder !== undefined) return cached.folder;
    throw offline(name, revision, cache, cached.problem);
  }
  if (cached.folder !== undefined && cached.certain && isCommit(revision)) return cached.folder;
  const token = options.token ?? (await environment.readToken());
  const client = new HubClient(options.endpoint ?? environment.endpoint, token || undefined, timing);
  return withinTime(options, timing, name, async (limited) => {
    const fetching = new HubFetch(client, cache, { repository: name, revision }, limited, timing);
    const found = await fetching.lookUp(cached.folder !== undefined).catch((error: unknown) => {
      if (cached.folder !== undefined && servesFromCache(error)) return undefined;
      throw error;
    });
    return found === undefined ? cached.folder! : fetching.complete(found.commit, found.files);
  });
}

/** Runs `work` with a signal that also ends after the time that a model may take in all. */
async function withinTime(
  options: HubOptions,
  { total }: HubTiming,
  name: string,
  work: (limited: HubOptions) => Promise<string>,
): Promise<string> {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), total);
  const leave = () => limit.abort(options.signal?.reason);
  options.signal?.addEventListener("abort", leave);
  try {
    throwIfAborted(options.signal);
    return await work({ ...options, signal: limit.signal });
  } catch (error) {
    if (!SparseEncoderError.is(error, "ABORTED")) throw error;
    throwIfAborted(options.signal);
    if (!limit.signal.aborted) throw error;
    throw new SparseEncoderError(
      "NETWORK",
      `The model "${name}" did not arrive within ${total / 3_600_000} hours. What came is kept: try again, or check the connection.`,
    );
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener("abort", leave);
  }
}

/** What the cache knows without a request. */
export interface Cached {
  /** The snapshot, if no wanted file of it is missing. */
  readonly folder: string | undefined;
  /** True if that is known from the listing of the commit, false if names had to tell. */
  readonly certain: boolean;
  /** What is missing otherwise. */
  readonly problem: string;
}

/** The snapshot of a revision, and whether it is whole. */
export async function findCached(
  cache: HubCache,
  revision: string,
  wanted: HubOptions["wanted"],
): Promise<Cached> {
  const commit = await cache.commitOf(revision);
  if (commit === undefined) return { folder: undefined, certain: false, problem: "it was never downloaded" };
  const listing = await cache.listing(commit);
  if (listing === undefined) {
    // Python records listings only in part of its versions and calls.
    const problem = cache.verifies
      ? "there is no list of its files to compare their contents with"
      : await judgeByContent(cache, commit);
    const folder = problem === undefined ? cache.snapshot(commit) : undefined;
    return { folder, certain: false, problem: problem ?? "" };
  }
  const files = selectFiles(listing, wanted);
  const missing: string[] = [];
  for (const file of files) if (!(await cache.has(commit, file))) missing.push(file.path);
  if (missing.length === 0 && files.length > 0) {
    return { folder: cache.snapshot(commit), certain: true, problem: "" };
  }
  const shown = `${missing.slice(0, 3).join(", ")}${missing.length > 3 ? ", …" : ""}`;
  return { folder: undefined, certain: true, problem: `${shown || "all files"} missing or damaged` };
}

async function judgeByContent(cache: HubCache, commit: string): Promise<string | undefined> {
  try {
    const modules = await readJsonFile(path.join(cache.snapshot(commit), "modules.json"));
    return incompleteModel(await cache.snapshotFiles(commit), modules);
  } catch (error) {
    if (SparseEncoderError.is(error, "MODEL_INVALID")) return "modules.json is broken";
    throw error;
  }
}

/** True for a failure to look a model up that a whole copy in the cache makes good. */
function servesFromCache(error: unknown): boolean {
  if (!SparseEncoderError.is(error)) return false;
  // The hub is there and does not know the revision: the name is wrong, or what it stood for was withdrawn.
  if (error.cause instanceof HubResponseError && error.cause.errorCode === "RevisionNotFound") return false;
  return ["NETWORK", "HUB_UNAUTHORIZED", "HUB_GATED", "HUB_NOT_FOUND", "HUB_INVALID"].includes(error.code);
}

function offline(name: string, revision: string, cache: HubCache, problem: string): SparseEncoderError {
  return new SparseEncoderError(
    "HUB_OFFLINE",
    `The model "${name}" at ${revision} is not wholly in the cache ${cache.cacheDir} (${problem}), and requests are turned off by localFilesOnly or HF_HUB_OFFLINE. Load it once with them on, or copy a cache that holds it.`,
  );
}
