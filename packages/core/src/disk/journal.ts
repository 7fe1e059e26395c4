import { createHash } from "node:crypto";
import { type FileHandle, open, rename } from "node:fs/promises";
import path from "node:path";
import { crc32 } from "node:zlib";
import { SparseEncoderError } from "../errors.ts";
import { corrupt, storageError, syncFolder, writeAll } from "./snapshot-file.ts";

/**
 * A journal begins with 8 bytes of magic, format version, the 16 bytes of its store's id, generation, and CRC-32 of all
 * that. Frames follow: a head (magic, length of the content, number of the frame, CRC-32 of these), the content, and the
 * SHA-256 of both.
 */
const magic = Buffer.from("spenc-jn", "latin1");
const version = 1;
const headLength = 36;
const frameMagic = 0x4d415246;
const frameHeadLength = 16;
const frameFootLength = 32;

/** So many zeros end no SHA-256 in practice: these bytes were never written. */
const unwrittenLength = 8;

/** What a journal belongs to. */
export interface JournalOrigin {
  /** Of the store, 32 hexadecimal digits. */
  readonly store: string;
  /** Number of the snapshot that the journal follows, or of a later one that was never finished. */
  readonly generation: number;
}

/**
 * A file that grows by frames, each of which is there whole or not at all. `append` resolves when its frames are on the
 * disk. A failed append leaves the file as it was before.
 */
export class Journal {
  readonly file: string;
  private readonly handle: FileHandle;
  private end: number;
  private frames: number;
  /** True if what is behind `end` may be more than nothing. */
  private dirty = false;

  private constructor(file: string, handle: FileHandle, end: number, frames: number) {
    this.file = file;
    this.handle = handle;
    this.end = end;
    this.frames = frames;
  }

  /** Makes an empty journal, durably. Errors of the file system as they are. */
  static async create(file: string, origin: JournalOrigin): Promise<Journal> {
    const temporary = `${file}.tmp`;
    const handle = await open(temporary, "w+");
    try {
      await writeAll(handle, encodeHead(origin));
      await handle.sync();
      await rename(temporary, file);
      await syncFolder(path.dirname(file));
    } catch (error) {
      await handle.close();
      throw error;
    }
    return new Journal(file, handle, headLength, 0);
  }

  /** Opens a journal that {@link readJournal} has read, to append to it; what is behind `end` is cut off. */
  static async open(file: string, end: number, frames: number): Promise<Journal> {
    const handle = await open(file, "r+");
    const journal = new Journal(file, handle, end, frames);
    journal.dirty = true;
    try {
      await journal.cutOff();
    } catch (error) {
      await handle.close();
      throw error;
    }
    return journal;
  }

  /** Length of the file in bytes. */
  get byteLength(): number {
    return this.end;
  }

  /**
   * Appends frames with these contents. Calls must not overlap.
   * @throws SparseEncoderError `STORE_FAILED`
   */
  async append(contents: readonly Buffer[]): Promise<void> {
    try {
      await this.cutOff();
      this.dirty = true;
      const bytes = Buffer.concat(
        contents.flatMap((content, position) => frame(this.frames + position, content)),
      );
      await writeAll(this.handle, bytes, this.end);
      await this.handle.datasync();
      this.dirty = false;
      this.end += bytes.length;
      this.frames += contents.length;
    } catch (error) {
      // If this fails too, the next append tries again before it writes.
      await this.cutOff().catch(() => {});
      throw storageError(error, `${this.file} cannot be written`);
    }
  }

  /** Removes what a failed append may have left behind. Errors of the file system as they are. */
  async cutOff(): Promise<void> {
    if (!this.dirty) return;
    await this.handle.truncate(this.end);
    await this.handle.sync();
    this.dirty = false;
  }

  async close(): Promise<void> {
    await this.handle.close();
  }
}

/** What {@link readJournal} found. */
export interface JournalContent {
  readonly frames: number;
  /** Where the last whole frame ends. */
  readonly end: number;
  /** Bytes behind it, of a frame that was never acknowledged. */
  readonly torn: number;
}

/**
 * Reads a journal and hands over the content of each frame.
 *
 * A process that dies while it appends leaves a frame that is cut. A machine that loses its power may also leave one whose
 * last bytes were never written and read as zeros. Neither was acknowledged. Anything else that is not right is damage.
 *
 * @throws SparseEncoderError `STORE_CORRUPT`, `STORE_MISMATCH` for a newer format; errors of the file system as they are
 */
export async function readJournal(
  file: string,
  origin: JournalOrigin,
  visit: (content: Buffer) => void,
): Promise<JournalContent> {
  const bytes = await readWhole(file);
  checkHead(file, bytes, origin);
  let position = headLength;
  let frames = 0;
  const content = () => ({ frames, end: position, torn: bytes.length - position });
  while (position < bytes.length) {
    const rest = bytes.subarray(position);
    if (rest.length < frameHeadLength) return content();
    if (rest.readUInt32LE(12) !== crc32(rest.subarray(0, 12)) || rest.readUInt32LE(0) !== frameMagic) {
      if (isZero(rest.subarray(frameHeadLength - 1))) return content();
      throw corrupt(file, `the head of the record at byte ${position} is changed`);
    }
    const length = rest.readUInt32LE(4);
    const whole = frameHeadLength + length + frameFootLength;
    if (rest.length < whole) return content();
    const foot = rest.subarray(whole - frameFootLength, whole);
    const sha256 = createHash("sha256")
      .update(rest.subarray(0, whole - frameFootLength))
      .digest();
    if (!sha256.equals(foot)) {
      if (isZero(rest.subarray(whole - unwrittenLength))) return content();
      throw corrupt(file, `the record at byte ${position} is changed`);
    }
    if (rest.readUInt32LE(8) !== frames) {
      throw corrupt(file, `the record at byte ${position} has number ${rest.readUInt32LE(8)}, not ${frames}`);
    }
    visit(rest.subarray(frameHeadLength, frameHeadLength + length));
    position += whole;
    frames++;
  }
  return content();
}

function encodeHead({ store, generation }: JournalOrigin): Buffer {
  const head = Buffer.alloc(headLength);
  magic.copy(head);
  head.writeUInt32LE(version, 8);
  head.write(store, 12, "hex");
  head.writeUInt32LE(generation, 28);
  head.writeUInt32LE(crc32(head.subarray(0, 32)), 32);
  return head;
}

function checkHead(file: string, bytes: Buffer, { store, generation }: JournalOrigin): void {
  if (bytes.length < headLength) throw corrupt(file, `it is cut: it has ${bytes.length} bytes`);
  if (!bytes.subarray(0, 8).equals(magic)) throw corrupt(file, "it does not begin as a journal does");
  if (bytes.readUInt32LE(32) !== crc32(bytes.subarray(0, 32))) throw corrupt(file, "its head is changed");
  const found = bytes.readUInt32LE(8);
  if (found !== version) {
    throw new SparseEncoderError(
      "STORE_MISMATCH",
      `${file} has format version ${found}, this release reads version ${version}; use the release that wrote it, or a newer one.`,
    );
  }
  if (bytes.toString("hex", 12, 28) !== store || bytes.readUInt32LE(28) !== generation) {
    throw corrupt(file, "it belongs to another store");
  }
}

function frame(number: number, content: Buffer): Buffer[] {
  const head = Buffer.alloc(frameHeadLength);
  head.writeUInt32LE(frameMagic, 0);
  head.writeUInt32LE(content.length, 4);
  head.writeUInt32LE(number, 8);
  head.writeUInt32LE(crc32(head.subarray(0, 12)), 12);
  return [head, content, createHash("sha256").update(head).update(content).digest()];
}

/** As `readFile`, which stops at 2 GiB. */
async function readWhole(file: string): Promise<Buffer> {
  const handle = await open(file, "r");
  try {
    const { size } = await handle.stat();
    const bytes = Buffer.allocUnsafeSlow(size);
    let filled = 0;
    while (filled < size) {
      const { bytesRead } = await handle.read(bytes, filled, Math.min(size - filled, 1 << 24), filled);
      if (bytesRead === 0) throw corrupt(file, "it became shorter while it was read");
      filled += bytesRead;
    }
    return bytes;
  } finally {
    await handle.close();
  }
}

function isZero(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 0);
}
