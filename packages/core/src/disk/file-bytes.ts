import type { Hash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { corrupt } from "./storage-errors.ts";

/** Bytes per read or write. */
export const chunkLength = 1 << 22;

/** Writes all of `bytes`, at the end of the file or at `position`. */
export async function writeAll(handle: FileHandle, bytes: Uint8Array, position?: number): Promise<void> {
  let written = 0;
  while (written < bytes.byteLength) {
    const length = Math.min(chunkLength, bytes.byteLength - written);
    const at = position === undefined ? null : position + written;
    const result = await handle.write(bytes, written, length, at);
    written += result.bytesWritten;
  }
}

/**
 * Reads `length` bytes into new memory, which starts at an address for numbers of any width.
 * @param hash is fed with the bytes
 */
export async function readBytes(
  handle: FileHandle,
  file: string,
  position: number,
  length: number,
  hash?: Hash,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  const fill = async (start: number): Promise<number> => {
    const size = Math.min(chunkLength, length - start);
    return size === 0 ? 0 : (await handle.read(bytes, start, size, position + start)).bytesRead;
  };
  let start = 0;
  let reading = fill(start);
  while (start < length) {
    const bytesRead = await reading;
    if (bytesRead === 0) throw corrupt(file, "it became shorter while it was read");
    const chunk = bytes.subarray(start, start + bytesRead);
    start += bytesRead;
    // The next chunk is read by another thread while this one is hashed.
    reading = fill(start);
    hash?.update(chunk);
  }
  return bytes;
}
