import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { SparseEncoderError } from "../errors.ts";

/**
 * Opens a file of a model for reading. A pipe, a device or a socket in its place is refused: reading from it could take for ever, and
 * neither an abort nor the end of the process would stop it.
 *
 * @throws SparseEncoderError `MODEL_INVALID` if it is not a regular file; errors of the file system as they are
 */
export async function openRegularFile(file: string): Promise<FileHandle> {
  // Without this flag, opening a pipe would wait for a writer.
  const handle = await open(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    const found = await handle.stat();
    if (found.isFile()) return handle;
    const kind = found.isDirectory() ? "a folder" : "a pipe, a device or a socket";
    throw new SparseEncoderError("MODEL_INVALID", `${file} is ${kind}, not a file.`);
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/**
 * The bytes of a file of a model; see {@link openRegularFile}.
 * @param most bytes that such a file has at most
 */
export async function readRegularFile(file: string, most: number = 2 ** 31): Promise<Buffer> {
  const handle = await openRegularFile(file);
  try {
    const { size } = await handle.stat();
    if (size > most) {
      throw new SparseEncoderError("MODEL_INVALID", `${file} has ${size} bytes, more than ${most}.`);
    }
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}
