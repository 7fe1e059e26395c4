import { readdir, rm, stat } from "node:fs/promises";
import path from "node:path";

const filePattern = /^(snapshot|journal)-(\d{8})$/;

/** Files under a temporary name, which a process that died may leave. */
const temporaryPattern = /^(?:(?:snapshot|journal)-\d{8}|closed)\..*\.?tmp$/;

/** Generations of the files of a store's folder, rising. */
export interface FolderFiles {
  readonly snapshots: readonly number[];
  readonly journals: readonly number[];
}

export function fileOf(folder: string, kind: "snapshot" | "journal", generation: number): string {
  return path.join(folder, `${kind}-${String(generation).padStart(8, "0")}`);
}

/** The folder within a store's folder in which each tenant has a folder. A store's folder that has it has tenants. */
export const tenantsName = "tenants";

export async function hasTenants(folder: string): Promise<boolean> {
  try {
    return (await stat(path.join(folder, tenantsName))).isDirectory();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return false;
    throw error;
  }
}

export async function listFiles(folder: string): Promise<FolderFiles> {
  const numbers = { snapshot: [] as number[], journal: [] as number[] };
  for (const name of (await readdir(folder)).toSorted()) {
    const match = filePattern.exec(name);
    if (match !== null) numbers[match[1] as "snapshot" | "journal"].push(Number(match[2]));
  }
  return { snapshots: numbers.snapshot, journals: numbers.journal };
}

/** Removes the files that a snapshot replaces, and those under temporary names. */
export async function tidy(folder: string, generation: number): Promise<void> {
  for (const name of await readdir(folder)) {
    const match = filePattern.exec(name);
    const isOld = match !== null && Number(match[2]) < generation;
    if (isOld || temporaryPattern.test(name)) await rm(path.join(folder, name), { force: true });
  }
}

/** Length of a file in bytes, 0 if there is none. */
export async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return 0;
    throw error;
  }
}
