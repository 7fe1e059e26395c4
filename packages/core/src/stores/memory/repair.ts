import { randomBytes } from "node:crypto";
import { rename, stat } from "node:fs/promises";
import path from "node:path";
import {
  Journal,
  readSnapshot,
  type Snapshot,
  salvageJournal,
  storageError,
  syncFolder,
  WriterLock,
  writeSnapshot,
} from "../../disk/index.ts";
import { SparseEncoderError } from "../../errors.ts";
import { declareOptions, flag } from "../../options/index.ts";
import { tenantName } from "../tenant.ts";
import { removeClosedNote } from "./closed-note.ts";
import { type FolderFiles, fileOf, listFiles, sizeOf, tidy } from "./folder-files.ts";
import {
  type FolderContent,
  readDescription,
  readFolder,
  type SnapshotSource,
  type StoredDescription,
  snapshotKind,
} from "./read-folder.ts";

/** Options of `MemoryStore.repair`. */
export interface RepairOptions {
  /** True to change the folder. Default false: the folder stays as it is, and the result says what would be dropped. */
  readonly apply?: boolean | undefined;
  /** The tenant whose files are looked at; needed for a folder with tenants. Default: none. */
  readonly tenant?: string | undefined;
}

/** A part of a folder that cannot be read. */
export interface DroppedPart {
  /** Name of the file. */
  readonly file: string;
  /** Bytes of the file: from the first to behind the last one. */
  readonly from: number;
  /** Byte at which the part ends, exclusive. */
  readonly to: number;
  /** What is wrong, for people. */
  readonly reason: string;
}

/** What a repair does, or would do. */
export interface RepairReport {
  /** True if the folder opens as it is; then nothing is to be done. */
  readonly isSound: boolean;
  /** Documents that the store has after the repair. */
  readonly documents: number;
  /** What is lost by it. A record that is lost may have added, replaced or deleted documents. */
  readonly dropped: readonly DroppedPart[];
  /** Whether the folder was changed. Files with dropped parts are kept beside it under their names with `.damaged`. */
  readonly applied: boolean;
}

/** The state that a repair gathers. */
export interface RepairContent extends FolderContent {
  /** Begins anew, with nothing. */
  reset(): void;
  documents(): number;
  source(): SnapshotSource;
}

export const repairOptions = declareOptions<RepairOptions>()({
  apply: flag().default(false),
  tenant: tenantName,
});

/** @throws SparseEncoderError `STORE_LOCKED`, `STORE_FAILED`, `STORE_MISMATCH` for files of a newer format */
export async function repairFolder(
  folder: string,
  apply: boolean,
  content: RepairContent,
): Promise<RepairReport> {
  try {
    const lock = await WriterLock.acquire(path.join(folder, "lock"));
    try {
      const files = await listFiles(folder);
      if (await isSound(folder, files, content)) {
        return { isSound: true, documents: content.documents(), dropped: [], applied: false };
      }
      const salvage = new Salvage(folder, files, content);
      await salvage.read();
      if (apply) await salvage.write(lock);
      return {
        isSound: false,
        documents: content.documents(),
        dropped: salvage.dropped,
        applied: apply,
      };
    } finally {
      await lock.release();
    }
  } catch (error) {
    throw storageError(error, `The store in ${folder} cannot be repaired`);
  }
}

async function isSound(folder: string, files: FolderFiles, content: RepairContent): Promise<boolean> {
  if (files.snapshots.length === 0 && files.journals.length === 0) return true;
  try {
    if (files.snapshots.length === 0) return false;
    await readFolder(folder, files, content, { besideWriter: false });
    return true;
  } catch (error) {
    if (SparseEncoderError.is(error, "STORE_CORRUPT")) return false;
    throw error;
  }
}

/** Reads what can be read of a damaged folder, and writes it anew. */
class Salvage {
  readonly dropped: DroppedPart[] = [];
  private readonly folder: string;
  private readonly files: FolderFiles;
  private readonly content: RepairContent;
  /** Id of the store; undefined where no snapshot tells it. */
  private store: string | undefined;

  constructor(folder: string, files: FolderFiles, content: RepairContent) {
    this.folder = folder;
    this.files = files;
    this.content = content;
  }

  async read(): Promise<void> {
    this.content.reset();
    const generation = await this.readSnapshots();
    const first = generation ?? this.files.journals[0] ?? 1;
    const last = Math.max(first, this.files.journals.at(-1) ?? first);
    for (let number = first; number <= last; number++) await this.readJournal(number);
  }

  /** Puts the state in the place of what was there. At each moment, the folder holds the old files or a store that opens. */
  async write(lock: WriterLock): Promise<void> {
    const { folder, store = randomBytes(16).toString("hex") } = this;
    const generation = Math.max(0, ...this.files.snapshots, ...this.files.journals) + 1;
    await (await Journal.create(fileOf(folder, "journal", generation), { store, generation })).close();
    const { description, sections } = this.content.source();
    await writeSnapshot(
      fileOf(folder, "snapshot", generation),
      snapshotKind,
      { store, generation, content: description } satisfies StoredDescription,
      sections,
      () => lock.check(),
    );
    for (const file of new Set(this.dropped.map((part) => part.file))) {
      if (await isThere(file)) await rename(file, `${file}.damaged`);
    }
    await removeClosedNote(folder);
    await tidy(folder, generation);
    await syncFolder(folder);
  }

  /** Takes the newest snapshot that is whole; returns its generation. */
  private async readSnapshots(): Promise<number | undefined> {
    for (const generation of this.files.snapshots.toReversed()) {
      const file = fileOf(this.folder, "snapshot", generation);
      try {
        const snapshot: Snapshot = await readSnapshot(file, snapshotKind);
        const { store, content } = readDescription(snapshot);
        this.content.restore(snapshot, content);
        this.store = store;
        return generation;
      } catch (error) {
        if (!SparseEncoderError.is(error, "STORE_CORRUPT")) throw error;
        this.content.reset();
        this.drop(file, 0, await sizeOf(file), `the snapshot is damaged: ${error.message}`);
      }
    }
    return undefined;
  }

  private async readJournal(generation: number): Promise<void> {
    const file = fileOf(this.folder, "journal", generation);
    if (!(await isThere(file))) {
      this.drop(file, 0, 0, "the journal is missing");
      return;
    }
    const origin = this.store === undefined ? undefined : { store: this.store, generation };
    const lost = await salvageJournal(file, origin, (record, position) => {
      try {
        this.content.replay(record);
      } catch (error) {
        const reason = `the record does not fit what is left: ${(error as Error).message}`;
        this.drop(file, position, position + record.length, reason);
      }
    });
    for (const { from, to } of lost) this.drop(file, from, to, "no whole record is there");
  }

  private drop(file: string, from: number, to: number, reason: string): void {
    this.dropped.push({ file, from, to, reason });
  }
}

async function isThere(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}
