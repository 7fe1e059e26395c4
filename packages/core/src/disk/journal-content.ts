import type { FileHandle } from "node:fs/promises";
import {
  type EntryHead,
  encodeHead,
  findEntry,
  headLength,
  isWhole,
  type JournalKey,
  type JournalOrigin,
  keyOf,
  readEntryHead,
  readHead,
} from "./journal-format.ts";
import { openRegular } from "./regular-file.ts";
import { corrupt } from "./storage-errors.ts";

/** Bytes read at once. */
const chunkLength = 1 << 24;

/** Zeros at the end of a record, which end no SHA-256 in practice: version 1 takes such bytes for never written. */
const unwrittenLength = 8;
const headLengthOfVersion1 = 16;

/** Bytes that a disk writes together. */
const sectorLength = 512;

/** A place between two entries of a journal. */
export interface JournalPlace {
  readonly position: number;
  /** Frames before it. */
  readonly frames: number;
}

/** What {@link readJournal} found. */
export interface JournalContent {
  readonly key: JournalKey;
  /** Behind the last entry that counts. */
  readonly end: JournalPlace;
  /** Position up to which the journal is known to be on the disk. */
  readonly synced: number;
  /** Bytes behind the last entry, of records that were never acknowledged. */
  readonly torn: number;
}

/** How a journal is read. */
export interface JournalReading {
  /** Where to begin. Default: the first entry. */
  readonly from?: JournalPlace;
  /** True to stop at the last record that is known to be on the disk: for readers beside a writer. Default false. */
  readonly syncedOnly?: boolean;
}

/**
 * Reads a journal and hands over the content of each frame, oldest first.
 *
 * A place where no whole entry stands ends what is read. It is damage if an entry behind it says that the journal was on
 * the disk beyond that place, and otherwise a torn tail: records whose flush had not returned; a crash may leave any part
 * of them, in any order of pages.
 *
 * @throws SparseEncoderError `STORE_CORRUPT`, `STORE_MISMATCH` for a newer format; errors of the file system as they are
 */
export async function readJournal(
  file: string,
  origin: JournalOrigin,
  visit: (content: Buffer) => void,
  { from = { position: headLength, frames: 0 }, syncedOnly = false }: JournalReading = {},
): Promise<JournalContent> {
  const { bytes, key } = await readBytes(file, origin, from.position);
  const { entries, torn } = listEntries(file, bytes, key, from);
  let synced = from.position;
  for (const { entry, end } of entries) synced = Math.max(synced, key.version === 1 ? end : entry.synced);
  let last = from;
  for (const { entry, end } of entries) {
    const isFrame = entry.kind === "frame";
    if (isFrame && syncedOnly && end > synced) break;
    if (isFrame) visit(bytes.subarray(entry.contentStart, entry.contentEnd));
    last = { position: end, frames: last.frames + (isFrame ? 1 : 0) };
  }
  return { key, end: last, synced, torn };
}

/** A part of a file that no whole record stands in. */
export interface LostPart {
  readonly from: number;
  /** Behind the last byte. */
  readonly to: number;
}

/**
 * Reads all records of a journal that are whole, wherever they stand, for a repair.
 * @param origin what the journal should belong to; undefined to take any
 * @returns the parts without whole records; of a journal whose head is lost, the whole file if nothing in it can be told
 */
export async function salvageJournal(
  file: string,
  origin: JournalOrigin | undefined,
  visit: (content: Buffer, position: number) => void,
): Promise<LostPart[]> {
  const handle = await openRegular(file);
  const bytes = await handle.readFile().finally(() => handle.close());
  const { key, isLost } = keyFor(file, bytes, origin);
  const lost: LostPart[] = isLost ? [{ from: 0, to: Math.min(headLength, bytes.length) }] : [];
  let start = Math.min(headLength, bytes.length);
  for (let found = findEntry(bytes, start, key); found !== undefined; ) {
    const { position, entry } = found;
    if (!isWhole(bytes, position, entry)) {
      found = findEntry(bytes, position + 1, key);
      continue;
    }
    if (position > start) lost.push({ from: start, to: position });
    if (entry.kind === "frame") visit(bytes.subarray(entry.contentStart, entry.contentEnd), position);
    start = entry.end;
    found = findEntry(bytes, start, key);
  }
  if (start < bytes.length) lost.push({ from: start, to: bytes.length });
  return lost;
}

/** The key of a journal; where its head is damaged, the key that the head should have. */
function keyFor(
  file: string,
  bytes: Buffer,
  origin: JournalOrigin | undefined,
): { key: JournalKey; isLost: boolean } {
  try {
    return { key: readHead(file, bytes, origin), isLost: false };
  } catch {
    return { key: keyOf(encodeHead(origin ?? { store: "", generation: 0 })), isLost: true };
  }
}

/** An entry, and the position in the file where it ends. */
interface PlacedEntry {
  readonly entry: EntryHead;
  readonly end: number;
}

/** The entries up to the first place where none is whole. `bytes` begin at `from`, and so do the entries' places in them. */
function listEntries(
  file: string,
  bytes: Buffer,
  key: JournalKey,
  from: JournalPlace,
): { entries: PlacedEntry[]; torn: number } {
  const entries: PlacedEntry[] = [];
  let { frames } = from;
  let start = 0;
  while (start < bytes.length) {
    const entry = readEntryHead(bytes, start, key);
    const place = from.position + start;
    if (entry === undefined || !isWhole(bytes, start, entry)) {
      const isDamaged =
        key.version === 1 ? isDamage(bytes, start, entry, place) : isProven(bytes, start, key, place);
      if (isDamaged) throw corrupt(file, `the record at byte ${place} is changed`);
      break;
    }
    if (entry.number !== frames || entry.synced > place) {
      throw corrupt(file, `the record at byte ${place} has number ${entry.number}, not ${frames}`);
    }
    if (entry.kind === "frame") frames++;
    start = entry.end;
    entries.push({ entry, end: from.position + start });
  }
  return { entries, torn: bytes.length - start };
}

/** Whether an entry behind a place says that the journal was on the disk beyond it. */
function isProven(bytes: Buffer, start: number, key: JournalKey, place: number): boolean {
  for (let found = findEntry(bytes, start + 1, key); found !== undefined; ) {
    if (found.entry.synced > place) return true;
    found = findEntry(bytes, found.position + 1, key);
  }
  return false;
}

/** The same question for version 1, which says nothing of flushes: what was torn is cut, or reads as zeros. */
function isDamage(bytes: Buffer, start: number, entry: EntryHead | undefined, place: number): boolean {
  const rest = bytes.subarray(start);
  if (entry === undefined)
    return rest.length >= headLengthOfVersion1 && !isZero(rest.subarray(headLengthOfVersion1 - 1));
  if (entry.end > bytes.length || isZero(bytes.subarray(entry.end - unwrittenLength))) return false;
  return entry.end < bytes.length || !hasUnwrittenSector(rest, place);
}

/** Whether a sector of the file within the bytes reads as zeros. */
function hasUnwrittenSector(bytes: Buffer, place: number): boolean {
  for (let start = -place & (sectorLength - 1); start + sectorLength <= bytes.length; start += sectorLength) {
    if (isZero(bytes.subarray(start, start + sectorLength))) return true;
  }
  return false;
}

/** The bytes of a file from a position on, which `readFile` gives only up to 2 GiB. */
async function readBytes(
  file: string,
  origin: JournalOrigin,
  from: number,
): Promise<{ bytes: Buffer; key: JournalKey }> {
  const handle = await openRegular(file);
  try {
    const { size } = await handle.stat();
    const head = await fill(handle, file, 0, Math.min(size, headLength));
    const key = readHead(file, head, origin);
    if (size < from) throw corrupt(file, "it became shorter");
    return { bytes: await fill(handle, file, from, size - from), key };
  } finally {
    await handle.close();
  }
}

async function fill(handle: FileHandle, file: string, from: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafeSlow(length);
  for (let filled = 0; filled < length; ) {
    const wanted = Math.min(length - filled, chunkLength);
    const { bytesRead } = await handle.read(bytes, filled, wanted, from + filled);
    if (bytesRead === 0) throw corrupt(file, "it became shorter while it was read");
    filled += bytesRead;
  }
  return bytes;
}

function isZero(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 0);
}
