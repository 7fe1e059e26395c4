import path from "node:path";
import { pause } from "../../calls/index.ts";
import {
  isLocked,
  type JournalPlace,
  journalHeadLength,
  readJournal,
  storageError,
} from "../../disk/index.ts";
import { invalidArgument, SparseEncoderError } from "../../errors.ts";
import { type FolderFiles, fileOf, listFiles } from "./folder-files.ts";
import { checkWhole, type FolderContent, readFolder } from "./read-folder.ts";

/** Tries to read a folder whose writer replaces files meanwhile. */
const maximumTries = 10;

/** Milliseconds before the second try; before each further one, as much more. */
const firstDelay = 10;

/** Where a reader stopped. */
interface ReadPlace {
  readonly store: string;
  /** Of the journal. */
  readonly generation: number;
  readonly place: JournalPlace;
}

/**
 * Reads the folder of a store without a lock and without writing, beside a process that writes or without one.
 *
 * Beside a writer, the state of the content is always that after some acknowledged change and all before it: only records
 * that the journal says are on the disk are taken. Without a writer, it is what a writer would find. Files may vanish while
 * they are read, since a snapshot replaced them: then reading begins anew.
 */
export class FolderReader<Content extends FolderContent> {
  content: Content;
  private readonly folder: string;
  private readonly empty: () => Content;
  private at: ReadPlace;
  /** The last refresh: they follow each other, so that each sees what was acknowledged before it was asked for. */
  private turn: Promise<unknown> = Promise.resolve();

  private constructor(folder: string, empty: () => Content, content: Content, at: ReadPlace) {
    this.folder = folder;
    this.empty = empty;
    this.content = content;
    this.at = at;
  }

  /** @throws SparseEncoderError `INVALID_ARGUMENT` if there is no store; `STORE_CORRUPT`, `STORE_MISMATCH`, `STORE_FAILED` */
  static async open<Content extends FolderContent>(
    folder: string,
    empty: () => Content,
  ): Promise<FolderReader<Content>> {
    const { content, at } = await load(folder, empty);
    return new FolderReader(folder, empty, content, at);
  }

  /** Takes up what was written since; false if nothing was. After a failure, the content is as before. */
  refresh(): Promise<boolean> {
    const turn = this.turn.then(() => this.advance());
    this.turn = turn.catch(() => {});
    return turn;
  }

  private async advance(): Promise<boolean> {
    const records: Buffer[] = [];
    const at = await this.readOn(records).catch((error: unknown) => {
      if (isPassing(error)) return undefined;
      throw storageError(error, `The store in ${this.folder} cannot be read`);
    });
    if (at === undefined) {
      const loaded = await load(this.folder, this.empty);
      this.content = loaded.content;
      this.at = loaded.at;
      return true;
    }
    const isMoved = at.generation !== this.at.generation || at.place.position !== this.at.place.position;
    // In one turn of the event loop, so that no search sees a part of it.
    for (const record of records) this.content.replay(record);
    this.at = at;
    return isMoved && records.length > 0;
  }

  /** Collects the records behind the place; undefined if its journal is gone. */
  private async readOn(records: Buffer[]): Promise<ReadPlace | undefined> {
    const { store } = this.at;
    const { isBusy, files } = await look(this.folder);
    if (!files.journals.includes(this.at.generation)) return undefined;
    let { generation, place } = this.at;
    for (;;) {
      const hasNext = files.journals.includes(generation + 1);
      const file = fileOf(this.folder, "journal", generation);
      const journal = await readJournal(file, { store, generation }, (record) => records.push(record), {
        from: place,
        // A journal that another one follows is complete, and on the disk.
        syncedOnly: isBusy && !hasNext,
      });
      if (!hasNext) return { store, generation, place: journal.end };
      checkWhole(file, journal);
      generation++;
      place = journalStart;
    }
  }
}

const journalStart: JournalPlace = { position: journalHeadLength, frames: 0 };

async function load<Content extends FolderContent>(
  folder: string,
  empty: () => Content,
): Promise<{ content: Content; at: ReadPlace }> {
  for (let tries = 1; ; tries++) {
    try {
      const { isBusy, files } = await look(folder);
      if (files.snapshots.length === 0) throw notThere(folder);
      const content = empty();
      const { store, generation, journals } = await readFolder(folder, files, content, {
        besideWriter: isBusy,
      });
      // A writer that came meanwhile may still take back what it has not acknowledged.
      if (!isBusy && (await isLocked(lockOf(folder)))) continue;
      return {
        content,
        at: { store, generation: generation + journals.length - 1, place: journals.at(-1)!.end },
      };
    } catch (error) {
      if (!isPassing(error) || tries === maximumTries) {
        throw storageError(error, `The store in ${folder} cannot be read`);
      }
    }
    await pause(firstDelay * tries, undefined);
  }
}

/** The lock is looked at first: a writer that ends in between has acknowledged all that it leaves. */
async function look(folder: string): Promise<{ isBusy: boolean; files: FolderFiles }> {
  try {
    return { isBusy: await isLocked(lockOf(folder)), files: await listFiles(folder) };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw code === "ENOENT" || code === "ENOTDIR" ? notThere(folder) : error;
  }
}

function lockOf(folder: string): string {
  return path.join(folder, "lock");
}

/** Whether a failure may be due to files that were replaced while they were read. */
function isPassing(error: unknown): boolean {
  const cause = error instanceof Error ? (error.cause as NodeJS.ErrnoException | undefined) : undefined;
  return (
    SparseEncoderError.is(error, "STORE_CORRUPT") ||
    (error as NodeJS.ErrnoException).code === "ENOENT" ||
    cause?.code === "ENOENT"
  );
}

function notThere(folder: string): SparseEncoderError {
  return invalidArgument(
    `MemoryStore.open: there is no store in ${folder}; open it once without readOnly to make one.`,
  );
}
