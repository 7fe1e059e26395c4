import { aborted } from "../../calls/index.ts";
import type { FilterNode } from "../filter-node.ts";
import { newFields, type ResolvedField } from "../vector-fields.ts";
import type { Operation } from "./operation.ts";

/** An operation, and its bytes where there is a disk to write them to. */
export interface EncodedOperation {
  readonly operation: Operation;
  readonly record: Buffer | undefined;
}

/** A change that was asked for: which documents a filter means is known when its turn comes. */
export type Change = EncodedOperation | { readonly deleteMatching: FilterNode };

/** Bytes from which on a batch takes no more changes. */
const batchBytes = 1 << 26;

/** What a queue works on. */
export interface WriteTarget {
  fields(): ReadonlyMap<string, ResolvedField>;
  /** True if no fields may be added. */
  readonly declared: boolean;
  idsOf(node: FilterNode): string[];
  encode(operation: Operation): EncodedOperation;
  /** Makes operations durable, all or none. */
  store(operations: readonly EncodedOperation[]): Promise<void>;
  /** Applies an operation that was checked. Returns the number of deleted documents. */
  apply(operation: Operation): number;
  afterBatch(): void;
}

interface Entry {
  readonly change: Change;
  readonly signal: AbortSignal | undefined;
  readonly resolve: (deleted: number) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Changes in the order in which they were asked for. Those that wait while others are being stored are stored together,
 * with one flush of the disk. A change becomes visible after it was stored.
 */
export class WriteQueue {
  private readonly target: WriteTarget;
  private waiting: Entry[] = [];
  private guests: (() => Promise<void>)[] = [];
  private working: Promise<void> | undefined;

  constructor(target: WriteTarget) {
    this.target = target;
  }

  /** Resolves when the change is stored and visible, with the number of deleted documents. */
  add(change: Change, signal: AbortSignal | undefined): Promise<number> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ change, signal, resolve, reject });
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

  /** Resolves when nothing waits any more. */
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
      const isFull = bytes >= batchBytes || (position > 0 && "deleteMatching" in change);
      if ("record" in change) bytes += change.record?.length ?? 0;
      return isFull;
    });
    return this.waiting.splice(0, end === -1 ? this.waiting.length : end);
  }

  private async writeBatch(batch: readonly Entry[]): Promise<void> {
    const fields = new Map(this.target.fields());
    const ready: { entry: Entry; encoded: EncodedOperation }[] = [];
    for (const entry of batch) {
      try {
        if (entry.signal?.aborted) throw aborted(entry.signal);
        ready.push({ entry, encoded: this.prepare(entry.change, fields) });
      } catch (error) {
        entry.reject(error);
      }
    }
    try {
      const encoded = ready.map((part) => part.encoded).filter(({ operation }) => changesAnything(operation));
      if (encoded.length > 0) await this.target.store(encoded);
    } catch (error) {
      for (const { entry } of ready) entry.reject(error);
      return;
    }
    for (const { entry, encoded } of ready) {
      try {
        entry.resolve(this.target.apply(encoded.operation));
      } catch (error) {
        entry.reject(error);
      }
    }
    this.target.afterBatch();
  }

  /** Checks a change against the fields, and adds to them those that it brings. */
  private prepare(change: Change, fields: Map<string, ResolvedField>): EncodedOperation {
    if ("deleteMatching" in change) {
      return this.target.encode({ type: "delete", ids: this.target.idsOf(change.deleteMatching) });
    }
    if (change.operation.type === "upsert") {
      for (const [name, field] of newFields(change.operation.documents, fields, this.target.declared)) {
        fields.set(name, field);
      }
    }
    return change;
  }
}

function changesAnything(operation: Operation): boolean {
  return operation.type !== "delete" || operation.ids.length > 0;
}
