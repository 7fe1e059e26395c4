import type { FileHandle } from "node:fs/promises";
import { NotRegularError, openRegular } from "../disk/index.ts";
import { SparseEncoderError } from "../errors.ts";

/**
 * Opens a file of a model for reading; see {@link openRegular}.
 *
 * @throws SparseEncoderError `MODEL_INVALID` if it is not a regular file; errors of the file system as they are
 */
export async function openRegularFile(file: string): Promise<FileHandle> {
  try {
    return await openRegular(file);
  } catch (error) {
    if (!(error instanceof NotRegularError)) throw error;
    throw new SparseEncoderError("MODEL_INVALID", `${error.message}.`);
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
