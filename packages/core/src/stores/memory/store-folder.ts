import { randomBytes } from "node:crypto";
import { mkdir, readdir, rm, stat } from "node:fs/promises";
import path from "node:path";
import {
  corrupt,
  Journal,
  type JournalContent,
  readJournal,
  readSnapshot,
  type Snapshot,
  type SnapshotSection,
  storageError,
  syncFolder,
  WriterLock,
  writeSnapshot,
} from "../../disk/index.ts";
import { SparseEncoderError } from "../../errors.ts";
import { readClosedNote, removeClosedNote, writeClosedNote } from "./closed-note.ts";

const kind = "store";
const lockName = "lock";
const filePattern = /^(snapshot|journal)-(\d{8})$/;

/** What a snapshot is made of. */
export interface SnapshotSource {
  readonly description: unknown;
  readonly sections: Iterable<SnapshotSection>;
}

/** The description in the snapshot's file. */
interface StoredDescription {
  readonly store: string;
  readonly generation: number;
  readonly content: unknown;
}

/** How a store's folder is filled at first, and how what is in it is taken up. */
export interface FolderContent {
  /** The first snapshot of a new folder. */
  initial(): SnapshotSource;
  /** Takes the content of a snapshot; called once, before all records. */
  restore(snapshot: Snapshot, description: unknown): void;
  /** Takes a record that was appended. */
  replay(record: Buffer): void;
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
  /** Oldest first: those that follow the last snapshot; the last one takes the records. */
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
  static async open(folder: string, content: FolderContent): Promise<StoreFolder> {
    try {
      await mkdir(folder, { recursive: true });
      await syncFolder(path.dirname(path.resolve(folder)));
      const lock = await WriterLock.acquire(path.join(folder, lockName));
      try {
        const { snapshots, journals } = await list(folder);
        const generation = snapshots.at(-1);
        return generation === undefined
          ? await StoreFolder.make(folder, lock, journals, content)
          : await StoreFolder.read(folder, lock, generation, journals, content);
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
    content: FolderContent,
  ): Promise<StoreFolder> {
    // One empty journal may be there: of a process that died right here.
    const isLeftOver = journals.length === 0 || (journals.length === 1 && journals[0] === 1);
    const first = path.join(folder, fileName("journal", 1));
    if (
      !isLeftOver ||
      (await sizeOf(first)) > emptyJournalLength ||
      (await readClosedNote(folder)) !== undefined
    ) {
      throw corrupt(folder, "it has a journal but no snapshot");
    }
    const store = randomBytes(16).toString("hex");
    const journal = await Journal.create(first, { store, generation: 1 });
    try {
      const { description, sections } = content.initial();
      const bytes = await writeSnapshot(
        path.join(folder, fileName("snapshot", 1)),
        kind,
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

  private static async read(
    folder: string,
    lock: WriterLock,
    generation: number,
    found: readonly number[],
    content: FolderContent,
  ): Promise<StoreFolder> {
    const snapshot = await readSnapshot(path.join(folder, fileName("snapshot", generation)), kind);
    const description = snapshot.description as StoredDescription;
    if (description.generation !== generation) throw corrupt(snapshot.file, "it was renamed");
    content.restore(snapshot, description.content);
    const closed = await readClosedNote(folder);
    const numbers = found.filter((number) => number >= generation);
    const last = numbers.at(-1) ?? generation;
    const read: JournalContent[] = [];
    for (let number = generation; number <= last; number++) {
      const file = path.join(folder, fileName("journal", number));
      if (!numbers.includes(number)) throw corrupt(file, "it is missing");
      const origin = { store: description.store, generation: number };
      const journal = await readJournal(file, origin, (record) => content.replay(record));
      const length = journal.end + journal.torn;
      const mayBeTorn = number === last && closed === undefined;
      if (journal.torn > 0 && !mayBeTorn) throw corrupt(file, `the record at byte ${journal.end} is cut`);
      if (
        number === last &&
        closed !== undefined &&
        (closed.generation !== last || closed.length !== length)
      ) {
        throw corrupt(file, "it is not as long as it was when the store was closed");
      }
      read.push(journal);
    }
    // From here on the last journal may grow, and a crash may tear its end.
    await removeClosedNote(folder);
    const journals: Journal[] = [];
    try {
      for (const [position, { end, frames }] of read.entries()) {
        const file = path.join(folder, fileName("journal", generation + position));
        journals.push(await Journal.open(file, end, frames));
      }
      await tidy(folder, generation);
    } catch (error) {
      for (const journal of journals) await journal.close();
      throw error;
    }
    return new StoreFolder(folder, lock, description.store, journals, last, snapshot.byteLength);
  }

  /** Bytes of all journals that opening would read. */
  get journalBytes(): number {
    return this.journals.reduce((sum, journal) => sum + journal.byteLength, 0);
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
    const file = path.join(this.folder, fileName("journal", generation));
    try {
      // Only the last journal may end in a record that is cut.
      await this.journals.at(-1)!.cutOff();
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
      path.join(this.folder, fileName("snapshot", generation)),
      kind,
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
    const last = this.journals.at(-1)!;
    try {
      await last.cutOff();
      await this.lock.check();
      await this.removeLeftOver();
      await writeClosedNote(this.folder, { generation: this.generation, length: last.byteLength });
    } catch (error) {
      // Without the note the store is opened as after a crash: nothing acknowledged is lost.
      if (!SparseEncoderError.is(storageError(error, this.folder))) throw error;
    } finally {
      for (const journal of this.journals) await journal.close();
      await this.lock.release();
    }
  }
}

const emptyJournalLength = 36;

function fileName(kind: "snapshot" | "journal", generation: number): string {
  return `${kind}-${String(generation).padStart(8, "0")}`;
}

async function list(folder: string): Promise<{ snapshots: number[]; journals: number[] }> {
  const numbers = { snapshot: [] as number[], journal: [] as number[] };
  for (const name of (await readdir(folder)).toSorted()) {
    const match = filePattern.exec(name);
    if (match !== null) numbers[match[1] as "snapshot" | "journal"].push(Number(match[2]));
  }
  return { snapshots: numbers.snapshot, journals: numbers.journal };
}

/** Removes the files that the snapshot replaces, and those that a dead process left under temporary names. */
async function tidy(folder: string, generation: number): Promise<void> {
  for (const name of await readdir(folder)) {
    const match = filePattern.exec(name);
    const isOld = match !== null && Number(match[2]) < generation;
    const isTemporary = name.endsWith(".tmp") && /^(snapshot|journal)-\d{8}\.|^closed\./.test(name);
    if (isOld || isTemporary) await rm(path.join(folder, name), { force: true });
  }
}

async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return 0;
    throw error;
  }
}
