import { randomUUID } from "node:crypto";
import { constants, type FileHandle, open, rename, rm } from "node:fs/promises";
import path from "node:path";

/** Opens no link in the place of the file; absent where the system has no such flag. */
const noFollow = constants.O_NOFOLLOW ?? 0;

/**
 * Writes a file so that it appears whole and durable, or not at all, in place of the one that has its name. It is written
 * under a temporary name that did not exist before, so links that others planted are neither followed nor overwritten.
 *
 * @param write writes the content
 * @param beforeRename runs when all is on the disk; if it throws, the file stays as it was
 * @returns what `write` gave
 * @throws errors of the file system as they are; if the flush of the folder failed, the new file may stand in its place
 */
export async function writeWholeFile<Result>(
  file: string,
  write: (handle: FileHandle) => Promise<Result>,
  beforeRename: () => Promise<void> = async () => {},
): Promise<Result> {
  const { handle, result } = await createWholeFile(file, write, beforeRename);
  await handle.close();
  return result;
}

/** As {@link writeWholeFile}; the file stays open for writing. */
export async function createWholeFile<Result>(
  file: string,
  write: (handle: FileHandle) => Promise<Result>,
  beforeRename: () => Promise<void> = async () => {},
): Promise<{ handle: FileHandle; result: Result }> {
  const temporary = `${file}.${randomUUID()}.tmp`;
  const handle = await open(temporary, "wx+");
  try {
    const result = await write(handle);
    await handle.sync();
    await beforeRename();
    await rename(temporary, file);
    await syncFolder(path.dirname(file));
    return { handle, result };
  } catch (error) {
    await handle.close().catch(() => {});
    await rm(temporary, { force: true }).catch(() => {});
    throw error;
  }
}

/** Opens an existing file for writing, unless a link stands in its place. */
export async function openToWrite(file: string): Promise<FileHandle> {
  return open(file, constants.O_RDWR | noFollow);
}

/** Makes the names of a folder durable, where the system can. */
export async function syncFolder(folder: string): Promise<void> {
  // Windows opens no folders, and needs none of this.
  if (process.platform === "win32") return;
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
