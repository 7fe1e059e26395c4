import { received, SparseEncoderError } from "../../errors.ts";
import type { DimCounts, SparseVector } from "../../vector/index.ts";
import type { BackendQuery, StoreBackend } from "../backend.ts";
import { filterOperators } from "../filter/filter.ts";
import type { FilterNode } from "../filter/filter-node.ts";
import type { StoreCapabilities, StoredDocument, StoreHit } from "../store.ts";
import type { CheckedDocument } from "../store-arguments.ts";
import { describeField, type ResolvedField, sameField } from "../vector-fields.ts";
import { Collection } from "./collection.ts";
import { captureCollection } from "./collection-snapshot.ts";
import { LoadedCollection, toSource } from "./loaded-collection.ts";
import type { ResolvedDurableOptions } from "./memory-options.ts";
import { type RepairReport, repairFolder } from "./repair.ts";
import { SnapshotSchedule } from "./snapshot-schedule.ts";
import { StoreFolder } from "./store-folder.ts";
import { WriteQueue } from "./write-queue.ts";

/** Documents that `pages` fetches at once at most, unless its caller wants more. */
const largestBatch = 1 << 16;

type Fields = ReadonlyMap<string, ResolvedField>;

/** A folder that a store is kept in. */
interface Kept {
  readonly folder: StoreFolder;
  readonly model: string | null;
  readonly journalBytes: number | undefined;
}

/** The backend of a `MemoryStore`: a collection, and the queue of its changes. */
export class MemoryBackend implements StoreBackend {
  readonly name = "memory";
  readonly ordersTies = true;
  readonly declared: boolean;
  readonly capabilities: StoreCapabilities;
  private readonly collection: Collection;
  private readonly writes: WriteQueue;
  private readonly folder: StoreFolder | undefined;
  /** Undefined for a store that is in memory only. */
  readonly schedule: SnapshotSchedule | undefined;

  private constructor(collection: Collection, declared: boolean, kept: Kept | undefined) {
    this.collection = collection;
    this.declared = declared;
    this.folder = kept?.folder;
    this.capabilities = {
      sparse: true,
      dense: true,
      filters: new Set(filterOperators),
      exact: true,
      durable: kept !== undefined,
      countsDims: true,
    };
    this.writes = new WriteQueue(collection, declared, kept?.folder, () => this.schedule?.startIfDue());
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
  static make(declared: Fields | undefined): MemoryBackend {
    return new MemoryBackend(new Collection(declared ?? new Map()), declared !== undefined, undefined);
  }

  /** @throws SparseEncoderError `STORE_LOCKED`, `STORE_CORRUPT`, `STORE_MISMATCH`, `STORE_FAILED` */
  static async open(
    place: string,
    { declared, model: wanted, journalBytes }: ResolvedDurableOptions,
  ): Promise<MemoryBackend> {
    const loaded = new LoadedCollection(place, wanted, declared);
    const folder = await StoreFolder.open(place, loaded);
    try {
      const { collection, model } = loaded;
      const added = undeclared(place, collection.fields, declared ?? new Map());
      const backend = new MemoryBackend(collection, declared !== undefined, { folder, model, journalBytes });
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

  get fields(): Fields {
    return this.collection.fields;
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

  async read(ids: readonly string[]): Promise<ReadonlyMap<string, StoredDocument>> {
    return new Map(this.collection.get(ids).map((document) => [document.id, document]));
  }

  async count(filter: FilterNode | undefined): Promise<number> {
    return filter === undefined ? this.collection.documents.size : this.collection.ids(filter).length;
  }

  async *pages(
    after: string,
    filter: FilterNode | undefined,
    batchSize: number,
  ): AsyncGenerator<readonly StoredDocument[], void, undefined> {
    const passing = this.collection.ids(filter);
    // Without a comparison function, strings are sorted by UTF-16 code units.
    const ids = (after === "" ? passing : passing.filter((id) => id > after)).sort();
    // A page takes a pass over all postings, so that pages of one size would take quadratic time.
    let size = batchSize;
    for (let start = 0; start < ids.length; ) {
      yield this.collection.get(ids.slice(start, start + size));
      start += size;
      size = Math.max(size, Math.min(2 * size, largestBatch));
    }
  }

  async rankSparse(query: BackendQuery<SparseVector>): Promise<StoreHit[]> {
    return this.collection.rankSparse(query);
  }

  async rankDense(query: BackendQuery<Float32Array>): Promise<StoreHit[]> {
    return this.collection.rankDense(query);
  }

  async countDims(name: string, dims: readonly number[]): Promise<DimCounts> {
    const index = this.collection.sparse.get(name);
    return index?.countDims(dims) ?? { vectors: 0, active: dims.map(() => 0) };
  }

  async keepEncoder(name: string, field: ResolvedField): Promise<void> {
    await this.writes.add({ type: "fields", fields: [[name, field]] }, undefined);
  }

  async close(): Promise<void> {
    await this.writes.drained();
    await this.schedule?.finish();
    await this.folder?.close();
    this.collection.clear();
  }
}

/** The declared fields that a folder lacks. */
function undeclared(place: string, stored: Fields, declared: Fields): [string, ResolvedField][] {
  return [...declared].filter(([name, field]) => {
    const known = stored.get(name);
    if (known === undefined || sameField(known, field)) return known === undefined;
    throw new SparseEncoderError(
      "STORE_MISMATCH",
      `The vectors named ${received(name)} in ${place} are ${describeField(known)}, not ${describeField(field)} as the option vectors says.`,
    );
  });
}
