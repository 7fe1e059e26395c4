import { SparseEncoderError } from "../../errors.ts";
import type { DimCounts, SparseVector } from "../../vector/index.ts";
import type { BackendQuery, StoreBackend, WeightedQuery } from "../backend.ts";
import { type CheckedCollection, withEncoder } from "../engine/collection-description.ts";
import { EngineClient, type EngineOpening } from "../engine/engine-client.ts";
import { mapped } from "../engine/engine-writes.ts";
import { type TermFilter, termFilterOperators, vectorTerm } from "../engine/metadata-terms.ts";
import type { FilterNode } from "../filter/filter-node.ts";
import type { ResolvedFusion } from "../native-fusion.ts";
import type { StoreCapabilities, StoredDocument, StoreHit } from "../store.ts";
import type { CheckedDocument } from "../store-arguments.ts";
import type { ResolvedField } from "../vector-fields.ts";
import { type BulkItem, OpenSearchBulk } from "./opensearch-bulk.ts";
import type { OpenSearchConnection, OpenSearchHit } from "./opensearch-client.ts";
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
import { checkClauses, compileFilter, hasTerm, type OpenSearchQuery } from "./opensearch-filter.ts";
import { checkOneShard } from "./opensearch-hybrid.ts";
import { keepDescription, openIndex, readIndex } from "./opensearch-index.ts";
import type { ResolvedOpenSearchOptions } from "./opensearch-options.ts";
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
  readonly capabilities: StoreCapabilities;
  private readonly engine: EngineClient<OpenSearchConnection>;
  private readonly options: ResolvedOpenSearchOptions;
  private readonly changes: OpenSearchBulk;
  private collection: CheckedCollection;

  private constructor(
    engine: EngineClient<OpenSearchConnection>,
    options: ResolvedOpenSearchOptions,
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
    this.changes = new OpenSearchBulk(engine, options);
    this.collection = collection;
  }

  static async open(
    opening: EngineOpening<OpenSearchConnection>,
    options: ResolvedOpenSearchOptions,
  ): Promise<OpenSearchBackend> {
    return EngineClient.open(
      opening,
      async (engine, client) => new OpenSearchBackend(engine, options, await openIndex(client, options)),
    );
  }

  get fields(): ReadonlyMap<string, ResolvedField> {
    return this.collection.fields;
  }

  async refreshFields(): Promise<void> {
    this.collection = await this.engine.attempt(undefined, (client) => readIndex(client, this.options));
  }

  async keepEncoder(name: string, field: ResolvedField): Promise<void> {
    const description = withEncoder(this.collection.description, name, field);
    await this.engine.attempt(undefined, (client) => keepDescription(client, this.options, description));
    await this.refreshFields();
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
      const body = dimCount(this.options.dialect, hasTerm(vectorTerm(name)), this.vectorField(name), asked);
      const answer = await this.engine.attempt(signal, (client) =>
        client.search({ index: this.options.index, body }),
      );
      this.checkWhole(answer.body);
      const counts = dimCountsOf(answer.body, asked);
      active.push(...counts.active);
      if (start + dimsAtOnce >= dims.length) return { vectors: counts.vectors, active };
    }
  }

  async write(documents: readonly CheckedDocument[], signal: AbortSignal | undefined): Promise<void> {
    const items = mapped(
      documents,
      (document): BulkItem => [
        { index: { _id: toDocumentId(document.id) } },
        toSource(document, this.fields),
      ],
    );
    await this.changes.send({ items, total: documents.length, outcome: "stored" }, signal);
  }

  async remove(ids: readonly string[], signal: AbortSignal | undefined): Promise<number> {
    const items = ids.map((id): BulkItem => [{ delete: { _id: toDocumentId(id) } }]);
    return this.changes.send({ items, total: items.length, outcome: "deleted" }, signal);
  }

  async removeMatching(node: FilterNode, signal: AbortSignal | undefined): Promise<number> {
    const items: BulkItem[] = [];
    for await (const page of this.sorted("", node, maximumRows / 2, ["key"], signal)) {
      for (const { _id } of page) items.push([{ delete: { _id } }]);
    }
    return this.changes.send({ items, total: items.length, outcome: "deleted" }, signal);
  }

  async read(
    ids: readonly string[],
    signal: AbortSignal | undefined,
  ): Promise<ReadonlyMap<string, StoredDocument>> {
    const found = new Map<string, StoredDocument>();
    for (let start = 0; start < ids.length; start += idsAtOnce) {
      const wanted = ids.slice(start, start + idsAtOnce).map(toDocumentId);
      const { body } = await this.engine.attempt(signal, (client) =>
        client.mget({ index: this.options.index, body: { ids: wanted } }),
      );
      for (const { found: isThere, _source } of body.docs) {
        if (isThere !== true || _source === undefined) continue;
        const document = fromSource(_source, this.fields);
        found.set(document.id, document);
      }
    }
    return found;
  }

  async count(filter: FilterNode | undefined, signal: AbortSignal | undefined): Promise<number> {
    const query = filter === undefined ? { match_all: {} } : this.compile(filter);
    checkClauses(this.name, query);
    const { body } = await this.engine.attempt(signal, (client) =>
      client.count({ index: this.options.index, body: { query } }),
    );
    this.checkWhole(body);
    return body.count;
  }

  async *pages(
    after: string,
    node: FilterNode | undefined,
    batchSize: number,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<readonly StoredDocument[], void, undefined> {
    const size = Math.min(batchSize, maximumRows);
    for await (const page of this.sorted(after === "" ? "" : toKey(after), node, size, true, signal)) {
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
    const { hits, shards } = await this.search({ ...body, size: k, _source: contentFields }, signal);
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
      const { hits } = await this.search(request, signal);
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

  private compile(node: FilterNode): OpenSearchQuery {
    return compileFilter(node as TermFilter, this.name);
  }

  private conditions({ name, vector, filter }: BackendQuery): OpenSearchQuery[] {
    const conditions = [hasTerm(vectorTerm(name)), ...(filter === undefined ? [] : [this.compile(filter)])];
    checkClauses(
      this.name,
      { bool: { filter: conditions } },
      vector instanceof Float32Array ? 0 : vector.activeDims,
    );
    return conditions;
  }

  private vectorField(name: string): string {
    return fieldName([...this.fields.keys()].indexOf(name));
  }

  /** Documents after a key, in its order. */
  private async *sorted(
    after: string,
    node: FilterNode | undefined,
    size: number,
    source: readonly string[] | true,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<readonly OpenSearchHit[], void, undefined> {
    const query = node === undefined ? { match_all: {} } : { bool: { filter: [this.compile(node)] } };
    checkClauses(this.name, query);
    for (let last = after; ; ) {
      const request = { query, size, sort: [{ key: "asc" }], search_after: [last], _source: source };
      const { hits: page } = await this.search(request, signal);
      if (page.length > 0) yield page;
      if (page.length < size) return;
      last = page.at(-1)!.sort![0] as string;
    }
  }

  private async search(
    body: object,
    signal: AbortSignal | undefined,
  ): Promise<{ hits: readonly OpenSearchHit[]; shards: number | undefined }> {
    const answer = await this.engine.attempt(signal, (client) =>
      client.search({ index: this.options.index, body }),
    );
    this.checkWhole(answer.body);
    return { hits: answer.body.hits.hits, shards: answer.body._shards?.total };
  }

  /** A cluster answers with what some of its shards found, as if it were all. */
  private checkWhole({
    timed_out: timedOut,
    _shards: shards,
  }: {
    timed_out?: boolean;
    _shards?: { failed?: number };
  }): void {
    if (timedOut !== true && (shards?.failed ?? 0) === 0) return;
    throw new SparseEncoderError(
      "STORE_FAILED",
      `The ${this.name} store failed: ${timedOut === true ? "the search ran out of time" : `${shards?.failed} shards did not answer`}, so the answer would be a part of it. Check the cluster's health; the call may be made again.`,
    );
  }
}
