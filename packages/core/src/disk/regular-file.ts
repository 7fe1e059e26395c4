import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";

/** What a folder is called in {@link NotRegularError}. */
export const folderKind = "a folder";

/** What stands in the place of a file that was to be read. */
export class NotRegularError extends Error {
  /** As errors of the file system have it. */
  readonly code = "EINVAL";
  readonly kind: string;

  constructor(file: string, kind: string) {
    super(`${file} is ${kind}, not a file`);
    this.kind = kind;
  }
}

/**
 * Opens a file for reading. A pipe, a device or a socket in its place is refused: reading from it could take for ever, and
 * neither an abort nor the end of the process would stop it.
 *
 * @param follows false to open no link in the place of the file, where the system can tell
 * @throws NotRegularError; errors of the file system as they are, `ELOOP` for a link that is not followed
 */
export async function openRegular(file: string, follows = true): Promise<FileHandle> {
  // Some systems lack these flags. Without the first, opening a pipe would wait for a writer.
  const waitsNot = constants.O_NONBLOCK ?? 0;
  const followsNot = follows ? 0 : (constants.O_NOFOLLOW ?? 0);
  const handle = await open(file, constants.O_RDONLY | waitsNot | followsNot);
  try {
    const found = await handle.stat();
    if (found.isFile()) return handle;
    throw new NotRegularError(file, found.isDirectory() ? folderKind : "a pipe, a device or a socket");
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** The text of a file whose content is small; see {@link openRegular}. */
export async function readRegularText(file: string, mostBytes: number, follows = true): Promise<string> {
  const handle = await openRegular(file, follows);
  try {
    const { size } = await handle.stat();
    if (size > mostBytes) throw new Error(`${file} has ${size} bytes, more than ${mostBytes}`);
    return await handle.readFile("utf8");
  } finally {
    await handle.close();
  }
}
