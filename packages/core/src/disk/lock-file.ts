import { randomUUID } from "node:crypto";
import { link, readFile, readlink, rename, rm } from "node:fs/promises";
import { hostname } from "node:os";
import { folderKind, NotRegularError, readRegularText } from "./regular-file.ts";

/** Several times the bytes of an owner in JSON. */
const mostBytes = 10_000;

/** Who holds a lock; the content of a lock file in JSON. */
export interface LockOwner {
  readonly id: string;
  readonly pid: number;
  /** Tells the process from a later one with the same pid; null where the system does not say. */
  readonly started: string | null;
  /** The set of processes that the pid belongs to. */
  readonly machine: string;
}

/** This process as the owner of a new lock. */
export async function newOwner(): Promise<LockOwner> {
  return {
    id: randomUUID(),
    pid: process.pid,
    started: (await statusOf(process.pid))?.started ?? null,
    machine: await thisMachine(),
  };
}

/** The owner that a lock file names; undefined for a file that its owner has not finished. */
export function parseOwner(content: string): LockOwner | undefined {
  try {
    const owner = JSON.parse(content) as LockOwner;
    const { pid, machine } = owner;
    return Number.isInteger(pid) && pid > 0 && typeof machine === "string" ? owner : undefined;
  } catch {
    return undefined;
  }
}

/** Whether the owner, a process of this machine, still runs. A killed process that nobody has reaped does not. */
export async function isAlive({ pid, started }: LockOwner): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
  }
  const status = await statusOf(pid);
  if (status === undefined) return true;
  if (status.state === "Z" || status.state === "X") return false;
  return (started ?? status.started) === status.started;
}

/**
 * The content of a lock file; undefined if there is none. A link or a pipe in its place, which no owner of a lock lays, counts as
 * a lock that nobody ever finishes: empty.
 */
export async function readLock(file: string): Promise<string | undefined> {
  try {
    return await readRegularText(file, mostBytes, false);
  } catch (error) {
    if (error instanceof NotRegularError && error.kind !== folderKind) return "";
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return undefined;
    // Of a link that is not followed; some systems say EMLINK.
    if (code === "ELOOP" || code === "EMLINK") return "";
    throw error;
  }
}

/** Whether a lock file has an owner, as far as can be told: one on another machine is taken for alive. */
export async function isLocked(file: string): Promise<boolean> {
  const content = await readLock(file);
  if (content === undefined) return false;
  const owner = parseOwner(content);
  return owner === undefined || owner.machine !== (await thisMachine()) || (await isAlive(owner));
}

/**
 * Removes the lock if it still has this content. Renaming it aside first lets one process of several win; a lock that
 * another process created since is put back.
 */
export async function removeLock(file: string, content: string): Promise<void> {
  const aside = `${file}.${randomUUID()}.tmp`;
  try {
    await rename(file, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw error;
  }
  if ((await readLock(aside)) !== content) await link(aside, file).catch(() => {});
  await rm(aside, { force: true });
}

/** Names the processes that a pid belongs to: containers of one host have pids of their own, and a restart begins anew. */
export async function thisMachine(): Promise<string> {
  const processes = await readlink("/proc/self/ns/pid").catch(nothingIfAbsent);
  const boot = await readFile("/proc/sys/kernel/random/boot_id", "latin1").catch(nothingIfAbsent);
  return [hostname(), processes, boot.trim()].filter((part) => part !== "").join(" ");
}

/**
 * Another system has no such file, and a sandbox may hide it. A failure that passes must not give this machine another name:
 * its own locks would then look like locks of another machine.
 */
function nothingIfAbsent(error: NodeJS.ErrnoException): string {
  if (["ENOENT", "ENOTDIR", "EACCES", "EPERM", "EINVAL"].includes(error.code ?? "")) return "";
  throw error;
}

/** State of a process, and when it began in ticks since the machine did; undefined where the system does not say. */
async function statusOf(pid: number): Promise<{ state: string; started: string | null } | undefined> {
  const status = await readFile(`/proc/${pid}/stat`, "latin1").catch(() => undefined);
  // The second field is the name in parentheses and may hold spaces; state is the 3rd field, the start the 22nd.
  const fields = status?.slice(status.lastIndexOf(")") + 2).split(" ");
  return fields === undefined ? undefined : { state: fields[0] ?? "", started: fields[19] ?? null };
}
