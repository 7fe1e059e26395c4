import { CallsUnderWay, throwIfAborted, unlessAborted } from "../calls/index.ts";
import { invalidArgument, SparseEncoderError } from "../errors.ts";
import { answerNeighbours } from "../options/index.ts";

import type { DimCounts, SparseVector } from "../vector/index.ts";
import type { StoreBackend, WeightedQuery } from "./backend.ts";
import { checkHybridSearches, checkNativeFusion } from "./native-fusion.ts";
import type {
  BoundEncoder,
  DeleteTarget,
  HybridSearch,
  HybridSearchOptions,
  Store,
  StoreCallOptions,
  StoreCapabilities,
  StoreCountOptions,
  StoredDocument,
  StoreHit,
  StoreIterateOptions,
  StoreSearchOptions,
  VectorSchema,
} from "./store.ts";
import {
  checkBoundEncoder,
  checkDeleteTarget,
  checkDenseQuery,
  checkDims,
  checkDocuments,
  checkKnownIds,
  checkSparseQuery,
  checkVectorName,
  copyVectors,
} from "./store-arguments.ts";
import { StoreChanges } from "./store-changes.ts";
import { StoreFields } from "./store-fields.ts";
import { checkDocumentLimits, checkFilter, checkK, unsupported, withinStringLength } from "./store-limits.ts";
import { callOptions, countOptions, hybridOptions, iterateOptions, searchOptions } from "./store-options.ts";
import { ordered, StoreSearches } from "./store-searches.ts";

/**
 * The front that every store of this library has: it checks the arguments and the limits of each call before the backend
 * sees it, and keeps the promises of {@link Store} that are the same for all engines.
 */
export class StoreFront implements Store {
  static {
    answerNeighbours(StoreFront.prototype, {
      query: "searchSparse(vector, query, { k }), searchDense or searchHybrid",
      search: "searchSparse(vector, query, { k }), searchDense or searchHybrid",
      similaritySearch: "searchSparse(vector, query, { k }), searchDense or searchHybrid",
      add: "upsert(documents)",
      addDocuments: "upsert(documents)",
      insert: "upsert(documents)",
      fetch: "get(ids)",
      getByIds: "get(ids)",
      remove: "delete({ ids })",
      scroll: "iterate()",
      list: "iterate()",
    });
    answerNeighbours(StoreFront, {
      load: "open(…)",
      create: "open(…)",
      connect: "open(…)",
      initialize: "open(…)",
    });
  }

  private readonly backend: StoreBackend;
  private readonly fields: StoreFields;
  private readonly searches: StoreSearches;
  private readonly underWay = new CallsUnderWay();
  private readonly changes: StoreChanges;
  private closing: Promise<void> | undefined;

  constructor(backend: StoreBackend) {
    if (typeof (backend as Partial<StoreBackend> | undefined)?.close !== "function") {
      throw invalidArgument(
        `${new.target.name} is opened, not made by new: await ${new.target.name}.open({ … }).`,
      );
    }
    this.backend = backend;
    this.fields = new StoreFields(backend);
    this.changes = new StoreChanges(backend);
    this.searches = new StoreSearches(backend, this.fields);
  }

  get name(): string {
    return this.backend.name;
  }

  /** What the store can do. */
  get capabilities(): StoreCapabilities {
    return this.backend.capabilities;
  }

  /** The tenant that the store was opened with, to whose documents it keeps; undefined for a store without tenants. */
  get tenant(): string | undefined {
    return this.backend.tenant;
  }

  /** Kind, dimension and metric of the vectors by name, as far as they are known. */
  get vectors(): VectorSchema {
    return Object.fromEntries(this.backend.fields);
  }

  async upsert(documents: readonly StoredDocument[], options: StoreCallOptions = {}): Promise<void> {
    const { signal } = this.begin("upsert", callOptions, options);
    const checked = checkDocuments(documents);
    const admitted = this.fields.admit(checked);
    for (const document of checked) checkDocumentLimits(this.backend, document);
    if (checked.length === 0) return;
    const write = () => withinStringLength(this.backend, () => this.backend.write(checked, signal));
    // Without names to add, the write starts now: backends that keep an order keep the order of the calls.
    const ids = checked.map(({ id }) => id);
    await this.track(this.changes.run(ids, () => (admitted === undefined ? write() : admitted.then(write))));
  }

  async delete(target: DeleteTarget, options: StoreCallOptions = {}): Promise<number> {
    const { signal } = this.begin("delete", callOptions, options);
    const checked = checkDeleteTarget(target);
    if ("ids" in checked) {
      if (checked.ids.length === 0) return 0;
      return this.track(this.changes.remove([...new Set(checked.ids)], signal));
    }
    const filter = checkFilter(this.backend, checked.filter);
    return this.track(this.changes.removeMatching(filter, signal));
  }

  async get(ids: readonly string[], options: StoreCallOptions = {}): Promise<(StoredDocument | undefined)[]> {
    const { signal } = this.begin("get", callOptions, options);
    const checked = checkKnownIds("get", ids);
    if (checked.length === 0) return [];
    const found = await this.track(this.backend.read([...new Set(checked)], signal), signal);
    const given = new Set<string>();
    return checked.map((id) => {
      const document = found.get(id);
      if (document === undefined || !given.has(id)) {
        given.add(id);
        return document;
      }
      // The caller may change vectors: a document that comes twice has vectors of its own each time.
      return { ...document, vectors: copyVectors(document.vectors) };
    });
  }

  async count(options: StoreCountOptions = {}): Promise<number> {
    const { filter, signal } = this.begin("count", countOptions, options);
    return this.track(this.backend.count(this.searches.filterOf(filter), signal), signal);
  }

  async *iterate(options: StoreIterateOptions = {}): AsyncGenerator<StoredDocument, void, undefined> {
    const call = "iterate";
    const { after, filter, batchSize, signal } = this.begin(call, iterateOptions, options);
    const paging = this.backend.pages(after, this.searches.filterOf(filter), batchSize, signal);
    const pages = paging[Symbol.asyncIterator]();
    try {
      for (;;) {
        this.checkOpen(call, signal);
        const page = await this.track(pages.next(), signal);
        if (page.done === true) return;
        for (const document of page.value) {
          throwIfAborted(signal);
          yield document;
        }
      }
    } finally {
      // Not awaited: a page that is under way may take its time.
      pages.return?.().catch(() => {});
    }
  }

  async searchSparse(
    vector: string,
    query: SparseVector,
    options: StoreSearchOptions = {},
  ): Promise<StoreHit[]> {
    const call = "searchSparse";
    const { k, filter, signal } = this.begin(call, searchOptions, options);
    checkVectorName(call, vector);
    const search = {
      name: vector,
      vector: checkSparseQuery(call, query),
      ...this.searches.checked(call, k, filter),
    };
    return this.track(this.searches.rank(call, { ...search, signal }), signal);
  }

  async searchDense(
    vector: string,
    query: Float32Array,
    options: StoreSearchOptions = {},
  ): Promise<StoreHit[]> {
    const call = "searchDense";
    const { k, filter, signal } = this.begin(call, searchOptions, options);
    checkVectorName(call, vector);
    const search = {
      name: vector,
      vector: checkDenseQuery(call, query),
      ...this.searches.checked(call, k, filter),
    };
    return this.track(this.searches.rank(call, { ...search, signal }), signal);
  }

  /**
   * Several searches that the engine itself fuses, in one request.
   * @throws SparseEncoderError `STORE_UNSUPPORTED` for a fusion that `capabilities.nativeFusions` does not name
   */
  async searchHybrid(searches: readonly HybridSearch[], options: HybridSearchOptions): Promise<StoreHit[]> {
    const call = "searchHybrid";
    const { signal, ...settings } = this.begin(call, hybridOptions, options);
    const fusion = checkNativeFusion(settings.fusion);
    if (this.capabilities.nativeFusions?.has(fusion.native) !== true) {
      throw unsupported(this.backend, `does not fuse by ${fusion.native} itself.`);
    }
    const k = checkK(this.backend, call, settings.k);
    const checked = checkHybridSearches(call, searches).map(({ vector, query, weight, ...search }) => ({
      ...this.searches.checked(call, search.k, search.filter),
      name: vector,
      vector: query,
      weight,
      signal,
    }));
    const fuse = async () => {
      const queries: WeightedQuery[] = [];
      for (const search of checked) {
        const query = await this.searches.queryOf(call, search);
        if (query !== undefined) queries.push({ ...query, weight: search.weight });
      }
      if (queries.length === 0) return [];
      return ordered(await this.backend.rankHybrid!(queries, fusion, k, signal), k);
    };
    return this.track(fuse(), signal);
  }

  /**
   * In how many documents with sparse vectors of this name each dim is active.
   * @throws SparseEncoderError `STORE_UNSUPPORTED` where `capabilities` do not say `countsDims`
   */
  async countDims(
    vector: string,
    dims: readonly number[],
    options: StoreCallOptions = {},
  ): Promise<DimCounts> {
    const call = "countDims";
    const { signal } = this.begin(call, callOptions, options);
    checkVectorName(call, vector);
    const { backend } = this;
    if (backend.countDims === undefined) throw unsupported(backend, "does not count the dims of vectors.");
    const checked = checkDims(call, dims);
    const field = await this.fields.find(call, vector, "sparse");
    if (field === undefined) return { vectors: 0, active: checked.map(() => 0) };
    return this.track(backend.countDims(vector, checked, signal), signal);
  }

  async bindEncoder(vector: string, encoder: BoundEncoder, options: StoreCallOptions = {}): Promise<void> {
    const call = "bindEncoder";
    this.begin(call, callOptions, options);
    checkVectorName(call, vector);
    await this.track(this.fields.bind(vector, checkBoundEncoder(call, encoder)));
  }

  close(): Promise<void> {
    this.closing ??= this.finish();
    return this.closing;
  }

  /** Closes the store: for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** What every call checks first. */
  protected begin<Checked extends { readonly signal: AbortSignal | undefined }>(
    call: string,
    declaration: { check(call: string, options: unknown): Checked },
    options: unknown,
  ): Checked {
    const checked = declaration.check(call, options);
    this.checkOpen(call, checked.signal);
    return checked;
  }

  /** @throws SparseEncoderError `CLOSED`, `ABORTED` */
  protected checkOpen(call: string, signal: AbortSignal | undefined): void {
    if (this.closing !== undefined) {
      throw new SparseEncoderError("CLOSED", `${call}: the store is closed; open it again.`);
    }
    throwIfAborted(signal);
  }

  /** Lets `close` wait for a call. If a signal is given, its abort ends the caller's wait. */
  protected track<Result>(call: Promise<Result>, signal?: AbortSignal): Promise<Result> {
    return unlessAborted(signal, this.underWay.track(call));
  }

  private async finish(): Promise<void> {
    await this.underWay.settled();
    await this.backend.close();
  }
}
