import {
  corrupt,
  type JournalContent,
  readJournal,
  readSnapshot,
  type Snapshot,
  type SnapshotSection,
} from "../../disk/index.ts";
import { type ClosedNote, readClosedNote } from "./closed-note.ts";
import { type FolderFiles, fileOf } from "./folder-files.ts";

/** Kind of the snapshots of stores. */
export const snapshotKind = "store";

/** What a snapshot is made of. */
export interface SnapshotSource {
  readonly description: unknown;
  readonly sections: Iterable<SnapshotSection>;
}

/** The description in the snapshot's file. */
export interface StoredDescription {
  readonly store: string;
  readonly generation: number;
  readonly content: unknown;
}

/** How what is in a store's folder is taken up. */
export interface FolderContent {
  /** Takes the content of a snapshot; called once, before all records. */
  restore(snapshot: Snapshot, description: unknown): void;
  /** Takes a record that was appended. */
  replay(record: Buffer): void;
}

/** What was read of a folder. */
export interface FolderState {
  /** Id of the store. */
  readonly store: string;
  /** Of the snapshot. */
  readonly generation: number;
  readonly snapshotBytes: number;
  /** From the journal of the snapshot's generation on. */
  readonly journals: readonly JournalContent[];
}

/** How a folder is read. */
export interface FolderReading {
  /** True beside a writer: only records that are known to be on the disk count, and the note of closing means nothing. */
  readonly besideWriter: boolean;
}

/**
 * Reads the last snapshot of a folder and the journals that follow it.
 * @throws SparseEncoderError `STORE_CORRUPT`, `STORE_MISMATCH`; errors of the file system as they are
 */
export async function readFolder(
  folder: string,
  files: FolderFiles,
  content: FolderContent,
  { besideWriter }: FolderReading,
): Promise<FolderState> {
  const generation = files.snapshots.at(-1)!;
  const snapshot = await readSnapshot(fileOf(folder, "snapshot", generation), snapshotKind);
  const { store, ...description } = readDescription(snapshot);
  if (description.generation !== generation) throw corrupt(snapshot.file, "it was renamed");
  content.restore(snapshot, description.content);
  const closed = besideWriter ? undefined : await readClosedNote(folder);
  const last = Math.max(generation, files.journals.at(-1) ?? generation);
  const journals: JournalContent[] = [];
  for (let number = generation; number <= last; number++) {
    const file = fileOf(folder, "journal", number);
    if (!files.journals.includes(number)) throw corrupt(file, "it is missing");
    const isLast = number === last;
    const journal = await readJournal(
      file,
      { store, generation: number },
      (record) => content.replay(record),
      { syncedOnly: besideWriter && isLast },
    );
    if (isLast) checkClosed(file, last, journal, closed);
    else checkWhole(file, journal);
    journals.push(journal);
  }
  return { store, generation, snapshotBytes: snapshot.byteLength, journals };
}

/** A journal that another one follows does not end in a torn record. */
export function checkWhole(file: string, { end, torn }: JournalContent): void {
  if (torn > 0) throw corrupt(file, `the record at byte ${end.position} is cut`);
}

function checkClosed(
  file: string,
  generation: number,
  journal: JournalContent,
  closed: ClosedNote | undefined,
): void {
  if (closed === undefined) return;
  checkWhole(file, journal);
  if (closed.generation === generation && closed.length === journal.end.position) return;
  throw corrupt(file, "it is not as long as it was when the store was closed");
}

/** @throws SparseEncoderError `STORE_CORRUPT` */
export function readDescription(snapshot: Snapshot): StoredDescription {
  const { store, generation, content } = (snapshot.description ?? {}) as Partial<StoredDescription>;
  if (typeof store !== "string" || !/^[0-9a-f]{32}$/.test(store) || !Number.isSafeInteger(generation)) {
    throw corrupt(snapshot.file, "it does not say which store it belongs to");
  }
  return { store, generation: generation!, content };
}
