import type { FileHandle } from "node:fs/promises";
import { writeAll } from "./file-bytes.ts";
import type { JournalContent, JournalPlace } from "./journal-content.ts";
import {
  currentVersion,
  encodeFrame,
  encodeHead,
  encodeMark,
  headLength,
  type JournalKey,
  type JournalOrigin,
  keyOf,
} from "./journal-format.ts";
import { storageError } from "./storage-errors.ts";
import { createWholeFile, openToWrite } from "./whole-file.ts";

/**
 * A file that grows by frames; each frame is there whole or not at all. `append` resolves when its frames are on the
 * disk. A failed append leaves the file as it was before.
 */
export class Journal {
  readonly file: string;
  private readonly handle: FileHandle;
  private readonly key: JournalKey;
  private end: number;
  private frames: number;
  /** True if bytes may stand behind `end`. */
  private dirty = false;
  /** Position up to which the file is on the disk: the last mark may not be yet. */
  private flushed: number;

  private constructor(file: string, handle: FileHandle, key: JournalKey, end: JournalPlace) {
    this.file = file;
    this.handle = handle;
    this.key = key;
    this.end = end.position;
    this.frames = end.frames;
    this.flushed = end.position;
  }

  /** Makes an empty journal, durably. Errors of the file system as they are. */
  static async create(file: string, origin: JournalOrigin): Promise<Journal> {
    const head = encodeHead(origin);
    const { handle } = await createWholeFile(file, (created) => writeAll(created, head));
    return new Journal(file, handle, keyOf(head), { position: headLength, frames: 0 });
  }

  /** Opens a journal that `readJournal` has read, and cuts off what is torn. */
  static async open(file: string, { key, end, synced }: JournalContent): Promise<Journal> {
    const handle = await openToWrite(file);
    const journal = new Journal(file, handle, key, end);
    journal.dirty = true;
    try {
      await journal.cutOff();
      if (synced < end.position && journal.isCurrent) await journal.mark();
    } catch (error) {
      await handle.close();
      throw error;
    }
    return journal;
  }

  /** False for a journal of an older format, which takes no further records. */
  get isCurrent(): boolean {
    return this.key.version === currentVersion;
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
        contents.flatMap((content, position) =>
          encodeFrame(this.key, this.frames + position, this.flushed, content),
        ),
      );
      await writeAll(this.handle, bytes, this.end);
      await this.handle.datasync();
      this.dirty = false;
      this.end += bytes.length;
      this.flushed = this.end;
      this.frames += contents.length;
    } catch (error) {
      // If this fails too, the next append tries again before it writes.
      await this.cutOff().catch(() => {});
      throw storageError(error, `${this.file} cannot be written`);
    }
    await this.mark();
  }

  /**
   * Prepares a journal for further records: cuts torn records behind the last whole one, and flushes the rest. Errors of the file
   * system as they are.
   */
  async seal(): Promise<void> {
    await this.cutOff();
    if (this.flushed === this.end) return;
    await this.handle.datasync();
    this.flushed = this.end;
  }

  async close(): Promise<void> {
    await this.handle.close();
  }

  /** Removes what a failed append may have left behind. */
  private async cutOff(): Promise<void> {
    if (!this.dirty) return;
    await this.handle.truncate(this.end);
    await this.handle.sync();
    this.dirty = false;
    this.flushed = this.end;
  }

  /**
   * Says that all before it is on the disk. The mark itself is flushed with what comes next; without it, the next frames
   * say the same.
   */
  private async mark(): Promise<void> {
    this.dirty = true;
    try {
      const mark = encodeMark(this.key, this.frames, this.end);
      await writeAll(this.handle, mark, this.end);
      this.end += mark.length;
      this.dirty = false;
    } catch {
      // The records are on the disk: a full disk that refuses the mark loses none of them.
    }
  }
}
