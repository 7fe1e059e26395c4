import { throwIfAborted, unlessAborted } from "../../calls/index.ts";
import { invalidArgument, received, SparseEncoderError } from "../../errors.ts";
import { checkOptionNames, positiveInteger } from "../../options/index.ts";
import { SparseVector } from "../../vector/index.ts";
import type { Filter } from "../filter.ts";
import { type FilterNode, parseFilter } from "../filter-node.ts";
import type {
  DeleteTarget,
  HybridSearch,
  HybridSearchOptions,
  Store,
  StoreCallOptions,
  StoreCapabilities,
  StoredDocument,
  StoreHit,
  StoreSearchOptions,
  VectorSchema,
} from "../store.ts";
import {
  type CheckedDocument,
  checkDeleteTarget,
  checkDense,
  checkDocuments,
  checkKnownIds,
  checkSearch,
  checkVectorName,
  isSparse,
} from "../store-arguments.ts";
import { checkDirection, listNames, newFields, type ResolvedField } from "../vector-fields.ts";
import { checkHybridSearches, checkNativeFusion, type ResolvedFusion } from "./native-fusion.ts";
import { checkDocumentLimits, checkQueryDimension, checkQueryLimits, unsupported } from "./query-limits.ts";

/** A search whose arguments are checked. */
export interface EngineQuery<Vector> {
  readonly name: string;
  readonly vector: Vector;
  readonly k: number;
  readonly node: FilterNode | undefined;
  readonly signal: AbortSignal | undefined;
}

/** One of the searches of a `searchHybrid`. */
export interface WeightedQuery extends EngineQuery<SparseVector | Float32Array> {
  readonly weight: number;
}

/**
 * What the stores on engines of others have in common: arguments and limits are checked before the engine is asked,
 * `close` waits for calls under way, and an aborted read ends at once.
 */
export abstract class EngineStore implements Store {
  abstract readonly name: string;
  abstract readonly capabilities: StoreCapabilities;
  /** Kind, dimension and metric of the vectors by name, as far as they are known here. */
  protected fields: ReadonlyMap<string, ResolvedField>;
  /** True if no names may be added. */
  private readonly declared: boolean;
  private readonly underWay = new Set<Promise<unknown>>();
  private growth: Promise<unknown> = Promise.resolve();
  private closing: Promise<void> | undefined;

  protected constructor(fields: ReadonlyMap<string, ResolvedField>, declared: boolean) {
    this.fields = fields;
    this.declared = declared;
  }

  /** Kind, dimension and metric of the vectors by name, as far as they are known. */
  get vectors(): VectorSchema {
    return Object.fromEntries(this.fields);
  }

  async upsert(documents: readonly StoredDocument[], options: StoreCallOptions = {}): Promise<void> {
    const signal = this.begin("upsert", options, []);
    const checked = checkDocuments(documents);
    newFields(checked, this.fields, this.declared);
    for (const document of checked) checkDocumentLimits(this, document);
    if (checked.length === 0) return;
    await this.track(
      (async () => {
        await this.grow(checked);
        await this.write(checked, signal);
      })(),
    );
  }

  async delete(target: DeleteTarget, options: StoreCallOptions = {}): Promise<number> {
    const signal = this.begin("delete", options, []);
    const checked = checkDeleteTarget(target);
    if ("ids" in checked && checked.ids.length === 0) return 0;
    return this.track(
      "ids" in checked
        ? this.remove([...new Set(checked.ids)], signal)
        : this.removeMatching(checked.node, signal),
    );
  }

  async get(ids: readonly string[], options: StoreCallOptions = {}): Promise<(StoredDocument | undefined)[]> {
    const signal = this.begin("get", options, []);
    const checked = checkKnownIds("get", ids);
    if (checked.length === 0) return [];
    const found = await this.track(this.read([...new Set(checked)], signal), signal);
    const given = new Set<string>();
    return checked.map((id) => {
      const document = found.get(id);
      if (document === undefined || !given.has(id)) {
        given.add(id);
        return document;
      }
      // Vectors are the caller's to change, each for itself.
      return { ...document, vectors: copyVectors(document.vectors) };
    });
  }

  async count(options: StoreCallOptions & { readonly filter?: Filter | undefined } = {}): Promise<number> {
    const signal = this.begin("count", options, ["filter"]);
    const node = options.filter === undefined ? undefined : parseFilter(options.filter);
    return this.track(this.tally(node, signal), signal);
  }

  async *iterate(
    options: StoreCallOptions & {
      readonly after?: string | undefined;
      readonly filter?: Filter | undefined;
      readonly batchSize?: number | undefined;
    } = {},
  ): AsyncGenerator<StoredDocument, void, undefined> {
    const names = ["after", "filter", "batchSize"];
    const signal = this.begin("iterate", options, names);
    const { after = "", filter, batchSize = 500 } = options;
    positiveInteger("batchSize", batchSize);
    if (typeof after !== "string") {
      throw invalidArgument(`iterate: after must be an id, received ${received(after)}.`);
    }
    const node = filter === undefined ? undefined : parseFilter(filter);
    const pages = this.pages(after, node, batchSize, signal)[Symbol.asyncIterator]();
    for (;;) {
      this.begin("iterate", options, names);
      const page = await this.track(pages.next(), signal);
      if (page.done === true) return;
      for (const document of page.value) {
        throwIfAborted(signal);
        yield document;
      }
    }
  }

  async searchSparse(
    vector: string,
    query: SparseVector,
    options: StoreSearchOptions = {},
  ): Promise<StoreHit[]> {
    const call = "searchSparse";
    const signal = this.begin(call, options, ["k", "filter"]);
    checkVectorName(call, vector);
    if (!isSparse(query)) {
      throw invalidArgument(`${call}: expected a SparseVector, received ${received(query)}.`);
    }
    const search = this.checkSearch(call, options);
    const checked = copySparse(query);
    return this.track(
      (async () => {
        if (!(await this.mayFindSparse(call, vector, checked))) return [];
        return this.rankSparse({ name: vector, vector: checked, ...search, signal });
      })(),
      signal,
    );
  }

  async searchDense(
    vector: string,
    query: Float32Array,
    options: StoreSearchOptions = {},
  ): Promise<StoreHit[]> {
    const call = "searchDense";
    const signal = this.begin(call, options, ["k", "filter"]);
    checkVectorName(call, vector);
    if (!(query instanceof Float32Array)) {
      throw invalidArgument(
        `${call}: expected a Float32Array (Float32Array.from makes one of numbers), received ${received(query)}.`,
      );
    }
    const search = this.checkSearch(call, options);
    const copy = query.slice();
    checkDense(`${call}: the query`, copy);
    return this.track(
      (async () => {
        if (!(await this.mayFindDense(call, vector, copy))) return [];
        return this.rankDense({ name: vector, vector: copy, ...search, signal });
      })(),
      signal,
    );
  }

  /** Refused by the stores whose capabilities name no native fusion. */
  async searchHybrid(searches: readonly HybridSearch[], options: HybridSearchOptions): Promise<StoreHit[]> {
    const call = "searchHybrid";
    const signal = this.begin(call, options, ["k", "fusion"]);
    const fusion = checkNativeFusion(options.fusion);
    if (this.capabilities.nativeFusions?.has(fusion.native) !== true) {
      throw this.unsupported(`does not fuse by ${fusion.native} itself.`);
    }
    const { k } = this.checkSearch(call, { k: options.k });
    const checked = checkHybridSearches(searches).map(({ vector, query, k: own, filter, weight }) => ({
      ...this.checkSearch(call, { k: own, filter }),
      name: vector,
      vector: isSparse(query) ? copySparse(query) : query.slice(),
      weight,
      signal,
    }));
    return this.track(
      (async () => {
        const queries: WeightedQuery[] = [];
        for (const search of checked) {
          const { name, vector } = search;
          const mayFind =
            vector instanceof Float32Array
              ? await this.mayFindDense(call, name, vector)
              : await this.mayFindSparse(call, name, vector);
          if (mayFind) queries.push(search);
        }
        return queries.length === 0 ? [] : this.rankHybrid(queries, fusion, k, signal);
      })(),
      signal,
    );
  }

  close(): Promise<void> {
    this.closing ??= this.finish();
    return this.closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /**
   * Makes names of vectors known to the engine; resolves with all that it knows then. This and `readFields` are for stores
   * that take further names: the others have the vectors they were made with.
   */
  protected async addFields(
    _added: ReadonlyMap<string, ResolvedField>,
  ): Promise<ReadonlyMap<string, ResolvedField>> {
    return this.fields;
  }

  /** Names of vectors as the engine knows them now; others may have added some. */
  protected async readFields(): Promise<ReadonlyMap<string, ResolvedField>> {
    return this.fields;
  }

  /** Stores documents, all or none. */
  protected abstract write(
    documents: readonly CheckedDocument[],
    signal: AbortSignal | undefined,
  ): Promise<void>;

  /** Deletes documents; resolves with how many there were. */
  protected abstract remove(ids: readonly string[], signal: AbortSignal | undefined): Promise<number>;
  protected abstract removeMatching(node: FilterNode, signal: AbortSignal | undefined): Promise<number>;

  /** The documents of different ids, as far as there are some. */
  protected abstract read(
    ids: readonly string[],
    signal: AbortSignal | undefined,
  ): Promise<ReadonlyMap<string, StoredDocument>>;
  protected abstract tally(node: FilterNode | undefined, signal: AbortSignal | undefined): Promise<number>;

  /** All documents after an id, in rising order of id. */
  protected abstract pages(
    after: string,
    node: FilterNode | undefined,
    batchSize: number,
    signal: AbortSignal | undefined,
  ): AsyncIterable<readonly StoredDocument[]>;
  protected abstract rankSparse(query: EngineQuery<SparseVector>): Promise<StoreHit[]>;
  protected abstract rankDense(query: EngineQuery<Float32Array>): Promise<StoreHit[]>;

  /** Several searches in one request, best of the fusion first. For stores that name `nativeFusions`. */
  protected async rankHybrid(
    _queries: readonly WeightedQuery[],
    _fusion: ResolvedFusion,
    _k: number,
    _signal: AbortSignal | undefined,
  ): Promise<StoreHit[]> {
    return [];
  }

  /** Frees what this store opened. */
  protected abstract disconnect(): Promise<void>;

  /** What every call checks first. */
  protected begin(
    call: string,
    options: StoreCallOptions,
    names: readonly string[],
  ): AbortSignal | undefined {
    checkOptionNames(call, options, ["signal", ...names]);
    if (this.closing !== undefined) {
      throw new SparseEncoderError("CLOSED", `${call}: the store is closed; open it again.`);
    }
    throwIfAborted(options.signal);
    return options.signal;
  }

  /** Lets `close` wait for a call. An aborted signal ends the wait of the caller, if one is given. */
  protected track<Result>(promise: Promise<Result>, signal?: AbortSignal): Promise<Result> {
    const settled = promise.then(
      () => {},
      () => {},
    );
    this.underWay.add(settled);
    settled.finally(() => this.underWay.delete(settled));
    return unlessAborted(signal, promise);
  }

  protected unsupported(problem: string): SparseEncoderError {
    return unsupported(this, problem);
  }

  /** Checks a query against the vectors it is for; false if it can find nothing. */
  private async mayFindSparse(call: string, name: string, query: SparseVector): Promise<boolean> {
    const field = await this.fieldOf(call, name, "sparse");
    if (field === undefined) return false;
    checkQueryDimension(call, name, query.dimension, field);
    checkQueryLimits(this, call, query);
    return query.activeDims > 0;
  }

  private async mayFindDense(call: string, name: string, query: Float32Array): Promise<boolean> {
    const field = await this.fieldOf(call, name, "dense");
    if (field === undefined) return false;
    checkQueryDimension(call, name, query.length, field);
    if (field.kind === "dense" && field.metric === "cosine") checkDirection(`${call}: the query`, query);
    return true;
  }

  /** The field that a search is about; undefined as long as the store knows no fields at all. */
  private async fieldOf(
    call: string,
    name: string,
    kind: "sparse" | "dense",
  ): Promise<ResolvedField | undefined> {
    if (!this.fields.has(name) && !this.declared) this.fields = await this.readFields();
    const field = this.fields.get(name);
    if (field === undefined) {
      if (this.fields.size === 0) return undefined;
      throw invalidArgument(
        `${call}: no vectors are named ${received(name)}; the store has ${listNames(this.fields)}.`,
      );
    }
    if (field.kind !== kind) {
      throw invalidArgument(
        `${call}: the vectors named ${received(name)} are ${field.kind}; use search${field.kind === "dense" ? "Dense" : "Sparse"}.`,
      );
    }
    return field;
  }

  /** Adds the names of vectors that the documents bring, one call after the other. */
  private grow(documents: readonly CheckedDocument[]): Promise<void> {
    const turn = this.growth.then(async () => {
      const added = newFields(documents, this.fields, this.declared);
      if (added.size > 0) this.fields = await this.addFields(added);
      // Another process may have given a name to other vectors.
      newFields(documents, this.fields, true);
    });
    this.growth = turn.catch(() => {});
    return turn;
  }

  private checkSearch(
    call: string,
    options: StoreSearchOptions,
  ): { k: number; node: FilterNode | undefined } {
    const checked = checkSearch(options);
    const { maximumK } = this.capabilities;
    if (maximumK !== undefined && checked.k > maximumK) {
      throw this.unsupported(`gives at most ${maximumK} hits. ${call}: received k ${checked.k}.`);
    }
    return checked;
  }

  private async finish(): Promise<void> {
    while (this.underWay.size > 0) await Promise.all(this.underWay);
    await this.disconnect();
  }
}

function copyVectors(vectors: StoredDocument["vectors"]): StoredDocument["vectors"] {
  return Object.fromEntries(
    Object.entries(vectors).map(([name, vector]) => [
      name,
      vector instanceof Float32Array ? vector.slice() : copySparse(vector),
    ]),
  );
}

function copySparse({ indices, values, dimension }: SparseVector): SparseVector {
  return new SparseVector(indices.slice(), values.slice(), dimension);
}
