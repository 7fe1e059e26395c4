import { randomUUID } from "node:crypto";
import { type FileHandle, link, open, readFile, readlink, rename, rm, stat } from "node:fs/promises";
import { hostname } from "node:os";
import { throwIfAborted } from "../errors.ts";
import { type HubTiming, pause } from "../model/hub/timing.ts";

/** Milliseconds between two looks at a lock that another process holds. */
const lookEvery = 100;

/**
 * A file that at most one process holds, on local and network file systems alike.
 *
 * The file names its owner, whose heartbeat sets the file's time. A lock passes on when its owner is known to be
 * dead, or has shown no heartbeat for long; that is measured on the waiting process's own clock, so machines need
 * not agree on the time. No promise is absolute here (a process may be stopped and go on later), so nothing but
 * double work may follow if two processes hold the lock after all: see `hub-blob.ts`.
 */
export class HubLock {
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
  static async acquire(file: string, timing: HubTiming, signal: AbortSignal | undefined): Promise<HubLock> {
    const owner = JSON.stringify({ id: randomUUID(), pid: process.pid, machine: await machine() });
    let seen: Sight | undefined;
    let since = performance.now();
    for (;;) {
      throwIfAborted(signal);
      const handle = await create(file);
      if (handle !== undefined) {
        try {
          await handle.writeFile(owner);
          return new HubLock(file, owner, handle, timing.lockBeat);
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
      if (performance.now() - since >= timing.lockSilence || (await isDead(sight.content))) {
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
    if ((await look(this.file))?.content === this.content) await rm(this.file, { force: true });
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
  try {
    return { content: await readFile(file, "utf8"), time: (await stat(file)).mtimeMs };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/**
 * Removes the lock if it is still the one seen. Renaming it aside first lets one process of several win; what was
 * created since by another is put back.
 */
async function removeLock(file: string, content: string): Promise<void> {
  const aside = `${file}.${randomUUID()}`;
  try {
    await rename(file, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw error;
  }
  if ((await look(aside))?.content !== content) await link(aside, file).catch(() => {});
  await rm(aside, { force: true });
}

/** True if the owner ran on this machine, among the same processes, and is gone. */
async function isDead(content: string): Promise<boolean> {
  const owner = parseOwner(content);
  if (owner === undefined || owner.machine !== (await machine())) return false;
  try {
    process.kill(owner.pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
}

function parseOwner(content: string): { pid: number; machine: string } | undefined {
  try {
    const { pid, machine } = JSON.parse(content) as { pid: unknown; machine: unknown };
    return Number.isInteger(pid) && (pid as number) > 0 && typeof machine === "string"
      ? { pid: pid as number, machine }
      : undefined;
  } catch {
    // Its owner died, or is about to write it.
    return undefined;
  }
}

/** Names the set of processes a pid belongs to: containers of one host have the same name and pids of their own. */
async function machine(): Promise<string> {
  const processes = await readlink("/proc/self/ns/pid").catch(() => "");
  return `${hostname()} ${processes}`;
}
