import { randomBytes } from "node:crypto";
import { mkdir, rm } from "node:fs/promises";
import path from "node:path";
import {
  corrupt,
  Journal,
  journalHeadLength,
  storageError,
  syncFolder,
  WriterLock,
  writeSnapshot,
} from "../../disk/index.ts";
import { SparseEncoderError } from "../../errors.ts";
import { checkTenancy } from "../tenant.ts";
import { readClosedNote, removeClosedNote, writeClosedNote } from "./closed-note.ts";
import { fileOf, hasTenants, listFiles, sizeOf, tidy } from "./folder-files.ts";
import {
  type FolderContent,
  type FolderState,
  readFolder,
  type SnapshotSource,
  type StoredDescription,
  snapshotKind,
} from "./read-folder.ts";

const lockName = "lock";

/** How a store's folder is filled at first, and how what is in it is taken up. */
export interface NewFolderContent extends FolderContent {
  /** The first snapshot of a new folder. */
  initial(): SnapshotSource;
}

/**
 * The folder of a durable store, and the lock on it:
 *
 * - `snapshot-<g>`: the state at the start of `journal-<g>`;
 * - `journal-<g>`, `journal-<g+1>`, …: what was changed since, in order; the last one grows;
 * - `closed`: the journal and its length when the store was closed in good order. Without it the last record may be cut.
 *
 * Order of a new snapshot g: the journal g is made and takes all further records; the snapshot is written and renamed;
 * then all files of lower numbers are removed. So each moment has a snapshot with all journals that follow it.
 */
export class StoreFolder {
  private readonly folder: string;
  private readonly lock: WriterLock;
  private readonly store: string;
  /** The journals that follow the last snapshot, oldest first; the last one takes the records. */
  private journals: Journal[];
  private generation: number;
  private closing: Promise<void> | undefined;
  /** A journal that could not be begun, whose file may stand in the folder all the same. */
  private leftOver: string | undefined;
  /** Bytes of the last snapshot. */
  snapshotBytes: number;

  private constructor(
    folder: string,
    lock: WriterLock,
    store: string,
    journals: Journal[],
    generation: number,
    snapshotBytes: number,
  ) {
    this.folder = folder;
    this.lock = lock;
    this.store = store;
    this.journals = journals;
    this.generation = generation;
    this.snapshotBytes = snapshotBytes;
  }

  /**
   * Opens a folder, which is made if need be.
   * @throws SparseEncoderError `STORE_LOCKED`, `STORE_CORRUPT`, `STORE_MISMATCH`, `STORE_FAILED`
   */
  static async open(folder: string, content: NewFolderContent): Promise<StoreFolder> {
    try {
      await mkdir(folder, { recursive: true });
      await syncFolder(path.dirname(path.resolve(folder)));
      const lock = await WriterLock.acquire(path.join(folder, lockName));
      try {
        // Under the lock: a folder gets tenants only by a process that has it.
        checkTenancy(`The folder ${folder}`, await hasTenants(folder), undefined);
        const files = await listFiles(folder);
        if (files.snapshots.length === 0)
          return await StoreFolder.make(folder, lock, files.journals, content);
        const state = await readFolder(folder, files, content, { besideWriter: false });
        return await StoreFolder.take(folder, lock, state);
      } catch (error) {
        await lock.release().catch(() => {});
        throw error;
      }
    } catch (error) {
      throw storageError(error, `The store in ${folder} cannot be opened`);
    }
  }

  private static async make(
    folder: string,
    lock: WriterLock,
    journals: readonly number[],
    content: NewFolderContent,
  ): Promise<StoreFolder> {
    // One empty journal may be there: of a process that died right here.
    const isLeftOver = journals.length === 0 || (journals.length === 1 && journals[0] === 1);
    const first = fileOf(folder, "journal", 1);
    if (
      !isLeftOver ||
      (await sizeOf(first)) > journalHeadLength ||
      (await readClosedNote(folder)) !== undefined
    ) {
      throw corrupt(folder, "it has a journal but no snapshot");
    }
    const store = randomBytes(16).toString("hex");
    const journal = await Journal.create(first, { store, generation: 1 });
    try {
      const { description, sections } = content.initial();
      const bytes = await writeSnapshot(
        fileOf(folder, "snapshot", 1),
        snapshotKind,
        { store, generation: 1, content: description } satisfies StoredDescription,
        sections,
      );
      await tidy(folder, 1);
      return new StoreFolder(folder, lock, store, [journal], 1, bytes);
    } catch (error) {
      await journal.close();
      throw error;
    }
  }

  /** Takes a folder over whose content was read. */
  private static async take(folder: string, lock: WriterLock, state: FolderState): Promise<StoreFolder> {
    const { store, generation, snapshotBytes } = state;
    // From here on the last journal may grow, and a crash may tear its end.
    await removeClosedNote(folder);
    const journals: Journal[] = [];
    try {
      for (const [position, content] of state.journals.entries()) {
        journals.push(await Journal.open(fileOf(folder, "journal", generation + position), content));
      }
      await tidy(folder, generation);
      const last = generation + journals.length - 1;
      const opened = new StoreFolder(folder, lock, store, journals, last, snapshotBytes);
      // Journals of an older format take no further records.
      if (!journals.at(-1)!.isCurrent) await opened.rotate(() => {});
      return opened;
    } catch (error) {
      for (const journal of journals) await journal.close().catch(() => {});
      throw error;
    }
  }

  /** Bytes of all journals that opening would read. */
  get journalBytes(): number {
    return this.journals.reduce((sum, journal) => sum + journal.byteLength, 0);
  }

  /** True if there are changes since the last snapshot. */
  get hasRecords(): boolean {
    return this.journals.some((journal) => journal.byteLength > journalHeadLength);
  }

  /**
   * Resolves when the records are on the disk; else none of them is there. Calls must not overlap.
   * @throws SparseEncoderError `STORE_FAILED`, `STORE_LOCKED` if the lock was lost
   */
  async append(records: readonly Buffer[]): Promise<void> {
    await this.lock.check();
    await this.removeLeftOver();
    await this.journals.at(-1)!.append(records);
  }

  /**
   * Begins a new journal; no call of `append` may overlap with this one. `capture` is called when all records so far are
   * in the journals before. The state is then to be written by {@link StoreFolder.writeSnapshot}, while records are appended.
   */
  async rotate<State>(capture: () => State): Promise<State> {
    await this.lock.check();
    const generation = this.generation + 1;
    const file = fileOf(this.folder, "journal", generation);
    try {
      // Only the last journal may end in a record that is cut, or in a mark that is not on the disk.
      await this.journals.at(-1)!.seal();
      this.journals.push(await Journal.create(file, { store: this.store, generation }));
    } catch (error) {
      this.leftOver = file;
      throw storageError(error, `${file} cannot be written`);
    }
    this.leftOver = undefined;
    this.generation = generation;
    return capture();
  }

  /**
   * Removes, durably, the file of a journal that could not be begun: behind it, the journal before may neither grow nor be
   * noted as the last one.
   */
  private async removeLeftOver(): Promise<void> {
    if (this.leftOver === undefined) return;
    try {
      await rm(this.leftOver, { force: true });
      await syncFolder(this.folder);
    } catch (error) {
      throw storageError(error, `${this.leftOver} cannot be removed`);
    }
    this.leftOver = undefined;
  }

  /**
   * Writes the state at the last {@link StoreFolder.rotate} and removes what it replaces.
   * @throws SparseEncoderError `STORE_FAILED`, `STORE_LOCKED`; the folder is as good as before
   */
  async writeSnapshot({ description, sections }: SnapshotSource): Promise<void> {
    const { generation } = this;
    this.snapshotBytes = await writeSnapshot(
      fileOf(this.folder, "snapshot", generation),
      snapshotKind,
      { store: this.store, generation, content: description } satisfies StoredDescription,
      sections,
      () => this.lock.check(),
    );
    const current = this.journals.at(-1)!;
    const replaced = this.journals.filter((journal) => journal !== current);
    this.journals = [current];
    for (const journal of replaced) await journal.close();
    // What cannot be removed is removed when the store is opened the next time.
    await tidy(this.folder, generation).catch(() => {});
  }

  /** Notes that all is in good order, and lets the lock go. */
  close(): Promise<void> {
    this.closing ??= this.finish();
    return this.closing;
  }

  private async finish(): Promise<void> {
    try {
      await this.noteClosed();
    } catch (error) {
      // Without the note the store is opened as after a crash: nothing acknowledged is lost.
      if (!SparseEncoderError.is(storageError(error, this.folder))) throw error;
    } finally {
      for (const journal of this.journals) await journal.close().catch(() => {});
      await this.lock.release();
    }
  }

  private async noteClosed(): Promise<void> {
    const last = this.journals.at(-1)!;
    await last.seal();
    await this.lock.check();
    await this.removeLeftOver();
    await writeClosedNote(this.folder, { generation: this.generation, length: last.byteLength });
  }
}
