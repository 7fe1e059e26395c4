import type { FilterNode } from "../filter/filter-node.ts";
import type { CheckedDocument } from "../store-arguments.ts";
import type { ResolvedField } from "../vector-fields.ts";
import { Collection } from "./collection.ts";
import { CollectionBackend, undeclaredFields } from "./collection-backend.ts";
import { captureCollection } from "./collection-snapshot.ts";
import { LoadedCollection, toSource } from "./loaded-collection.ts";
import type { ResolvedDurableOptions, ResolvedMemoryOptions } from "./memory-options.ts";
import { type RepairReport, repairFolder } from "./repair.ts";
import { SnapshotSchedule } from "./snapshot-schedule.ts";
import { StoreFolder } from "./store-folder.ts";
import { WriteQueue } from "./write-queue.ts";

/** A folder that a store is kept in. */
interface Kept {
  readonly folder: StoreFolder;
  readonly model: string | null;
  readonly journalBytes: number | undefined;
}

/** The backend of a `MemoryStore` that may be changed: a collection, and the queue of its changes. */
export class MemoryBackend extends CollectionBackend {
  readonly declared: boolean;
  /** Undefined where each change may be made: it is asked for at once then. */
  readonly checkChange?: () => Promise<void>;
  protected readonly collection: Collection;
  private readonly writes: WriteQueue;
  private readonly folder: StoreFolder | undefined;
  /** Undefined for a store that is in memory only. */
  readonly schedule: SnapshotSchedule | undefined;

  private constructor(
    collection: Collection,
    { declared, tenant }: ResolvedMemoryOptions,
    kept: Kept | undefined,
    checkChange?: () => Promise<void>,
  ) {
    super(kept !== undefined, tenant);
    this.collection = collection;
    this.declared = declared !== undefined;
    if (checkChange !== undefined) this.checkChange = checkChange;
    this.folder = kept?.folder;
    this.writes = new WriteQueue(collection, this.declared, kept?.folder, () => this.schedule?.startIfDue());
    if (kept === undefined) return;
    const { folder, model, journalBytes } = kept;
    this.schedule = new SnapshotSchedule(folder, journalBytes, async () => {
      const captured = await this.writes.exclusively(() =>
        folder.rotate(() => captureCollection(this.collection)),
      );
      await folder.writeSnapshot(toSource(model, captured));
    });
  }

  /** A store that is in memory only. */
  static make(options: ResolvedMemoryOptions): MemoryBackend {
    return new MemoryBackend(new Collection(options.declared ?? new Map()), options, undefined);
  }

  /**
   * @param checkChange throws if a change is to be refused
   * @throws SparseEncoderError `STORE_LOCKED`, `STORE_CORRUPT`, `STORE_MISMATCH`, `STORE_FAILED`
   */
  static async open(
    place: string,
    options: ResolvedDurableOptions,
    checkChange?: () => Promise<void>,
  ): Promise<MemoryBackend> {
    const { declared, model: wanted, journalBytes } = options;
    const loaded = new LoadedCollection(place, wanted, declared);
    const folder = await StoreFolder.open(place, loaded);
    try {
      const { collection, model } = loaded;
      const added = undeclaredFields(place, collection.fields, declared ?? new Map());
      const backend = new MemoryBackend(collection, options, { folder, model, journalBytes }, checkChange);
      if (added.length > 0) await backend.writes.add({ type: "fields", fields: added }, undefined);
      return backend;
    } catch (error) {
      await folder.close();
      throw error;
    }
  }

  /** @throws SparseEncoderError `STORE_LOCKED`, `STORE_MISMATCH`, `STORE_FAILED` */
  static repair(place: string, apply: boolean): Promise<RepairReport> {
    const loaded = new LoadedCollection(place, undefined);
    return repairFolder(place, apply, loaded);
  }

  async write(documents: readonly CheckedDocument[], signal: AbortSignal | undefined): Promise<void> {
    await this.writes.add({ type: "upsert", documents }, signal);
  }

  remove(ids: readonly string[], signal: AbortSignal | undefined): Promise<number> {
    return this.writes.add({ type: "delete", ids }, signal);
  }

  removeMatching(filter: FilterNode, signal: AbortSignal | undefined): Promise<number> {
    return this.writes.add({ type: "deleteMatching", filter }, signal);
  }

  async keepEncoder(name: string, field: ResolvedField): Promise<void> {
    await this.writes.add({ type: "fields", fields: [[name, field]] }, undefined);
  }

  async close(): Promise<void> {
    await this.writes.drained();
    await this.schedule?.finish(this.collection.documents.size === 0);
    await this.folder?.close();
    this.collection.clear();
  }
}
