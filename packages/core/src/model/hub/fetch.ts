import { mapInParallel } from "../../calls/index.ts";
import { WaitingLock } from "../../disk/index.ts";
import { received, SparseEncoderError } from "../../errors.ts";
import { downloadBlob } from "./blob.ts";
import { cacheFailure, type HubCache } from "./cache.ts";
import type { HubSubject } from "./failure.ts";
import { type HubFile, parseListing } from "./listing.ts";
import { isCommit, isSafePath } from "./name.ts";
import type { HubOptions } from "./options.ts";
import type { HubClient } from "./request.ts";
import type { HubTiming } from "./timing.ts";

/** What a listing may have: many times more than any model has. */
const mostPages = 1000;
const mostEntries = 200_000;

/** Files downloaded at once. */
const downloadsAtOnce = 4;

/** One model on its way from the hub to the cache. */
export class HubFetch {
  private readonly client: HubClient;
  private readonly cache: HubCache;
  private readonly subject: HubSubject;
  private readonly options: HubOptions;
  private readonly timing: HubTiming;

  constructor(
    client: HubClient,
    cache: HubCache,
    subject: HubSubject,
    options: HubOptions,
    timing: HubTiming,
  ) {
    this.client = client;
    this.cache = cache;
    this.subject = subject;
    this.options = options;
    this.timing = timing;
  }

  /** Asks for the commit and its files; only once if there is something to fall back on. */
  async lookUp(once: boolean): Promise<{ commit: string; files: HubFile[] }> {
    const attempts = once ? 1 : undefined;
    const commit = await this.commit(attempts);
    const recorded = await this.cache.listing(commit);
    if (recorded !== undefined) return { commit, files: recorded };
    const files = await this.listing(commit, attempts);
    // Saves a request next time, and tells without the network whether a snapshot is whole.
    await this.cache.recordFiles(commit, files).catch(() => {});
    return { commit, files };
  }

  /** Downloads the wanted files that the cache lacks. */
  async complete(commit: string, listing: readonly HubFile[]): Promise<string> {
    const { cache, options, subject } = this;
    const files = selectFiles(listing, options.wanted);
    if (files.length === 0) {
      throw new SparseEncoderError(
        "MODEL_NOT_FOUND",
        `The repository "${subject.repository}" at ${subject.revision} holds no model that can be loaded: none of its ${listing.length} files is needed.`,
      );
    }
    const missing: HubFile[] = [];
    for (const file of files) {
      if (!(await cache.has(commit, file))) missing.push(file);
    }
    if (missing.length > 0) {
      await this.writing("preparing it", () => cache.prepare());
      await mapInParallel(
        missing,
        downloadsAtOnce,
        (file, _, signal) =>
          this.writing(`storing ${file.path} (${file.size} bytes)`, () => this.store(commit, file, signal)),
        options.signal,
      );
    }
    // After the files, so that a revision never stands for a snapshot that is known to lack some.
    const recorded = this.writing("recording the revision", () =>
      cache.recordCommit(subject.revision, commit),
    );
    await (missing.length > 0 ? recorded : recorded.catch(() => {}));
    return cache.snapshot(commit);
  }

  private async commit(attempts: number | undefined): Promise<string> {
    const { client, subject, options } = this;
    if (isCommit(subject.revision)) return subject.revision;
    const parts = [...subject.repository.split("/"), "revision", subject.revision];
    const url = client.url("api", "models", ...parts);
    const { value } = await client.json(url, subject, options.signal, attempts);
    const sha = (value as { sha?: unknown } | null)?.sha;
    if (typeof sha !== "string" || !isCommit(sha)) throw client.invalidAnswer(url, "no commit");
    return sha;
  }

  private async listing(commit: string, attempts: number | undefined): Promise<HubFile[]> {
    const { client, subject, options } = this;
    const files: HubFile[] = [];
    const first = client.url("api", "models", ...subject.repository.split("/"), "tree", commit);
    first.search = "recursive=true&expand=false";
    const seen = new Set<string>();
    for (let page: URL | undefined = first; page !== undefined; ) {
      if (seen.has(page.href)) throw client.invalidAnswer(page, "the same page of a listing again");
      seen.add(page.href);
      const { value, next } = await client.json(page, subject, options.signal, attempts);
      for (const file of parseListing(value, `of ${client.shown(page)}`)) files.push(file);
      if (seen.size >= mostPages || files.length > mostEntries) {
        throw client.invalidAnswer(page, `a listing of more than ${mostPages} pages or ${mostEntries} files`);
      }
      page = next;
    }
    return files;
  }

  private async store(commit: string, file: HubFile, signal: AbortSignal): Promise<void> {
    const { cache, client, options, timing } = this;
    if (!(await cache.hasBlob(file))) {
      const lock = await WaitingLock.acquire(
        cache.lock(file),
        { beat: timing.lockBeat, silence: timing.lockSilence },
        signal,
      );
      try {
        // Another process may have been faster.
        if (!(await cache.hasBlob(file))) {
          const parts = file.path.split("/");
          await downloadBlob({
            client,
            url: client.url(...this.subject.repository.split("/"), "resolve", commit, ...parts),
            subject: { ...this.subject, file: file.path },
            file,
            blob: cache.blob(file),
            signal,
            onBytes: (bytes) => options.onProgress?.({ file: file.path, received: bytes, total: file.size }),
          });
        }
      } finally {
        await lock.release();
      }
    }
    await cache.link(commit, file);
  }

  private async writing(doing: string, write: () => Promise<void>): Promise<void> {
    try {
      await write();
    } catch (error) {
      throw cacheFailure(error, this.cache.cacheDir, doing);
    }
  }
}

/**
 * The wanted files of a listing.
 * @throws SparseEncoderError `HUB_INVALID` for a name that would leave the cache folder
 */
export function selectFiles(listing: readonly HubFile[], wanted: HubOptions["wanted"]): HubFile[] {
  const paths = Object.freeze(listing.map(({ path }) => path));
  const files = listing.filter(({ path }) => wanted(path, paths));
  const unsafe = files.find(({ path }) => !isSafePath(path));
  if (unsafe !== undefined) {
    throw new SparseEncoderError(
      "HUB_INVALID",
      `The repository holds a file named ${received(unsafe.path)}, which would be written outside the cache. Nothing was downloaded. Do not use this model.`,
    );
  }
  return files;
}
