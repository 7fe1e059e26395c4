import { randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { copyFile, link, mkdir, readdir, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { readRegularText } from "../../disk/index.ts";
import { isSystemError, SparseEncoderError } from "../../errors.ts";
import { lockFolder, modelFolder } from "../cache/cache-place.ts";
import { blobHash, blobName, type HubFile, readRecordedListing, recordListing } from "./listing.ts";
import { isCommit } from "./name.ts";

/** Bytes of a revision or of a listing: what the hub may send of either. */
const mostTextBytes = 64 << 20;

/** Marks a folder that backups may skip (https://bford.info/cachedir/). */
const cacheTag =
  "Signature: 8a477f597d28d172789f06886806bc55\n# This folder is a cache: https://bford.info/cachedir/\n";

/**
 * The folder of one model in a cache that is shared with `huggingface_hub` of Python
 * (https://huggingface.co/docs/hub/local-cache):
 *
 * ```
 * <cacheDir>/.locks/models--org--name/<hash>.sparse-encoder.lock
 * <cacheDir>/models--org--name/blobs/<hash>                    contents
 * <cacheDir>/models--org--name/refs/<revision>                 the commit a branch or tag stood for last
 * <cacheDir>/models--org--name/snapshots/<commit>/<path>       links to blobs: the model folder
 * <cacheDir>/models--org--name/trees/<commit>.json             the listing of a commit
 * ```
 */
export class HubCache {
  readonly cacheDir: string;
  private readonly folder: string;
  private readonly locks: string;
  private readonly symlinks: boolean;
  /** True if contents are hashed, rather than their sizes compared. */
  readonly verifies: boolean;
  /** Files whose content was hashed and is right. */
  private readonly verified = new Set<string>();

  constructor(cacheDir: string, repository: string, symlinks: boolean, verifies = false) {
    this.cacheDir = cacheDir;
    this.folder = modelFolder(cacheDir, repository);
    this.locks = lockFolder(cacheDir, repository);
    this.symlinks = symlinks;
    this.verifies = verifies;
  }

  snapshot(commit: string): string {
    return path.join(this.folder, "snapshots", commit);
  }

  /** Where the content of a file belongs. */
  blob(file: HubFile): string {
    return path.join(this.folder, "blobs", blobName(file));
  }

  /** Named unlike the locks of Python, which are of another kind and stay behind when they are free. */
  lock(file: HubFile): string {
    return path.join(this.locks, `${blobName(file)}.sparse-encoder.lock`);
  }

  /** The commit that a revision stood for when it was last looked up; undefined if it never was. */
  async commitOf(revision: string): Promise<string | undefined> {
    if (isCommit(revision)) return revision;
    const text = await readText(path.join(this.folder, "refs", revision));
    return text !== undefined && isCommit(text.trim()) ? text.trim() : undefined;
  }

  async recordCommit(revision: string, commit: string): Promise<void> {
    if ((await this.commitOf(revision)) === commit) return;
    await this.write(path.join(this.folder, "refs", revision), commit);
  }

  /** The listing of a commit, if it was recorded. */
  async listing(commit: string): Promise<HubFile[] | undefined> {
    const file = path.join(this.folder, "trees", `${commit}.json`);
    const text = await readText(file);
    return text === undefined ? undefined : readRecordedListing(text, `recorded in ${file}`);
  }

  async recordFiles(commit: string, files: readonly HubFile[]): Promise<void> {
    await this.write(path.join(this.folder, "trees", `${commit}.json`), recordListing(files));
  }

  /** Paths of all files in the snapshot of a commit, separated by `/`; empty if there is none. */
  async snapshotFiles(commit: string): Promise<string[]> {
    const root = this.snapshot(commit);
    const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch(() => []);
    const paths = entries
      .filter((entry) => !entry.isDirectory())
      .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)));
    const readable = await Promise.all(
      paths.map(async (file) => (await sizeOf(path.join(root, file))) !== undefined),
    );
    return paths
      .filter((_, position) => readable[position])
      .map((file) => file.replaceAll(path.sep, "/"))
      .sort();
  }

  /** True if the snapshot holds the file, with the size or content that it must have. */
  async has(commit: string, file: HubFile): Promise<boolean> {
    return this.isRight(path.join(this.snapshot(commit), file.path), file);
  }

  async hasBlob(file: HubFile): Promise<boolean> {
    return this.isRight(this.blob(file), file);
  }

  private async isRight(stored: string, file: HubFile): Promise<boolean> {
    if ((await sizeOf(stored)) !== file.size) return false;
    if (!this.verifies || this.verified.has(stored)) return true;
    const hash = blobHash(file);
    for await (const bytes of createReadStream(stored, { highWaterMark: 1 << 20 })) hash.update(bytes);
    if (hash.digest("hex") !== blobName(file)) return false;
    this.verified.add(stored);
    return true;
  }

  /** Makes the folders that downloads are written to. */
  async prepare(): Promise<void> {
    await mkdir(path.join(this.folder, "blobs"), { recursive: true });
    await mkdir(this.locks, { recursive: true });
    // Only saves room in backups: whether it is there or can be written does not matter.
    await writeFile(path.join(this.cacheDir, "CACHEDIR.TAG"), cacheTag, { flag: "wx" }).catch(() => {});
  }

  /** Puts a file whose blob is there into the snapshot. */
  async link(commit: string, file: HubFile): Promise<void> {
    const blob = this.blob(file);
    const entry = path.join(this.snapshot(commit), file.path);
    await mkdir(path.dirname(entry), { recursive: true });
    // Made beside and renamed, so that no reader meets a gap where a damaged entry was.
    const temporary = path.join(this.folder, "blobs", `${randomUUID()}.link`);
    try {
      if (!(this.symlinks && (await linked(entry, blob, temporary)))) {
        await link(blob, temporary).catch(() => copyFile(blob, temporary));
      }
      await rename(temporary, entry);
    } finally {
      await rm(temporary, { force: true });
    }
  }

  private async write(file: string, text: string): Promise<void> {
    await mkdir(path.dirname(file), { recursive: true });
    const temporary = `${file}.${randomUUID()}.tmp`;
    try {
      await writeFile(temporary, text);
      await rename(temporary, file);
    } finally {
      await rm(temporary, { force: true });
    }
  }
}

/** Makes a symbolic link that reaches `blob` from where `entry` is; false if links are refused here. */
async function linked(entry: string, blob: string, temporary: string): Promise<boolean> {
  try {
    await symlink(path.relative(path.dirname(entry), blob), temporary, "file");
    return true;
  } catch (error) {
    // Windows without the right to make links; file systems that have none.
    const refused = ["EPERM", "ENOSYS", "ENOTSUP", "EOPNOTSUPP", "EINVAL", "UNKNOWN"];
    if (refused.includes((error as NodeJS.ErrnoException).code ?? "")) return false;
    throw error;
  }
}

/**
 * The error for a failure to write to the cache; any other error as it is.
 * @param doing what was to be written
 */
export function cacheFailure(error: unknown, cacheDir: string, doing: string): unknown {
  if (SparseEncoderError.is(error) || !isSystemError(error)) return error;
  const { code, syscall } = error;
  if (code === undefined) return error;
  const reasons: Readonly<Record<string, string>> = {
    ENOSPC: "the disk is full. Make room",
    EDQUOT: "the disk quota is used up. Make room",
    EROFS: "the file system is read-only. Make it writable",
    EACCES: "permission is denied. Make it writable",
    EPERM: "permission is denied. Make it writable",
  };
  const reason = reasons[code] ?? `the file system answered ${code} to ${syscall}. Check the disk`;
  return new SparseEncoderError(
    "CACHE_UNWRITABLE",
    `The cache ${cacheDir} cannot be written, ${doing}: ${reason}, or name another folder as cacheDir or in HF_HUB_CACHE.`,
    { cause: error },
  );
}

async function readText(file: string): Promise<string | undefined> {
  // What cannot be read counts as absent: it is looked up and written again.
  return readRegularText(file, mostTextBytes).catch(() => undefined);
}

/** Bytes of a file, links followed; undefined if there is none. */
async function sizeOf(file: string): Promise<number | undefined> {
  const found = await stat(file).catch(() => undefined);
  return found?.isFile() ? found.size : undefined;
}
