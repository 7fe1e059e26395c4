import type { StoreFolder } from "./store-folder.ts";

const mebibyte = 1 << 20;

/** The journal may grow so long, or as long as the snapshot up to a limit: writing costs at most twice what it must. */
const leastJournalBytes = 64 * mebibyte;
const mostJournalBytes = 512 * mebibyte;

/** A longer journal is not left behind when a store is closed: replaying it would slow down the next opening. */
const closingJournalBytes = mebibyte;

/** Says when a store's snapshots are written, one at a time. */
export class SnapshotSchedule {
  private readonly folder: StoreFolder;
  private readonly journalBytes: number | undefined;
  private readonly write: () => Promise<void>;
  /** Journal bytes at which the next snapshot is due. */
  private dueAt: number;
  private underWay: Promise<void> | undefined;

  /**
   * @param journalBytes what the journals may grow by; undefined for a choice by the size of the snapshot
   * @param write writes a snapshot of the state now
   */
  constructor(folder: StoreFolder, journalBytes: number | undefined, write: () => Promise<void>) {
    this.folder = folder;
    this.journalBytes = journalBytes;
    this.write = write;
    this.dueAt = this.plan();
  }

  /** Starts a snapshot in the background if one is due. */
  startIfDue(): void {
    if (this.underWay !== undefined || this.folder.journalBytes < this.dueAt) return;
    // If it fails, all is still in the journals, and it is tried again when they have grown further.
    this.start().catch(() => {});
  }

  /**
   * Writes a snapshot after the one under way, if any.
   * @param check called right before it starts; throws if it may not
   */
  async run(check: () => void = () => {}): Promise<void> {
    // Of several that wait here, each looks again after another one has started.
    while (this.underWay !== undefined) await this.underWay.catch(() => {});
    check();
    await this.start();
  }

  /**
   * Waits for the snapshot under way; writes a last one where that saves the next opening much, and where a store that is
   * empty would leave what was deleted in its journal. Never fails.
   */
  async finish(isEmpty: boolean): Promise<void> {
    while (this.underWay !== undefined) await this.underWay.catch(() => {});
    const { journalBytes, hasRecords } = this.folder;
    if (journalBytes > closingJournalBytes || (isEmpty && hasRecords)) await this.run().catch(() => {});
  }

  private start(): Promise<void> {
    this.underWay = this.write().finally(() => {
      this.underWay = undefined;
      this.dueAt = this.plan();
    });
    return this.underWay;
  }

  private plan(): number {
    const growth =
      this.journalBytes ?? Math.max(leastJournalBytes, Math.min(this.folder.snapshotBytes, mostJournalBytes));
    return this.folder.journalBytes + growth;
  }
}
