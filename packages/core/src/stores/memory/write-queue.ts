import { throwIfAborted } from "../../calls/index.ts";
import type { FilterNode } from "../filter/filter-node.ts";
import { newFields, type ResolvedField } from "../vector-fields.ts";
import type { Collection } from "./collection.ts";
import { encodeOperation, type Operation } from "./operation.ts";
import type { StoreFolder } from "./store-folder.ts";

/** A change that was asked for. Which documents a filter means is known when the turn of the change comes. */
export type Change = Operation | { readonly type: "deleteMatching"; readonly filter: FilterNode };

/** An operation, and its bytes where there is a disk to write them to. */
interface EncodedOperation {
  readonly operation: Operation;
  readonly record: Buffer | undefined;
}

/** Bytes at which a batch is closed. */
const batchBytes = 1 << 26;

interface Entry {
  readonly change: EncodedOperation | { readonly filter: FilterNode };
  readonly signal: AbortSignal | undefined;
  readonly resolve: (deleted: number) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * The changes of a collection, in the order in which they were asked for. Those that wait while others are being stored
 * are stored together, with one flush of the disk. A change becomes visible after it was stored.
 */
export class WriteQueue {
  private readonly collection: Collection;
  private readonly declared: boolean;
  private readonly folder: StoreFolder | undefined;
  private readonly afterBatch: () => void;
  private waiting: Entry[] = [];
  private guests: (() => Promise<void>)[] = [];
  private working: Promise<void> | undefined;

  /**
   * @param declared true if changes may not bring further names of vectors
   * @param folder where changes are stored; undefined for a collection that is in memory only
   */
  constructor(
    collection: Collection,
    declared: boolean,
    folder: StoreFolder | undefined,
    afterBatch: () => void,
  ) {
    this.collection = collection;
    this.declared = declared;
    this.folder = folder;
    this.afterBatch = afterBatch;
  }

  /** Resolves when the change is stored and visible, with the number of deleted documents. */
  async add(change: Change, signal: AbortSignal | undefined): Promise<number> {
    const encoded = change.type === "deleteMatching" ? change : this.encode(change);
    return new Promise((resolve, reject) => {
      this.waiting.push({ change: encoded, signal, resolve, reject });
      this.start();
    });
  }

  /** Runs `work` between two batches. */
  exclusively<Result>(work: () => Promise<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.guests.push(() => work().then(resolve, reject));
      this.start();
    });
  }

  /** Resolves when no change waits any more. */
  async drained(): Promise<void> {
    while (this.working !== undefined) await this.working;
  }

  private start(): void {
    this.working ??= this.work();
  }

  private async work(): Promise<void> {
    // Lets the calls of this turn come together.
    await undefined;
    while (this.waiting.length > 0 || this.guests.length > 0) {
      for (const guest of this.guests.splice(0)) await guest();
      const batch = this.takeBatch();
      if (batch.length > 0) await this.writeBatch(batch);
    }
    // In the same turn as the last look at what waits, so that nothing is left waiting.
    this.working = undefined;
  }

  /** What may be stored at once: a filter must see all changes before it, so it comes first in its batch. */
  private takeBatch(): Entry[] {
    let bytes = 0;
    const end = this.waiting.findIndex(({ change }, position) => {
      const isFull = bytes >= batchBytes || (position > 0 && "filter" in change);
      if ("record" in change) bytes += change.record?.length ?? 0;
      return isFull;
    });
    return this.waiting.splice(0, end === -1 ? this.waiting.length : end);
  }

  private async writeBatch(batch: readonly Entry[]): Promise<void> {
    const fields = new Map(this.collection.fields);
    const ready: { entry: Entry; encoded: EncodedOperation }[] = [];
    for (const entry of batch) {
      try {
        throwIfAborted(entry.signal);
        ready.push({ entry, encoded: this.prepare(entry.change, fields) });
      } catch (error) {
        entry.reject(error);
      }
    }
    try {
      await this.store(ready.map(({ encoded }) => encoded));
    } catch (error) {
      for (const { entry } of ready) entry.reject(error);
      return;
    }
    for (const { entry, encoded } of ready) {
      try {
        entry.resolve(this.collection.apply(encoded.operation));
      } catch (error) {
        entry.reject(error);
      }
    }
    this.afterBatch();
  }

  /** Checks a change against the fields, and adds the fields that it brings. */
  private prepare(change: Entry["change"], fields: Map<string, ResolvedField>): EncodedOperation {
    if ("filter" in change) return this.encode({ type: "delete", ids: this.collection.ids(change.filter) });
    const { operation } = change;
    if (operation.type === "upsert") {
      for (const [name, field] of newFields(operation.documents, fields, this.declared)) {
        fields.set(name, field);
      }
    }
    return change;
  }

  private encode(operation: Operation): EncodedOperation {
    return { operation, record: this.folder === undefined ? undefined : encodeOperation(operation) };
  }

  /** Makes operations durable, all or none. */
  private async store(operations: readonly EncodedOperation[]): Promise<void> {
    const records = operations
      .filter(({ operation }) => operation.type !== "delete" || operation.ids.length > 0)
      .flatMap(({ record }) => (record === undefined ? [] : [record]));
    if (records.length > 0) await this.folder?.append(records);
  }
}
