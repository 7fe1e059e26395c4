import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { SparseEncoderError } from "../errors.ts";
import { corrupt } from "./storage-errors.ts";

/**
 * A journal begins with a head: 8 bytes of magic, format version, the 16 bytes of its store's id, generation, and CRC-32
 * of all that. Entries follow, of two kinds:
 *
 * - A frame: its head (magic, length of the content, number of the frame, the position up to which the journal was on the
 *   disk when the frame was written, CRC-32 of these), the content, and the SHA-256 of both.
 * - A mark: a head of another magic and no content. It stands behind what was flushed, and says so.
 *
 * The CRC-32 of entries begins with the head's, which nobody knows who only gives documents: no content can be taken for
 * an entry. docs/decisions/journal.md says what readers conclude. Version 1 had no marks, no positions, and a plain CRC-32.
 */
const magic = Buffer.from("spenc-jn", "latin1");
export const currentVersion = 2;
export const headLength = 36;

const frameMagic = 0x4d415246;
const markMagic = 0x4b52414d;
const entryHeadLength = { 1: 16, 2: 24 } as const;
const frameFootLength = 32;

export type JournalVersion = keyof typeof entryHeadLength;

/** What a journal belongs to. */
export interface JournalOrigin {
  /** Of the store, 32 hexadecimal digits. */
  readonly store: string;
  /** Number of the snapshot that the journal follows, or of a later one that was never finished. */
  readonly generation: number;
}

/** What the entries of a journal are read by. */
export interface JournalKey {
  readonly version: JournalVersion;
  /** Where the CRC-32 of its entries begins. */
  readonly seed: number;
}

/** The head of an entry. */
export interface EntryHead {
  readonly kind: "frame" | "mark";
  /** Of a frame, from 0; of a mark, how many frames stand before it. */
  readonly number: number;
  /** All before this position was on the disk when the entry was written; 0 in version 1, which does not say. */
  readonly synced: number;
  readonly contentStart: number;
  readonly contentEnd: number;
  /** Where the next entry begins. */
  readonly end: number;
}

export function encodeHead({ store, generation }: JournalOrigin): Buffer {
  const head = Buffer.alloc(headLength);
  magic.copy(head);
  head.writeUInt32LE(currentVersion, 8);
  head.write(store, 12, "hex");
  head.writeUInt32LE(generation, 28);
  head.writeUInt32LE(crc32(head.subarray(0, 32)), 32);
  return head;
}

/** The key of the entries behind a head that this library writes. */
export function keyOf(head: Buffer): JournalKey {
  return { version: currentVersion, seed: head.readUInt32LE(32) };
}

/**
 * @param origin what the journal must belong to; undefined to take any
 * @throws SparseEncoderError `STORE_CORRUPT`, `STORE_MISMATCH` for a newer format
 */
export function readHead(file: string, bytes: Buffer, origin: JournalOrigin | undefined): JournalKey {
  if (bytes.length < headLength) throw corrupt(file, `it is cut: it has ${bytes.length} bytes`);
  if (!bytes.subarray(0, 8).equals(magic)) throw corrupt(file, "it does not begin as a journal does");
  if (bytes.readUInt32LE(32) !== crc32(bytes.subarray(0, 32))) throw corrupt(file, "its head is changed");
  const found = bytes.readUInt32LE(8);
  if (found !== 1 && found !== currentVersion) {
    throw new SparseEncoderError(
      "STORE_MISMATCH",
      `${file} has format version ${found}, this release reads versions up to ${currentVersion}; use the release that wrote it, or a newer one.`,
    );
  }
  const isOwn =
    origin === undefined ||
    (bytes.toString("hex", 12, 28) === origin.store && bytes.readUInt32LE(28) === origin.generation);
  if (!isOwn) throw corrupt(file, "it belongs to another store");
  return { version: found, seed: found === 1 ? 0 : bytes.readUInt32LE(32) };
}

/** @param synced position up to which the journal is on the disk */
export function encodeFrame({ seed }: JournalKey, number: number, synced: number, content: Buffer): Buffer[] {
  const head = encodeEntryHead(seed, frameMagic, content.length, number, synced);
  return [head, content, createHash("sha256").update(head).update(content).digest()];
}

/** @param synced position up to which the journal is on the disk, and where the mark stands */
export function encodeMark({ seed }: JournalKey, number: number, synced: number): Buffer {
  return encodeEntryHead(seed, markMagic, 0, number, synced);
}

/** The head of the entry at a position; undefined if there is none that is whole. */
export function readEntryHead(bytes: Buffer, position: number, key: JournalKey): EntryHead | undefined {
  const length = entryHeadLength[key.version];
  if (position + length > bytes.length) return undefined;
  const head = bytes.subarray(position, position + length);
  const kind = head.readUInt32LE(0);
  if (kind !== frameMagic && (kind !== markMagic || key.version === 1)) return undefined;
  if (head.readUInt32LE(length - 4) !== crc32(head.subarray(0, length - 4), key.seed)) return undefined;
  const contentStart = position + length;
  const contentEnd = contentStart + head.readUInt32LE(4);
  return {
    kind: kind === markMagic ? "mark" : "frame",
    number: head.readUInt32LE(8),
    synced: key.version === 1 ? 0 : Number(head.readBigUInt64LE(12)),
    contentStart,
    contentEnd,
    end: kind === markMagic ? contentEnd : contentEnd + frameFootLength,
  };
}

/** Whether the content of a frame is there and as it was written. */
export function isWhole(bytes: Buffer, position: number, { kind, contentEnd, end }: EntryHead): boolean {
  if (kind === "mark") return true;
  if (end > bytes.length) return false;
  const sha256 = createHash("sha256").update(bytes.subarray(position, contentEnd)).digest();
  return sha256.equals(bytes.subarray(contentEnd, end));
}

/** The first entry at or behind a position whose head is whole. */
export function findEntry(
  bytes: Buffer,
  from: number,
  key: JournalKey,
): { position: number; entry: EntryHead } | undefined {
  const needles = [frameMagic, markMagic].map((value) => {
    const needle = Buffer.alloc(4);
    needle.writeUInt32LE(value);
    return needle;
  });
  for (let position = from; ; position++) {
    const places = needles.map((needle) => bytes.indexOf(needle, position)).filter((place) => place !== -1);
    if (places.length === 0) return undefined;
    position = Math.min(...places);
    const entry = readEntryHead(bytes, position, key);
    if (entry !== undefined) return { position, entry };
  }
}

function encodeEntryHead(seed: number, kind: number, length: number, number: number, synced: number): Buffer {
  const head = Buffer.alloc(entryHeadLength[currentVersion]);
  head.writeUInt32LE(kind, 0);
  head.writeUInt32LE(length, 4);
  head.writeUInt32LE(number, 8);
  head.writeBigUInt64LE(BigInt(synced), 12);
  head.writeUInt32LE(crc32(head.subarray(0, 20), seed), 20);
  return head;
}
