import { randomUUID } from "node:crypto";
import { link, lstat, readdir, rm, utimes, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { SparseEncoderError } from "../errors.ts";
import { isAlive, newOwner, parseOwner, readLock, removeLock } from "./lock-file.ts";
import { storageError } from "./storage-errors.ts";

/** Times of a lock, in milliseconds. */
export interface LockTiming {
  /** Between two settings of the file's time by its owner. */
  readonly beat: number;
  /** Without a beat for this long, the lock of another machine passes on. The waiting process measures it by its own clock. */
  readonly silence: number;
}

/** Contents of locks of this process that were let go while the disk failed, so that their files stayed. */
const abandoned = new Set<string>();

const defaultTiming: LockTiming = { beat: 2000, silence: 15_000 };

/**
 * The file that says who may write to a folder. It is made whole and at once, or not at all.
 *
 * The lock of a process of this machine that is gone is taken over at once. Of processes elsewhere (another machine or
 * container) nothing is known but the beat of the file. No lock of this kind is absolute, so a writer asks
 * {@link WriterLock.check} before each write.
 */
export class WriterLock {
  private readonly file: string;
  private readonly content: string;
  private readonly beat: NodeJS.Timeout;

  private constructor(file: string, content: string, every: number) {
    this.file = file;
    this.content = content;
    this.beat = setInterval(() => {
      const now = new Date();
      // The next beat makes up for a missed one.
      utimes(file, now, now).catch(() => {});
    }, every);
    this.beat.unref();
  }

  /**
   * @param file the folder of it must exist
   * @throws SparseEncoderError `STORE_LOCKED` if a live process holds it; errors of the file system as they are
   */
  static async acquire(file: string, timing: LockTiming = defaultTiming): Promise<WriterLock> {
    const owner = await newOwner();
    const content = JSON.stringify(owner);
    while (!(await create(file, content))) {
      const found = await readLock(file);
      if (found === undefined) continue;
      const holder = parseOwner(found);
      if (abandoned.delete(found)) {
        // Nobody holds it.
      } else if (holder !== undefined && holder.machine === owner.machine) {
        if (await isAlive(holder)) throw locked(file, `process ${holder.pid}`);
      } else if (await beats(file, timing)) {
        throw locked(
          file,
          holder === undefined ? "another process" : `process ${holder.pid} on ${holder.machine}`,
        );
      }
      await removeLock(file, found);
    }
    await sweep(file, owner.machine);
    return new WriterLock(file, content, timing.beat);
  }

  /** @throws SparseEncoderError `STORE_LOCKED` if the lock has passed to another process; `STORE_FAILED` */
  async check(): Promise<void> {
    if (await this.isHeld()) return;
    throw new SparseEncoderError(
      "STORE_LOCKED",
      `${this.file} was taken over by another process, or removed: this store may not write any more. Close it and open it again.`,
    );
  }

  /**
   * @throws SparseEncoderError `STORE_FAILED` if the file cannot be removed; other processes then take the lock over when this one
   *   has ended, and this one takes it at any time
   */
  async release(): Promise<void> {
    clearInterval(this.beat);
    try {
      // After a takeover the file is another owner's.
      if (await this.isHeld()) await rm(this.file, { force: true });
    } catch (error) {
      abandoned.add(this.content);
      throw storageError(error, `${this.file} cannot be removed, and ends with this process`);
    }
  }

  private async isHeld(): Promise<boolean> {
    try {
      return (await readLock(this.file)) === this.content;
    } catch (error) {
      throw storageError(error, `${this.file} cannot be read`);
    }
  }
}

async function create(file: string, content: string): Promise<boolean> {
  const temporary = `${file}.${randomUUID()}.tmp`;
  try {
    await writeFile(temporary, content, { flag: "wx" });
    await link(temporary, file);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") return false;
    // File systems without links, such as FAT.
    if (code === "EPERM" || code === "ENOSYS" || code === "ENOTSUP" || code === "EOPNOTSUPP") {
      return createPlainly(file, content);
    }
    throw error;
  } finally {
    await rm(temporary, { force: true });
  }
}

/** Removes what processes of this machine left that were killed while they made the lock. */
async function sweep(file: string, here: string): Promise<void> {
  const folder = path.dirname(file);
  for (const name of await readdir(folder)) {
    if (!name.startsWith(`${path.basename(file)}.`) || !name.endsWith(".tmp")) continue;
    const temporary = path.join(folder, name);
    const owner = parseOwner((await readLock(temporary)) ?? "");
    if (owner?.machine === here && !(await isAlive(owner))) await rm(temporary, { force: true });
  }
}

async function createPlainly(file: string, content: string): Promise<boolean> {
  try {
    await writeFile(file, content, { flag: "wx" });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** Whether the file's time changes, or the file goes, while a living owner would have set it. */
async function beats(file: string, { beat, silence }: LockTiming): Promise<boolean> {
  const time = async () => (await lstat(file).catch(() => undefined))?.mtimeMs;
  const first = await time();
  for (let waited = 0; waited < silence; waited += beat / 2) {
    await sleep(beat / 2);
    const now = await time();
    if (now !== first) return now !== undefined;
  }
  return false;
}

function locked(file: string, holder: string): SparseEncoderError {
  return new SparseEncoderError(
    "STORE_LOCKED",
    `${file} is held by ${holder}, which writes to this store; a store has one writer. Close it there, or use another folder.`,
  );
}
