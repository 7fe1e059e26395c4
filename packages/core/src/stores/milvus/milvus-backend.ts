import type { DimCounts, SparseVector } from "../../vector/index.ts";
import type { BackendQuery, StoreBackend, WeightedQuery } from "../backend.ts";
import { type CheckedCollection, withEncoder } from "../engine/collection-description.ts";
import { countDimsOf } from "../engine/dim-field.ts";
import { EngineClient } from "../engine/engine-client.ts";
import { EngineWrites } from "../engine/engine-writes.ts";
import { type TermFilter, termFilterOperators, vectorTerm } from "../engine/metadata-terms.ts";
import { unescapeText } from "../engine/stored-text.ts";
import type { FilterNode } from "../filter/filter-node.ts";
import type { ResolvedFusion } from "../native-fusion.ts";
import type { Metadata, StoreCapabilities, StoredDocument, StoreHit } from "../store.ts";
import { checkAlias } from "../store-alias.ts";
import type { CheckedDocument } from "../store-arguments.ts";
import { unsupported } from "../store-limits.ts";
import type { ResolvedField } from "../vector-fields.ts";
import { aliasEngine, targetOf } from "./milvus-alias.ts";
import { type MilvusConnection, type MilvusRow, succeeded } from "./milvus-client.ts";
import { keepEncoder, openCollection, probeNot, readCollection, serverVersion } from "./milvus-collection.ts";
import { openingOf } from "./milvus-connection.ts";
import { compileFilter, hasDim, hasTerm } from "./milvus-filter.ts";
import { checkMilvusOptions, type MilvusStoreOptions, type ResolvedMilvusOptions } from "./milvus-options.ts";
import { fromKey, fromRow, toKey, toRow, toSparseObject } from "./milvus-rows.ts";
import { fieldName, maximumElements } from "./milvus-schema.ts";
import { MilvusTable } from "./milvus-table.ts";

/** Hits and rows that one request may give. */
const maximumRows = 16_384;

/** The constant of rank fusion must be below this. */
const maximumConstant = 16_384;

/** Bytes of JSON, about, and rows of one request that writes. */
const size = { count: 1000, bytes: 1 << 23 };

/** What a hit is made of. */
const hitFields = ["key", "text", "metadata"];

/** The backend of a `MilvusStore`. */
export class MilvusBackend implements StoreBackend {
  readonly name = "milvus";
  readonly declared = true;
  readonly ordersTies = false;
  readonly tenant: string | undefined;
  readonly capabilities: StoreCapabilities;
  private readonly engine: EngineClient<MilvusConnection>;
  private readonly options: ResolvedMilvusOptions;
  /** The alias by which the collection was opened. */
  private readonly alias: string | undefined;
  private readonly writes: EngineWrites<MilvusConnection>;
  private readonly table: MilvusTable;
  private readonly knowsNot: boolean;
  private collection: CheckedCollection;

  private constructor(
    engine: EngineClient<MilvusConnection>,
    options: ResolvedMilvusOptions,
    alias: string | undefined,
    collection: CheckedCollection,
    knowsNot: boolean,
  ) {
    this.engine = engine;
    this.options = options;
    this.tenant = options.tenant;
    this.alias = alias;
    this.collection = collection;
    this.capabilities = {
      sparse: true,
      dense: true,
      filters: termFilterOperators,
      exact: true,
      durable: true,
      negativeWeights: false,
      // The front asks for one more: it tells whether the last hit has equals.
      maximumK: maximumRows - 1,
      nativeFusions: new Set(["rrf", "weighted"] as const),
      countsDims: collection.hasDims,
      writesAtOnce: options.writesAtOnce,
      ...(collection.hasDims ? { maximumActiveDims: maximumElements } : {}),
    };
    this.writes = new EngineWrites(engine, options.writesAtOnce);
    this.table = new MilvusTable(engine, options);
    this.knowsNot = knowsNot;
  }

  static async open(options: MilvusStoreOptions): Promise<MilvusBackend> {
    const checked = checkMilvusOptions(options);
    return EngineClient.open(openingOf(options, checked), async (engine, client) => {
      await serverVersion(client);
      const target = await targetOf(client, checked.collection);
      const resolved = { ...checked, collection: target ?? checked.collection };
      const alias = target === undefined ? undefined : checked.collection;
      const collection = await openCollection(client, resolved);
      const knowsNot = await probeNot(client, resolved.collection);
      return new MilvusBackend(engine, resolved, alias, collection, knowsNot);
    });
  }

  get fields(): ReadonlyMap<string, ResolvedField> {
    return this.collection.fields;
  }

  async refreshFields(): Promise<void> {
    this.collection = await this.engine.attempt(undefined, (client) => readCollection(client, this.options));
  }

  async checkChange(): Promise<void> {
    if (this.alias === undefined) return;
    await checkAlias(aliasEngine(this.engine), this.alias, this.options.collection);
  }

  async keepEncoder(name: string, field: ResolvedField): Promise<void> {
    // An older collection has no row for it, and counts nothing.
    if (!this.collection.hasDims) return;
    const description = withEncoder(this.collection.description, name, field);
    await this.engine.attempt(undefined, (client) => keepEncoder(client, this.options, description));
    await this.refreshFields();
  }

  countDims(name: string, dims: readonly number[], signal: AbortSignal | undefined): Promise<DimCounts> {
    return countDimsOf(
      this,
      this.collection,
      { name, dims },
      { hasTerm, hasDim, count: (condition) => this.table.count(condition, signal) },
    );
  }

  async hasVectors(name: string): Promise<boolean> {
    return (await this.table.countAll(hasTerm(vectorTerm(name)), undefined)) > 0;
  }

  async write(documents: readonly CheckedDocument[], signal: AbortSignal | undefined): Promise<void> {
    // All before the first request, so that a document that is refused stops the others.
    const { knowsNot, fields, collection, table } = this;
    const settings = { tenant: table.tenant, knowsNot, hasDims: collection.hasDims };
    const rows = documents.map((document) => toRow(document, fields, settings));
    await this.writes.run(
      {
        items: rows,
        total: rows.length,
        size,
        outcome: "stored",
        send: async (client, data, done) => {
          const answer = await client.upsert({ ...this.table.target, data }).then(succeeded);
          const refused = answer.err_index?.length ?? 0;
          done(data.length - refused);
          if (refused > 0) throw new Error(`${refused} of ${data.length} documents were refused`);
        },
      },
      signal,
    );
  }

  async remove(ids: readonly string[], signal: AbortSignal | undefined): Promise<number> {
    let removed = 0;
    for await (const rows of this.table.withKeys(this.keysFor(ids), ["key"], signal)) {
      removed += await this.table.remove(keysOf(rows), signal);
    }
    return removed;
  }

  async removeMatching(node: FilterNode, signal: AbortSignal | undefined): Promise<number> {
    // By their keys, as what Milvus counts is what it was asked to delete, and a document that comes meanwhile stays.
    const keys: string[] = [];
    for await (const rows of this.table.after("", this.compile(node), maximumRows / 2, ["key"], signal)) {
      keys.push(...keysOf(rows));
    }
    return this.table.remove(keys, signal);
  }

  async read(
    ids: readonly string[],
    signal: AbortSignal | undefined,
  ): Promise<ReadonlyMap<string, StoredDocument>> {
    const found = new Map<string, StoredDocument>();
    for await (const rows of this.table.withKeys(this.keysFor(ids), this.documentFields, signal)) {
      for (const row of rows) {
        const document = fromRow(row, this.fields);
        found.set(document.id, document);
      }
    }
    return found;
  }

  async count(filter: FilterNode | undefined, signal: AbortSignal | undefined): Promise<number> {
    return this.table.count(filter === undefined ? undefined : this.compile(filter), signal);
  }

  async *pages(
    after: string,
    node: FilterNode | undefined,
    batchSize: number,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<readonly StoredDocument[], void, undefined> {
    const size = Math.min(batchSize, maximumRows);
    const condition = node === undefined ? undefined : this.compile(node);
    const start = after === "" ? "" : toKey(after, this.table.tenant);
    for await (const page of this.table.after(start, condition, size, this.documentFields, signal)) {
      yield page.map((row) => fromRow(row, this.fields));
    }
  }

  rankSparse(query: BackendQuery<SparseVector>): Promise<StoreHit[]> {
    return this.rank(query, (score) => score);
  }

  rankDense(query: BackendQuery<Float32Array>): Promise<StoreHit[]> {
    const { field } = query;
    const isEuclidean = field.kind === "dense" && field.metric === "euclidean";
    // Milvus gives the square of the distance.
    const toScore = (score: number) => (isEuclidean ? -Math.sqrt(Math.max(0, score)) : score);
    return this.rank(query, toScore);
  }

  async rankHybrid(
    queries: readonly WeightedQuery[],
    { native, k: constant }: ResolvedFusion,
    k: number,
    signal: AbortSignal | undefined,
  ): Promise<StoreHit[]> {
    const weights = queries.map(({ weight }) => weight);
    if (native === "rrf" && weights.some((weight) => weight !== 1)) {
      throw unsupported(this, 'takes no weights with rrf; { native: "weighted" } does.');
    }
    if (constant >= maximumConstant) {
      throw unsupported(this, `takes a k of rrf below ${maximumConstant}, received ${constant}.`);
    }
    // It takes weights up to 1; what they have to each other is what counts.
    const largest = Math.max(1, ...weights);
    const request = {
      ...this.table.scope,
      data: queries.map((query) => {
        const { filter, data, ...rest } = this.toSearch(query);
        return { ...rest, expr: filter, data: data[0], limit: query.k };
      }),
      rerank:
        native === "rrf"
          ? { strategy: "rrf", params: { k: constant } }
          : { strategy: "weighted", params: { weights: weights.map((weight) => weight / largest) } },
      output_fields: hitFields,
      limit: k,
    };
    const { results } = await this.engine.attempt(signal, async (client) =>
      succeeded(await client.hybridSearch(request)),
    );
    return results.map((row) => toHit(row, (score) => score));
  }

  async close(): Promise<void> {
    await this.engine.close();
  }

  private get documentFields(): string[] {
    const vectors = [...this.fields.keys()].map((_, position) => fieldName(position));
    return ["key", "text", "metadata", "present", ...vectors];
  }

  private keysFor(ids: readonly string[]): string[] {
    return ids.map((id) => toKey(id, this.table.tenant));
  }

  /** What a search is about, as the client takes it. */
  private toSearch({ name, vector, filter }: BackendQuery) {
    const conditions = [hasTerm(vectorTerm(name)), ...(filter === undefined ? [] : [this.compile(filter)])];
    const isDense = vector instanceof Float32Array;
    return {
      anns_field: fieldName([...this.fields.keys()].indexOf(name)),
      data: [isDense ? Array.from(vector) : toSparseObject(vector)],
      filter: this.table.within(conditions.join(" and ")),
      params: isDense ? {} : { drop_ratio_search: 0 },
    };
  }

  private async rank(query: BackendQuery, toScore: (score: number) => number): Promise<StoreHit[]> {
    const { k, signal } = query;
    const request = { ...this.table.scope, ...this.toSearch(query), output_fields: hitFields, limit: k };
    const { results } = await this.engine.attempt(signal, async (client) =>
      succeeded(await client.search(request)),
    );
    return results.map((row) => toHit(row, toScore));
  }

  private compile(filter: FilterNode): string {
    return compileFilter(filter as TermFilter, this.knowsNot);
  }
}

function keysOf(rows: readonly MilvusRow[]): string[] {
  return rows.map((row) => row.key as string);
}

function toHit(row: MilvusRow, toScore: (score: number) => number): StoreHit {
  return {
    id: fromKey(row.key as string),
    score: toScore(row.score as number),
    text: unescapeText(row.text as string),
    metadata: row.metadata as Metadata,
  };
}
