import { type Hash, randomUUID } from "node:crypto";
import { constants, type FileHandle, lstat, open, readdir, rename, rm } from "node:fs/promises";
import path from "node:path";
import { SparseEncoderError, type SparseEncoderErrorCode } from "../../errors.ts";
import { type HubSubject, TransientFailure } from "./failure.ts";
import { blobHash, blobName, type HubFile } from "./listing.ts";
import type { HubAnswer, HubClient } from "./request.ts";

/** Part downloads are named `<hash>.<8 hex digits>.sparse-encoder.incomplete`. */
const incomplete = ".sparse-encoder.incomplete";
const readBytes = 1 << 20;

/** A file to download, and where to. */
export interface BlobDownload {
  readonly client: HubClient;
  readonly url: URL;
  readonly subject: HubSubject;
  readonly file: HubFile;
  /** The final name; its folder exists. */
  readonly blob: string;
  readonly signal: AbortSignal | undefined;
  /** Called with the bytes of the file that are there. */
  readonly onBytes: (received: number) => void;
}

/**
 * Downloads a file under a temporary name, checks size and hash, and gives it its final name.
 *
 * A part left by a killed or failed download is taken over and the rest asked for. Each download writes to a name
 * of its own, and takes over a part by renaming it, so that two downloads of one blob (which the lock prevents, but
 * not on every file system) cannot spoil each other: the one whose file was taken fails.
 *
 * @throws SparseEncoderError `NETWORK`, `HUB_*`, `DOWNLOAD_CORRUPT`, `ABORTED`; errors of the file system as they are
 */
export async function downloadBlob(download: BlobDownload): Promise<void> {
  const part = await Part.open(download);
  try {
    await part.fill();
    if (!part.matches) {
      // What an earlier download left may be at fault, or something on the way: once more, from the start.
      await part.empty();
      await part.fill();
    }
    if (!part.matches) {
      await part.empty();
      throw part.corrupt(`its ${part.algorithm} hash is not ${blobName(download.file)}`);
    }
    await part.finish();
  } finally {
    await part.close();
  }
}

/** A file that is being downloaded. */
class Part {
  readonly algorithm: "SHA-256" | "git SHA-1";
  private readonly download: BlobDownload;
  private readonly name: string;
  private handle: FileHandle;
  private hash: Hash;
  private received = 0;

  private constructor(download: BlobDownload, name: string, handle: FileHandle) {
    this.algorithm = download.file.sha256 === undefined ? "git SHA-1" : "SHA-256";
    this.download = download;
    this.name = name;
    this.handle = handle;
    this.hash = blobHash(download.file);
  }

  static async open(download: BlobDownload): Promise<Part> {
    const name = `${download.blob}.${randomUUID().slice(0, 8)}${incomplete}`;
    await takeOver(download.blob, name);
    const handle = await openPart(name);
    const part = new Part(download, name, handle);
    try {
      await part.readExisting();
      return part;
    } catch (error) {
      await part.close();
      throw error;
    }
  }

  get matches(): boolean {
    return this.hash.copy().digest("hex") === blobName(this.download.file);
  }

  /** Downloads what is missing. */
  async fill(): Promise<void> {
    const { client, signal, file, onBytes } = this.download;
    onBytes(this.received);
    if (this.received === file.size) return;
    await client.retry(
      signal,
      undefined,
      () => this.attempt(),
      () => this.received,
    );
  }

  /** Starts over, in a new file: the old one may by now be another download's. */
  async empty(): Promise<void> {
    await this.handle.close();
    await rm(this.name, { force: true });
    this.handle = await openPart(this.name);
    this.received = 0;
    this.hash = blobHash(this.download.file);
  }

  /** Puts the whole file on disk for good, then under its final name. */
  async finish(): Promise<void> {
    await this.handle.sync();
    await this.handle.close();
    await rename(this.name, this.download.blob);
  }

  /** Leaves the part for the next call, unless there is nothing to leave. */
  async close(): Promise<void> {
    await this.handle.close();
    if (this.received === 0) await rm(this.name, { force: true });
  }

  corrupt(problem: string): SparseEncoderError {
    return this.failure(
      "DOWNLOAD_CORRUPT",
      `is not what the hub announced: ${problem}. Try again; if it stays, the hub or a proxy in between serves a wrong file`,
    );
  }

  private failure(code: SparseEncoderErrorCode, problem: string): SparseEncoderError {
    const { client, url, subject } = this.download;
    return new SparseEncoderError(code, `${subject.file} from ${client.shown(url)} ${problem}.`);
  }

  /** Reads what is there already into the hash. */
  private async readExisting(): Promise<void> {
    const { size } = await this.handle.stat();
    if (size > this.download.file.size) return this.empty();
    const buffer = Buffer.allocUnsafe(readBytes);
    while (this.received < size) {
      const { bytesRead } = await this.handle.read(buffer, 0, readBytes, this.received);
      if (bytesRead === 0) return;
      this.hash.update(buffer.subarray(0, bytesRead));
      this.received += bytesRead;
    }
  }

  private async attempt(): Promise<void> {
    const { client, url, subject, file, signal, onBytes } = this.download;
    const headers: Record<string, string> = this.received === 0 ? {} : { range: `bytes=${this.received}-` };
    const answer = await client.get(url, subject, headers, signal);
    try {
      this.checkAnnouncement(answer);
      await this.checkPosition(answer);
      for await (const chunk of answer.chunks()) {
        if (this.received + chunk.length > file.size) {
          await this.empty();
          throw this.truncatedOr("has more bytes than the hub announced");
        }
        await this.append(chunk);
        onBytes(this.received);
      }
    } finally {
      await answer.close();
    }
    if (this.received < file.size) {
      throw this.truncatedOr(`ended after ${this.received} of ${file.size} bytes`);
    }
  }

  /** Fails early if the hub says of the file something else than its listing did. */
  private checkAnnouncement({ linkedEtag, linkedSize }: HubAnswer): void {
    const { file } = this.download;
    if (linkedEtag !== undefined && linkedEtag !== blobName(file)) {
      throw this.corrupt(
        `the hub names another content in x-linked-etag than ${blobName(file)} in its listing`,
      );
    }
    if (linkedSize !== undefined && linkedSize !== file.size) {
      throw this.corrupt(`the hub announces ${linkedSize} bytes, its listing ${file.size}`);
    }
  }

  /** Makes sure that what comes belongs where this part ends; starts over if the server sends the whole file. */
  private async checkPosition({ status, headers }: HubAnswer): Promise<void> {
    const { size } = this.download.file;
    if (status === 200) {
      if (this.received > 0) await this.empty();
      const length = headers.get("content-length");
      const encoded = headers.get("content-encoding") ?? "identity";
      if (length !== null && encoded === "identity" && Number(length) !== size) {
        throw this.truncatedOr(`has ${length} bytes instead of ${size}`);
      }
      return;
    }
    const [, start, total] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers.get("content-range") ?? "") ?? [];
    if (status === 206 && Number(start) === this.received && (total === "*" || Number(total) === size))
      return;
    const asked = this.received;
    await this.empty();
    throw this.truncatedOr(`was to go on at byte ${asked}, but the answer was ${status} with another range`);
  }

  private async append(chunk: Uint8Array): Promise<void> {
    for (let written = 0; written < chunk.length; ) {
      const { bytesWritten } = await this.handle.write(
        chunk,
        written,
        chunk.length - written,
        this.received + written,
      );
      written += bytesWritten;
    }
    this.hash.update(chunk);
    this.received += chunk.length;
  }

  private truncatedOr(problem: string): TransientFailure {
    return new TransientFailure(this.failure("DOWNLOAD_CORRUPT", `${problem}. Try again later`));
  }
}

/**
 * Neither truncating nor appending, so that writes land where they are meant to, and not through a link that another user of a
 * shared cache laid.
 */
async function openPart(name: string): Promise<FileHandle> {
  return open(name, constants.O_RDWR | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0));
}

/** Renames the longest part of a blob to `name`, and removes others. The caller holds the lock of the blob. */
async function takeOver(blob: string, name: string): Promise<void> {
  const folder = path.dirname(blob);
  const left = (await readdir(folder)).filter(
    (entry) => entry.startsWith(`${path.basename(blob)}.`) && entry.endsWith(incomplete),
  );
  const parts = await Promise.all(
    left.map(async (entry) => {
      const file = path.join(folder, entry);
      const found = await lstat(file).catch(() => undefined);
      // A link, or a file with a second name, leads out of the cache.
      return { file, size: found?.isFile() && found.nlink === 1 ? found.size : undefined };
    }),
  );
  const usable = parts.filter((part) => part.size !== undefined).sort((a, b) => b.size! - a.size!);
  const [longest] = usable;
  const others = parts.filter((part) => part !== longest);
  // A part that cannot be taken is another process's after all; downloading from the start does no harm.
  if (longest !== undefined) await rename(longest.file, name).catch(() => {});
  for (const { file } of others) await rm(file, { force: true }).catch(() => {});
}
