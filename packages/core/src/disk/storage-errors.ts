import { SparseEncoderError } from "../errors.ts";

/** The error for a file that is not as it was written. */
export function corrupt(file: string, problem: string): SparseEncoderError {
  return new SparseEncoderError(
    "STORE_CORRUPT",
    `${file} is damaged: ${problem}. Restore its folder from a backup; of a MemoryStore, MemoryStore.repair says what can still be read. Otherwise empty the folder and add the documents again.`,
  );
}

/**
 * What `read` gives, with an error for a damaged file in place of a bare one: contents of files whose checksums are right
 * may still be anything.
 */
export function readingContent<Result>(file: string, read: () => Result): Result {
  try {
    return read();
  } catch (error) {
    if (SparseEncoderError.is(error, "STORE_CORRUPT") || SparseEncoderError.is(error, "STORE_MISMATCH"))
      throw error;
    throw corrupt(file, `its content makes no sense (${(error as Error).message})`);
  }
}

/** An error of the file system as `STORE_FAILED`; errors of this library as they are. */
export function storageError(error: unknown, problem: string): unknown {
  if (SparseEncoderError.is(error) || !(error instanceof Error)) return error;
  const { code } = error as NodeJS.ErrnoException;
  // Errors without a code do not come from the disk.
  if (typeof code !== "string") return error;
  const advice =
    code === "ENOSPC" || code === "EDQUOT"
      ? " Free some space and call again: nothing that was stored is lost."
      : code === "EACCES" || code === "EPERM" || code === "EROFS"
        ? " This process needs the right to read and write in this folder."
        : "";
  return new SparseEncoderError("STORE_FAILED", `${problem}: ${error.message}.${advice}`, { cause: error });
}
