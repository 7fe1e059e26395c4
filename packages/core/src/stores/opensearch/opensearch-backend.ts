import type { DimCounts, SparseVector } from "../../vector/index.ts";
import type { BackendQuery, StoreBackend, WeightedQuery } from "../backend.ts";
import { type CheckedCollection, withEncoder } from "../engine/collection-description.ts";
import { EngineClient, type EngineOpening } from "../engine/engine-client.ts";
import { mapped } from "../engine/engine-writes.ts";
import { type TermFilter, termFilterOperators, vectorTerm } from "../engine/metadata-terms.ts";
import type { FilterNode } from "../filter/filter-node.ts";
import type { ResolvedFusion } from "../native-fusion.ts";
import type { StoreCapabilities, StoredDocument, StoreHit } from "../store.ts";
import { checkAlias } from "../store-alias.ts";
import type { CheckedDocument } from "../store-arguments.ts";
import { tenantKey } from "../tenant.ts";
import type { ResolvedField } from "../vector-fields.ts";
import { aliasEngine } from "./opensearch-alias.ts";
import { type BulkItem, OpenSearchBulk } from "./opensearch-bulk.ts";
import type { OpenSearchConnection } from "./opensearch-client.ts";
import { dimCount, dimCountsOf, dimsAtOnce } from "./opensearch-dims.ts";
import {
  contentOf,
  fieldName,
  fromSource,
  toDocumentId,
  toKey,
  toSource,
  vectorOf,
} from "./opensearch-documents.ts";
import { checkClauses, compileFilter, hasTerm, type OpenSearchQuery, ofTenant } from "./opensearch-filter.ts";
import { checkOneShard } from "./opensearch-hybrid.ts";
import { keepDescription, openIndex, readIndex } from "./opensearch-index.ts";
import type { ResolvedOpenSearchOptions } from "./opensearch-options.ts";
import { OpenSearchReads } from "./opensearch-reads.ts";
import type { SearchScoring } from "./search-scoring.ts";

/** Hits that one request may give, unless an index says otherwise. */
const maximumRows = 10_000;

const idsAtOnce = 1000;

/** What a hit is made of. */
const contentFields = ["id", "text", "metadata"];

/** Hits that a search asks for beyond its k: enough, mostly, to know that no further document is better. */
const margin = 10;

/** The backend of an `OpenSearchStore`. */
export class OpenSearchBackend implements StoreBackend {
  readonly name: string;
  readonly declared = true;
  // By the scores that are computed here.
  readonly ordersTies = true;
  readonly tenant: string | undefined;
  readonly capabilities: StoreCapabilities;
  private readonly engine: EngineClient<OpenSearchConnection>;
  private readonly options: ResolvedOpenSearchOptions;
  /** The alias by which the index was opened. */
  private readonly alias: string | undefined;
  /** The key of the tenant, by which documents are also routed to shards. */
  private readonly key: string | undefined;
  private readonly reads: OpenSearchReads;
  private readonly changes: OpenSearchBulk;
  private collection: CheckedCollection;

  private constructor(
    engine: EngineClient<OpenSearchConnection>,
    options: ResolvedOpenSearchOptions,
    alias: string | undefined,
    collection: CheckedCollection,
  ) {
    this.name = options.dialect.store;
    this.capabilities = {
      sparse: true,
      dense: true,
      filters: termFilterOperators,
      durable: true,
      negativeWeights: false,
      // One more tells whether the last has equals.
      maximumK: maximumRows - 1,
      countsDims: true,
      writesAtOnce: options.writesAtOnce,
      ...options.dialect.capabilities,
    };
    this.engine = engine;
    this.options = options;
    this.alias = alias;
    this.tenant = options.tenant;
    this.key = options.tenant === undefined ? undefined : tenantKey(options.tenant);
    this.reads = new OpenSearchReads(engine, options, this.key);
    this.changes = new OpenSearchBulk(engine, options);
    this.collection = collection;
  }

  static async open(
    opening: EngineOpening<OpenSearchConnection>,
    options: ResolvedOpenSearchOptions,
  ): Promise<OpenSearchBackend> {
    return EngineClient.open(opening, async (engine, client) => {
      const { collection, index } = await openIndex(client, options);
      const alias = index === options.index ? undefined : options.index;
      return new OpenSearchBackend(engine, { ...options, index }, alias, collection);
    });
  }

  get fields(): ReadonlyMap<string, ResolvedField> {
    return this.collection.fields;
  }

  async refreshFields(): Promise<void> {
    this.collection = await this.engine.attempt(undefined, (client) => readIndex(client, this.options));
  }

  async checkChange(): Promise<void> {
    if (this.alias !== undefined) await checkAlias(aliasEngine(this.engine), this.alias, this.options.index);
  }

  async keepEncoder(name: string, field: ResolvedField): Promise<void> {
    const description = withEncoder(this.collection.description, name, field);
    await this.engine.attempt(undefined, (client) => keepDescription(client, this.options, description));
    await this.refreshFields();
  }

  async hasVectors(name: string): Promise<boolean> {
    const all = new OpenSearchReads(this.engine, this.options, undefined);
    return (await all.count(hasTerm(vectorTerm(name)), undefined)) > 0;
  }

  async countDims(
    name: string,
    dims: readonly number[],
    signal: AbortSignal | undefined,
  ): Promise<DimCounts> {
    const active: number[] = [];
    // Once without dims too: how many vectors there are is asked with them.
    for (let start = 0; ; start += dimsAtOnce) {
      const asked = dims.slice(start, start + dimsAtOnce);
      const body = dimCount(this.options.dialect, this.ofName(name), this.vectorField(name), asked);
      const counts = dimCountsOf(await this.reads.answer(body, signal), asked);
      active.push(...counts.active);
      if (start + dimsAtOnce >= dims.length) return { vectors: counts.vectors, active };
    }
  }

  async write(documents: readonly CheckedDocument[], signal: AbortSignal | undefined): Promise<void> {
    const items = mapped(
      documents,
      (document): BulkItem => [
        { index: this.target(toDocumentId(document.id, this.key)) },
        toSource(document, this.fields, this.key),
      ],
    );
    await this.changes.send({ items, total: documents.length, outcome: "stored" }, signal);
  }

  async remove(ids: readonly string[], signal: AbortSignal | undefined): Promise<number> {
    const items = ids.map((id): BulkItem => [{ delete: this.target(toDocumentId(id, this.key)) }]);
    return this.changes.send({ items, total: items.length, outcome: "deleted" }, signal);
  }

  async removeMatching(node: FilterNode, signal: AbortSignal | undefined): Promise<number> {
    const items: BulkItem[] = [];
    for await (const page of this.reads.sorted("", this.condition(node), maximumRows / 2, ["key"], signal)) {
      for (const { _id } of page) items.push([{ delete: this.target(_id!) }]);
    }
    return this.changes.send({ items, total: items.length, outcome: "deleted" }, signal);
  }

  async read(
    ids: readonly string[],
    signal: AbortSignal | undefined,
  ): Promise<ReadonlyMap<string, StoredDocument>> {
    const found = new Map<string, StoredDocument>();
    for (let start = 0; start < ids.length; start += idsAtOnce) {
      const wanted = ids.slice(start, start + idsAtOnce).map((id) => toDocumentId(id, this.key));
      for (const source of await this.reads.sources(wanted, signal)) {
        const document = fromSource(source, this.fields);
        found.set(document.id, document);
      }
    }
    return found;
  }

  async count(filter: FilterNode | undefined, signal: AbortSignal | undefined): Promise<number> {
    return this.reads.count(this.condition(filter), signal);
  }

  async *pages(
    after: string,
    node: FilterNode | undefined,
    batchSize: number,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<readonly StoredDocument[], void, undefined> {
    const size = Math.min(batchSize, maximumRows);
    for await (const page of this.reads.sorted(
      after === "" ? "" : toKey(after),
      this.condition(node),
      size,
      true,
      signal,
    )) {
      yield page.map(({ _source }) => fromSource(_source!, this.fields));
    }
  }

  rankSparse(query: BackendQuery<SparseVector>): Promise<StoreHit[]> {
    return this.rank(query);
  }

  rankDense(query: BackendQuery<Float32Array>): Promise<StoreHit[]> {
    return this.rank(query);
  }

  async rankHybrid(
    queries: readonly WeightedQuery[],
    fusion: ResolvedFusion,
    k: number,
    signal: AbortSignal | undefined,
  ): Promise<StoreHit[]> {
    const scorings = queries.map((query) => this.scoringOf(query).query);
    const { body, factor, isPerShard } = this.options.dialect.fused(this, queries, scorings, fusion, k);
    const { hits, shards } = await this.reads.search({ ...body, size: k, _source: contentFields }, signal);
    checkOneShard(this, isPerShard, shards);
    return hits.map(({ _source, _score }) => ({ ...contentOf(_source!), score: _score! * factor }));
  }

  async close(): Promise<void> {
    await this.engine.close();
  }

  /** Scores of the server are rounded, and of a scale of its own: they choose the hits, ours order them. */
  private async rank(query: BackendQuery): Promise<StoreHit[]> {
    const { name, field, k, signal } = query;
    const place = this.vectorField(name);
    const scoring = this.scoringOf(query);
    for (let size = Math.min(k + margin, maximumRows); ; size = Math.min(4 * size, maximumRows)) {
      const request = { query: scoring.query, size, _source: [...contentFields, place] };
      const { hits } = await this.reads.search(request, signal);
      const scored = hits.map(({ _source, _score }) => ({
        ...contentOf(_source!),
        score: Math.fround(scoring.scoreOf(vectorOf(_source![place], field)!)),
        server: _score!,
      }));
      const best = scored.toSorted((a, b) => b.score - a.score);
      const last = best[k - 1];
      const isDecided =
        hits.length < size ||
        (last !== undefined && scoring.isBeyond(hits.at(-1)!._score!, last.score, last.server));
      if (isDecided || size >= maximumRows) return best.map(({ server: _, ...hit }) => hit);
    }
  }

  private scoringOf(query: BackendQuery): SearchScoring {
    return this.options.dialect.scoring(query, this.vectorField(query.name), this.conditions(query));
  }

  /** Finds the documents that pass. */
  private condition(node: FilterNode | undefined): OpenSearchQuery {
    const found = node === undefined ? { match_all: {} } : this.compile(node);
    const query = this.key === undefined ? found : { bool: { filter: [...this.scope, found] } };
    checkClauses(this.name, query);
    return query;
  }

  private compile(node: FilterNode): OpenSearchQuery {
    return compileFilter(node as TermFilter, this.name);
  }

  private conditions({ name, vector, filter }: BackendQuery): OpenSearchQuery[] {
    const conditions = [
      ...this.scope,
      hasTerm(vectorTerm(name)),
      ...(filter === undefined ? [] : [this.compile(filter)]),
    ];
    checkClauses(
      this.name,
      { bool: { filter: conditions } },
      vector instanceof Float32Array ? 0 : vector.activeDims,
    );
    return conditions;
  }

  /** What all documents pass that the store is to find. */
  private get scope(): OpenSearchQuery[] {
    return this.key === undefined ? [] : [ofTenant(this.key)];
  }

  /** Finds the documents with vectors of a name. */
  private ofName(name: string): OpenSearchQuery {
    return { bool: { filter: [...this.scope, hasTerm(vectorTerm(name))] } };
  }

  /** The document that an item of a bulk is about. */
  private target(_id: string): object {
    return this.key === undefined ? { _id } : { _id, routing: this.key };
  }

  private vectorField(name: string): string {
    return fieldName([...this.fields.keys()].indexOf(name));
  }
}
