import { OrderedCalls } from "../calls/index.ts";
import type { StoreBackend } from "./backend.ts";
import type { FilterNode } from "./filter/filter-node.ts";

/** The changes of a store. Changes of one document take effect in the order of the calls. */
export class StoreChanges {
  private readonly backend: StoreBackend;
  private readonly calls = new OrderedCalls();

  constructor(backend: StoreBackend) {
    this.backend = backend;
  }

  /**
   * Changes documents, after the calls before it that change one of them.
   * @param ids undefined if any may be changed
   */
  run<Result>(ids: readonly string[] | undefined, work: () => Promise<Result>): Promise<Result> {
    const { backend } = this;
    const change = backend.checkChange === undefined ? work : () => backend.checkChange!().then(() => work());
    return backend.ordersWrites === true ? change() : this.calls.run(ids, change);
  }

  /** Deletes the documents of different ids; resolves with how many there were. */
  remove(ids: readonly string[], signal: AbortSignal | undefined): Promise<number> {
    return this.run(ids, () => this.backend.remove(ids, signal));
  }

  /** Deletes the documents that pass; resolves with how many there were. */
  removeMatching(filter: FilterNode, signal: AbortSignal | undefined): Promise<number> {
    return this.run(undefined, () =>
      this.backend.removeMatching === undefined
        ? this.removeByPages(filter, signal)
        : this.backend.removeMatching(filter, signal),
    );
  }

  private async removeByPages(filter: FilterNode, signal: AbortSignal | undefined): Promise<number> {
    const ids: string[] = [];
    for await (const page of this.backend.pages("", filter, 1000, signal)) {
      for (const { id } of page) ids.push(id);
    }
    return ids.length === 0 ? 0 : this.backend.remove(ids, signal);
  }
}
