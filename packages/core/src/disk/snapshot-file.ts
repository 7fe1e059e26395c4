import { createHash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { endianness } from "node:os";
import { crc32 } from "node:zlib";
import { SparseEncoderError } from "../errors.ts";
import { chunkLength, readBytes, writeAll } from "./file-bytes.ts";
import { openRegular } from "./regular-file.ts";
import { Snapshot, type SnapshotSection } from "./snapshot.ts";
import { corrupt, storageError } from "./storage-errors.ts";
import { writeWholeFile } from "./whole-file.ts";

/**
 * A snapshot is one file: a head (8 bytes of magic, format version, CRC-32 of both), the sections, a table in JSON (what
 * is described, and name, length and SHA-256 of each section), and a foot (length and SHA-256 of the table). So each bit
 * is checked, and sections are written as they are made. Sections are numbers as they lie in memory.
 */
const magic = Buffer.from("spenc-sf", "latin1");
const version = 1;
const headLength = 16;
const footLength = 40;

interface Table {
  readonly kind: string;
  readonly endianness: string;
  readonly description: unknown;
  readonly sections: readonly { name: string; length: number; sha256: string }[];
}

/**
 * Writes a snapshot durably: under a temporary name in the same folder, flushed to the disk, then renamed, so that the
 * file holds the old or the new content whole at any time.
 *
 * @param kind what the snapshot is of; {@link readSnapshot} wants the same
 * @param description any JSON
 * @returns bytes of the file
 * @throws SparseEncoderError `STORE_FAILED` if the disk is full or fails; the file is as it was then
 */
export async function writeSnapshot(
  file: string,
  kind: string,
  description: unknown,
  sections: Iterable<SnapshotSection> | AsyncIterable<SnapshotSection>,
  beforeRename: () => Promise<void> = async () => {},
): Promise<number> {
  try {
    const write = (handle: FileHandle) => writeContent(handle, kind, description, sections);
    return await writeWholeFile(file, write, beforeRename);
  } catch (error) {
    throw storageError(error, `${file} cannot be written`);
  }
}

/**
 * Reads a snapshot and checks all of it.
 * @throws SparseEncoderError `STORE_CORRUPT`, `STORE_MISMATCH` for a newer format or another kind, `STORE_FAILED`
 */
export async function readSnapshot(file: string, kind: string): Promise<Snapshot> {
  let handle: FileHandle | undefined;
  try {
    handle = await openRegular(file);
    const { size } = await handle.stat();
    if (size < headLength + footLength) throw corrupt(file, `it is cut: it has ${size} bytes`);
    checkHead(file, await readBytes(handle, file, 0, headLength));
    const table = await readTable(handle, file, size);
    if (table.kind !== kind) {
      throw new SparseEncoderError(
        "STORE_MISMATCH",
        `${file} holds the snapshot of a ${table.kind}, not of a ${kind}.`,
      );
    }
    if (table.endianness !== endianness()) {
      throw new SparseEncoderError(
        "STORE_MISMATCH",
        `${file} was written on a processor with another byte order (${table.endianness}); build it anew here.`,
      );
    }
    const sections = new Map<string, ArrayBuffer>();
    let position = headLength;
    for (const { name, length, sha256 } of table.sections) {
      const hash = createHash("sha256");
      sections.set(name, (await readBytes(handle, file, position, length, hash)).buffer as ArrayBuffer);
      if (hash.digest("hex") !== sha256) throw corrupt(file, `section ${name} has a wrong checksum`);
      position += length;
    }
    return new Snapshot(file, table.description, size, sections);
  } catch (error) {
    throw storageError(error, `${file} cannot be read`);
  } finally {
    await handle?.close();
  }
}

async function writeContent(
  handle: FileHandle,
  kind: string,
  description: unknown,
  sections: Iterable<SnapshotSection> | AsyncIterable<SnapshotSection>,
): Promise<number> {
  const head = Buffer.alloc(headLength);
  magic.copy(head);
  head.writeUInt32LE(version, 8);
  head.writeUInt32LE(crc32(head.subarray(0, 12)), 12);
  await writeAll(handle, head);
  let written = headLength;
  const entries: { name: string; length: number; sha256: string }[] = [];
  for await (const { name, bytes } of sections) {
    const hash = createHash("sha256");
    for (let start = 0; start < bytes.byteLength; start += chunkLength) {
      const chunk = bytes.subarray(start, start + chunkLength);
      hash.update(chunk);
      await writeAll(handle, chunk);
    }
    entries.push({ name, length: bytes.byteLength, sha256: hash.digest("hex") });
    written += bytes.byteLength;
  }
  const table: Table = { kind, endianness: endianness(), description, sections: entries };
  const text = Buffer.from(JSON.stringify(table), "utf8");
  const foot = Buffer.alloc(8);
  foot.writeBigUInt64LE(BigInt(text.length));
  const sha256 = createHash("sha256").update(text).digest();
  await writeAll(handle, Buffer.concat([text, foot, sha256]));
  return written + text.length + footLength;
}

function checkHead(file: string, head: Uint8Array): void {
  const bytes = Buffer.from(head.buffer, head.byteOffset, head.byteLength);
  if (!bytes.subarray(0, 8).equals(magic)) throw corrupt(file, "it does not begin as a snapshot does");
  if (bytes.readUInt32LE(12) !== crc32(bytes.subarray(0, 12))) throw corrupt(file, "its head is changed");
  const found = bytes.readUInt32LE(8);
  if (found !== version) {
    throw new SparseEncoderError(
      "STORE_MISMATCH",
      `${file} has format version ${found}, this release reads version ${version}; use the release that wrote it, or a newer one.`,
    );
  }
}

async function readTable(handle: FileHandle, file: string, size: number): Promise<Table> {
  const foot = Buffer.from((await readBytes(handle, file, size - footLength, footLength)).buffer);
  const length = Number(foot.readBigUInt64LE(0));
  if (length > size - headLength - footLength) throw corrupt(file, "it is cut or changed at its end");
  const text = await readBytes(handle, file, size - footLength - length, length);
  if (!createHash("sha256").update(text).digest().equals(foot.subarray(8))) {
    throw corrupt(file, "it is cut or changed at its end");
  }
  const table = parseTable(file, Buffer.from(text.buffer).toString("utf8"));
  const end = table.sections.reduce((sum, section) => sum + section.length, headLength);
  if (end !== size - footLength - length)
    throw corrupt(file, "its length differs from the sum of its sections");
  return table;
}

/** A checksum says that the table is as it was written, not that this library wrote it. */
function parseTable(file: string, text: string): Table {
  try {
    const { kind, endianness: order, description, sections } = JSON.parse(text) as Partial<Table>;
    const isTable =
      typeof kind === "string" &&
      typeof order === "string" &&
      Array.isArray(sections) &&
      sections.every(
        ({ name, length, sha256 }) =>
          typeof name === "string" &&
          Number.isSafeInteger(length) &&
          length >= 0 &&
          typeof sha256 === "string",
      );
    if (isTable) return { kind, endianness: order, description, sections };
  } catch {
    // It says the same as a table without these parts.
  }
  throw corrupt(file, "its table does not say what it holds");
}
