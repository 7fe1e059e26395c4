import { type FileHandle, lstat, open, rm } from "node:fs/promises";
import { pause, throwIfAborted } from "../calls/index.ts";
import { isAlive, newOwner, parseOwner, readLock, removeLock, thisMachine } from "./lock-file.ts";
import type { LockTiming } from "./writer-lock.ts";

/** Milliseconds between two looks at a lock that another process holds. */
const lookEvery = 100;

/**
 * A file that at most one process holds, on local and network file systems alike.
 *
 * The file names its owner, whose heartbeat sets the file's time. A lock passes on when its owner is known to be
 * dead, or has shown no heartbeat for long; that is measured on the waiting process's own clock, so machines need
 * not agree on the time. No promise is absolute here (a process may be stopped and go on later), so the worst that may
 * follow if two processes hold the lock after all is double work.
 */
export class WaitingLock {
  private readonly file: string;
  private readonly content: string;
  private readonly handle: FileHandle;
  private readonly beat: NodeJS.Timeout;

  private constructor(file: string, content: string, handle: FileHandle, every: number) {
    this.file = file;
    this.content = content;
    this.handle = handle;
    this.beat = setInterval(() => {
      const now = new Date();
      // A lock lost to another process is as good as none; a missed beat is made up by the next.
      this.handle.utimes(now, now).catch(() => {});
    }, every);
    this.beat.unref();
  }

  /**
   * Waits until the lock is free or its owner is gone.
   * @param file the folder of it must exist
   * @throws SparseEncoderError `ABORTED`; errors of the file system as they are
   */
  static async acquire(
    file: string,
    timing: LockTiming,
    signal: AbortSignal | undefined,
  ): Promise<WaitingLock> {
    const owner = JSON.stringify(await newOwner());
    let seen: Sight | undefined;
    let since = performance.now();
    for (;;) {
      throwIfAborted(signal);
      const handle = await create(file);
      if (handle !== undefined) {
        try {
          await handle.writeFile(owner);
          return new WaitingLock(file, owner, handle, timing.beat);
        } catch (error) {
          await handle.close();
          await rm(file, { force: true });
          throw error;
        }
      }
      const sight = await look(file);
      if (sight === undefined) continue;
      if (seen?.content !== sight.content || seen.time !== sight.time) {
        seen = sight;
        since = performance.now();
      }
      if (performance.now() - since >= timing.silence || (await isDead(sight.content))) {
        await removeLock(file, sight.content);
        continue;
      }
      await pause(lookEvery, signal);
    }
  }

  async release(): Promise<void> {
    clearInterval(this.beat);
    await this.handle.close();
    // After a takeover the file is another owner's.
    if ((await readLock(this.file)) === this.content) await rm(this.file, { force: true });
  }
}

interface Sight {
  readonly content: string;
  /** Time of the last heartbeat, by the file system's clock. */
  readonly time: number;
}

async function create(file: string): Promise<FileHandle | undefined> {
  return open(file, "wx").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "EEXIST") return undefined;
    throw error;
  });
}

async function look(file: string): Promise<Sight | undefined> {
  const content = await readLock(file);
  const status = await lstat(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  return content === undefined || status === undefined ? undefined : { content, time: status.mtimeMs };
}

/** True if the owner ran on this machine, among the same processes, and is gone. */
async function isDead(content: string): Promise<boolean> {
  const owner = parseOwner(content);
  return owner !== undefined && owner.machine === (await thisMachine()) && !(await isAlive(owner));
}
