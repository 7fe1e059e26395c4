import { SparseEncoderError } from "../../errors.ts";
import type { DimCounts, SparseVector } from "../../vector/index.ts";
import type { BackendQuery, StoreBackend } from "../backend.ts";
import { type CheckedCollection, withEncoder } from "../engine/collection-description.ts";
import { EngineClient } from "../engine/engine-client.ts";
import { type TermFilter, termFilterOperators, vectorTerm } from "../engine/metadata-terms.ts";
import type { FilterNode } from "../filter/filter-node.ts";
import type { DenseMetric, StoreCapabilities, StoredDocument, StoreHit } from "../store.ts";
import type { CheckedDocument } from "../store-arguments.ts";
import type { ResolvedField } from "../vector-fields.ts";
import { denseScore } from "./dense-score.ts";
import { type BulkItem, OpenSearchBulk } from "./opensearch-bulk.ts";
import type { OpenSearchConnection, OpenSearchHit } from "./opensearch-client.ts";
import { connect, rulesOf } from "./opensearch-connection.ts";
import { dimCount, dimCountsOf, dimsAtOnce } from "./opensearch-dims.ts";
import {
  contentOf,
  fromSource,
  toDocumentId,
  toFeatures,
  toKey,
  toSource,
  vectorOf,
} from "./opensearch-documents.ts";
import { checkClauses, compileFilter, hasTerm, type OpenSearchQuery } from "./opensearch-filter.ts";
import { fieldName, keepDescription, openIndex, readIndex } from "./opensearch-index.ts";
import {
  checkOpenSearchOptions,
  type OpenSearchStoreOptions,
  type ResolvedOpenSearchOptions,
} from "./opensearch-options.ts";

/** Hits that one request may give, unless an index says otherwise. */
const maximumRows = 10_000;

const idsAtOnce = 1000;

const spaces: Readonly<Record<DenseMetric, string>> = {
  cosine: "cosinesimil",
  dot: "innerproduct",
  euclidean: "l2",
};

/** The backend of an `OpenSearchStore`. */
export class OpenSearchBackend implements StoreBackend {
  readonly name = "opensearch";
  readonly declared = true;
  // By the scores that are computed here.
  readonly ordersTies = true;
  readonly capabilities: StoreCapabilities = {
    sparse: true,
    dense: true,
    filters: termFilterOperators,
    exact: false,
    durable: true,
    negativeWeights: false,
    // One more tells whether the last has equals.
    maximumK: maximumRows - 1,
    countsDims: true,
  };
  private readonly engine: EngineClient<OpenSearchConnection>;
  private readonly options: ResolvedOpenSearchOptions;
  private readonly changes: OpenSearchBulk;
  private collection: CheckedCollection;

  private constructor(
    engine: EngineClient<OpenSearchConnection>,
    options: ResolvedOpenSearchOptions,
    collection: CheckedCollection,
  ) {
    this.engine = engine;
    this.options = options;
    this.changes = new OpenSearchBulk(engine, options);
    this.collection = collection;
  }

  static async open(options: OpenSearchStoreOptions): Promise<OpenSearchBackend> {
    const checked = checkOpenSearchOptions(options);
    const opening = {
      rules: rulesOf(checked, options.auth?.password),
      client: options.client,
      connect: () => connect(options, checked),
      disconnect: (client: OpenSearchConnection) => client.close(),
    };
    return EngineClient.open(
      opening,
      async (engine, client) => new OpenSearchBackend(engine, checked, await openIndex(client, checked)),
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
      const body = dimCount(hasTerm(vectorTerm(name)), this.vectorField(name), asked);
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
    const items = documents.map(
      (document): BulkItem => [
        { index: { _id: toDocumentId(document.id) } },
        toSource(document, this.fields),
      ],
    );
    await this.changes.send(items, signal);
  }

  async remove(ids: readonly string[], signal: AbortSignal | undefined): Promise<number> {
    return this.changes.send(
      ids.map((id): BulkItem => [{ delete: { _id: toDocumentId(id) } }]),
      signal,
    );
  }

  async removeMatching(node: FilterNode, signal: AbortSignal | undefined): Promise<number> {
    const items: BulkItem[] = [];
    for await (const page of this.sorted("", node, maximumRows / 2, ["key"], signal)) {
      for (const { _id } of page) items.push([{ delete: { _id } }]);
    }
    return this.changes.send(items, signal);
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
    const query = filter === undefined ? { match_all: {} } : compileFilter(filter as TermFilter);
    checkClauses(query);
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
    const place = this.vectorField(query.name);
    const scoring = { neural_sparse: { [place]: { query_tokens: toFeatures(query.vector) } } };
    return this.rank(query, { bool: { must: [scoring], filter: this.conditions(query) } }, (vector) =>
      query.vector.dot(vector as SparseVector),
    );
  }

  rankDense(query: BackendQuery<Float32Array>): Promise<StoreHit[]> {
    const { field } = query;
    const metric = field.kind === "dense" ? field.metric : "cosine";
    const script = {
      lang: "knn",
      source: "knn_score",
      params: {
        field: this.vectorField(query.name),
        query_value: Array.from(query.vector),
        space_type: spaces[metric],
      },
    };
    const scored = { script_score: { query: { bool: { filter: this.conditions(query) } }, script } };
    return this.rank(query, scored, (vector) => denseScore(query.vector, vector as Float32Array, metric));
  }

  async close(): Promise<void> {
    await this.engine.close();
  }

  /** Scores of the server are rounded, and of a scale of its own: they choose the hits, ours order them. */
  private async rank(
    { name, field, k, signal }: BackendQuery,
    query: OpenSearchQuery,
    scoreOf: (vector: SparseVector | Float32Array) => number,
  ): Promise<StoreHit[]> {
    const place = this.vectorField(name);
    for (let size = k + 1; ; size = Math.min(4 * size, maximumRows)) {
      const hits = await this.search({ query, size, _source: ["id", "text", "metadata", place] }, signal);
      const isDecided = hits.length < size || hits[k - 1]!._score! > hits.at(-1)!._score!;
      if (!isDecided && size < maximumRows) continue;
      return hits.map(({ _source }) => ({
        ...contentOf(_source!),
        score: Math.fround(scoreOf(vectorOf(_source![place], field)!)),
      }));
    }
  }

  private conditions({ name, vector, filter }: BackendQuery): OpenSearchQuery[] {
    const conditions = [
      hasTerm(vectorTerm(name)),
      ...(filter === undefined ? [] : [compileFilter(filter as TermFilter)]),
    ];
    checkClauses({ bool: { filter: conditions } }, vector instanceof Float32Array ? 0 : vector.activeDims);
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
    const query =
      node === undefined ? { match_all: {} } : { bool: { filter: [compileFilter(node as TermFilter)] } };
    checkClauses(query);
    for (let last = after; ; ) {
      const request = { query, size, sort: [{ key: "asc" }], search_after: [last], _source: source };
      const page = await this.search(request, signal);
      if (page.length > 0) yield page;
      if (page.length < size) return;
      last = page.at(-1)!.sort![0] as string;
    }
  }

  private async search(body: object, signal: AbortSignal | undefined): Promise<readonly OpenSearchHit[]> {
    const answer = await this.engine.attempt(signal, (client) =>
      client.search({ index: this.options.index, body }),
    );
    this.checkWhole(answer.body);
    return answer.body.hits.hits;
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
      `The opensearch store failed: ${timedOut === true ? "the search ran out of time" : `${shards?.failed} shards did not answer`}, so the answer would be a part of it. Check the cluster's health; the call may be made again.`,
    );
  }
}
