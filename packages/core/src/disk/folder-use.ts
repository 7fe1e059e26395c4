import { randomUUID } from "node:crypto";
import { mkdir, readdir, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import path from "node:path";
import { isAlive, type LockOwner, newOwner, parseOwner, readLock, thisMachine } from "./lock-file.ts";
import { WaitingLock } from "./waiting-lock.ts";
import type { LockTiming } from "./writer-lock.ts";

const markEnd = ".sparse-encoder.use";
const removalLock = "removal.sparse-encoder.lock";

/**
 * Times of marks, in milliseconds. Marks of this machine end with their process; of other machines nothing is known but the
 * beat, which may be slow, since a removal that is refused for some minutes too long does no harm.
 */
const markTiming: LockTiming = { beat: 60_000, silence: 600_000 };
const removalTiming: LockTiming = { beat: 2000, silence: 20_000 };

/**
 * A mark that a process uses a folder, which many may at once, so that {@link whileUnused} does not remove it meanwhile. Marks are
 * files in another folder.
 */
export class FolderUse {
  private readonly mark: string;
  private readonly beat: NodeJS.Timeout;

  private constructor(mark: string) {
    this.mark = mark;
    this.beat = setInterval(() => {
      const now = new Date();
      // The next beat makes up for a missed one.
      utimes(mark, now, now).catch(() => {});
    }, markTiming.beat);
    this.beat.unref();
  }

  /**
   * Sets a mark, and waits for a removal that is under way.
   * @param marks folder of the marks, which is made if it is missing
   * @throws SparseEncoderError `ABORTED`; errors of the file system as they are
   */
  static async begin(marks: string, signal: AbortSignal | undefined): Promise<FolderUse> {
    await mkdir(marks, { recursive: true });
    const mark = path.join(marks, `${randomUUID()}${markEnd}`);
    // Whole at once: a reader takes half a mark for one of an unknown machine.
    await writeFile(`${mark}.tmp`, JSON.stringify(await newOwner()));
    await rename(`${mark}.tmp`, mark);
    const use = new FolderUse(mark);
    try {
      await sweep(marks);
      const lock = path.join(marks, removalLock);
      if ((await readLock(lock)) !== undefined) {
        await (await WaitingLock.acquire(lock, removalTiming, signal)).release();
      }
      return use;
    } catch (error) {
      await use.end();
      throw error;
    }
  }

  /** Removes the mark. A mark that cannot be removed ends with this process. */
  async end(): Promise<void> {
    clearInterval(this.beat);
    await rm(this.mark, { force: true }).catch(() => {});
  }
}

/**
 * Runs `work` while no process uses a folder: one that begins to, waits until `work` is done.
 *
 * @param marks folder of the marks, which is made if it is missing
 * @param inUse the error to throw if a process uses the folder
 * @throws SparseEncoderError `ABORTED`; errors of the file system as they are
 */
export async function whileUnused<Result>(
  marks: string,
  signal: AbortSignal | undefined,
  inUse: (owner: LockOwner | undefined) => Error,
  work: () => Promise<Result>,
): Promise<Result> {
  await mkdir(marks, { recursive: true });
  const lock = await WaitingLock.acquire(path.join(marks, removalLock), removalTiming, signal);
  try {
    for (const name of await readdir(marks)) {
      const file = path.join(marks, name);
      const found = name.endsWith(markEnd) ? await readLock(file) : undefined;
      if (found === undefined) continue;
      const owner = parseOwner(found);
      if (await isInUse(file, owner)) throw inUse(owner);
    }
    await sweep(marks);
    return await work();
  } finally {
    await lock.release();
  }
}

/** Removes the marks of processes of this machine that ended without doing so. */
async function sweep(marks: string): Promise<void> {
  for (const name of await readdir(marks)) {
    if (!name.endsWith(markEnd)) continue;
    const file = path.join(marks, name);
    const found = await readLock(file);
    if (found !== undefined && !(await isInUse(file, parseOwner(found)))) await rm(file, { force: true });
  }
}

async function isInUse(mark: string, owner: LockOwner | undefined): Promise<boolean> {
  if (owner !== undefined && owner.machine === (await thisMachine())) return isAlive(owner);
  const found = await stat(mark).catch(() => undefined);
  return found !== undefined && Date.now() - found.mtimeMs < markTiming.silence;
}
