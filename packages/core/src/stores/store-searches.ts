import { compareHits } from "../index/index.ts";
import type { BackendQuery, StoreBackend } from "./backend.ts";
import type { Filter } from "./filter/filter.ts";
import type { FilterNode } from "./filter/filter-node.ts";
import type { StoreHit } from "./store.ts";
import type { StoreFields } from "./store-fields.ts";
import { checkFilter, checkK, checkQueryFit } from "./store-limits.ts";
import { resolveTies } from "./tied-hits.ts";

type Query = Omit<BackendQuery, "field">;

/** The searches of a store, as its front checks them and orders what they find. */
export class StoreSearches {
  private readonly backend: StoreBackend;
  private readonly fields: StoreFields;

  constructor(backend: StoreBackend, fields: StoreFields) {
    this.backend = backend;
    this.fields = fields;
  }

  filterOf(filter: Filter | undefined): FilterNode | undefined {
    return filter === undefined ? undefined : checkFilter(this.backend, filter);
  }

  checked(call: string, k: number, filter: Filter | undefined): Pick<Query, "k" | "filter"> {
    return { k: checkK(this.backend, call, k), filter: this.filterOf(filter) };
  }

  /** Checks a search against the vectors that it is for; undefined if it cannot find anything. */
  async queryOf(call: string, query: Query): Promise<BackendQuery | undefined> {
    const { name, vector } = query;
    const field = await this.fields.find(call, name, vector instanceof Float32Array ? "dense" : "sparse");
    if (field === undefined) return undefined;
    checkQueryFit(this.backend, call, query, field);
    const isEmpty = !(vector instanceof Float32Array) && vector.activeDims === 0;
    return isEmpty ? undefined : { ...query, field };
  }

  async rank(call: string, search: Query): Promise<StoreHit[]> {
    const query = await this.queryOf(call, search);
    if (query === undefined) return [];
    const { k } = query;
    const ask = (limit: number) => rankOf(this.backend, { ...query, k: limit });
    if (this.backend.ordersTies) return ordered(await ask(k), k);
    const { maximumK = Number.MAX_SAFE_INTEGER - 1 } = this.backend.capabilities;
    return ordered(await resolveTies(k, maximumK + 1, ask), k);
  }
}

function rankOf(backend: StoreBackend, query: BackendQuery): Promise<StoreHit[]> {
  const { vector } = query;
  return vector instanceof Float32Array
    ? backend.rankDense({ ...query, vector })
    : backend.rankSparse({ ...query, vector });
}

/** The best `k` by score, equal scores by id. */
export function ordered(hits: readonly StoreHit[], k: number): StoreHit[] {
  return (
    hits
      // -0 is a score of its own to readers of JSON and to some assertions.
      .map((hit) => (Object.is(hit.score, -0) ? { ...hit, score: 0 } : hit))
      .sort(compareHits)
      .slice(0, k)
  );
}
