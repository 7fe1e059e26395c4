import { received, SparseEncoderError } from "../../errors.ts";
import type { DimCounts, SparseVector } from "../../vector/index.ts";
import type { BackendQuery, StoreBackend } from "../backend.ts";
import { filterOperators } from "../filter/filter.ts";
import type { FilterNode } from "../filter/filter-node.ts";
import type { StoreCapabilities, StoredDocument, StoreHit } from "../store.ts";
import type { CheckedDocument } from "../store-arguments.ts";
import { describeField, type ResolvedField, sameField } from "../vector-fields.ts";
import type { Collection } from "./collection.ts";

/** Documents that `pages` fetches at once at most, unless its caller wants more. */
const largestBatch = 1 << 16;

export type Fields = ReadonlyMap<string, ResolvedField>;

/** What all backends over a collection in memory do alike: they read and rank. */
export abstract class CollectionBackend implements StoreBackend {
  readonly name = "memory";
  readonly ordersTies = true;
  readonly tenant: string | undefined;
  readonly ordersWrites = true;
  readonly capabilities: StoreCapabilities;
  abstract readonly declared: boolean;
  protected abstract readonly collection: Collection;

  /** @param durable true for a collection that is kept in a folder */
  protected constructor(durable: boolean, tenant: string | undefined) {
    this.tenant = tenant;
    this.capabilities = {
      sparse: true,
      dense: true,
      filters: new Set(filterOperators),
      exact: true,
      durable,
      countsDims: true,
    };
  }

  abstract write(documents: readonly CheckedDocument[], signal: AbortSignal | undefined): Promise<void>;
  abstract remove(ids: readonly string[], signal: AbortSignal | undefined): Promise<number>;
  abstract removeMatching(filter: FilterNode, signal: AbortSignal | undefined): Promise<number>;
  abstract close(): Promise<void>;

  get fields(): Fields {
    return this.collection.fields;
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
}

/**
 * The declared fields that a folder lacks.
 * @throws SparseEncoderError `STORE_MISMATCH` for a field that is another one there
 */
export function undeclaredFields(place: string, stored: Fields, declared: Fields): [string, ResolvedField][] {
  return [...declared].filter(([name, field]) => {
    const known = stored.get(name);
    if (known === undefined || sameField(known, field)) return known === undefined;
    throw new SparseEncoderError(
      "STORE_MISMATCH",
      `The vectors named ${received(name)} in ${place} are ${describeField(known)}, not ${describeField(field)} as the option vectors says.`,
    );
  });
}
