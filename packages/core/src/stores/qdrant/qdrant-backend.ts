import type { DimCounts, SparseVector } from "../../vector/index.ts";
import type { BackendQuery, StoreBackend, WeightedQuery } from "../backend.ts";
import type { CheckedCollection } from "../engine/collection-description.ts";
import { countDimsOf } from "../engine/dim-field.ts";
import { EngineClient } from "../engine/engine-client.ts";
import { EngineWrites, mapped } from "../engine/engine-writes.ts";
import { vectorTerm } from "../engine/metadata-terms.ts";
import { toUnitVector } from "../engine/unit-vector.ts";
import type { FilterNode } from "../filter/filter-node.ts";
import type { ResolvedFusion } from "../native-fusion.ts";
import type { StoreCapabilities, StoredDocument, StoreHit } from "../store.ts";
import { checkAlias } from "../store-alias.ts";
import type { CheckedDocument } from "../store-arguments.ts";
import { unsupported } from "../store-limits.ts";
import { tenantKey } from "../tenant.ts";
import type { ResolvedField } from "../vector-fields.ts";
import { aliasEngine, collectionOf } from "./qdrant-alias.ts";
import type { QdrantConnection } from "./qdrant-client.ts";
import { keepEncoder, openCollection, readCollection } from "./qdrant-collection.ts";
import { openingOf } from "./qdrant-connection.ts";
import { checkDepth, checkValues, hasDim, hasTerm, ofTenant, type QdrantCondition } from "./qdrant-filter.ts";
import { ownFormat, type QdrantFormat } from "./qdrant-format.ts";
import { foreignFormat, openForeign } from "./qdrant-layout.ts";
import { checkQdrantOptions, type QdrantStoreOptions, type ResolvedQdrantOptions } from "./qdrant-options.ts";
import { allOf, QdrantPointSet } from "./qdrant-point-set.ts";
import { toPoint, toPointId } from "./qdrant-points.ts";

/** Bytes of JSON and points of one request: servers take bodies of 32 MB. */
const size = { count: 1000, bytes: 1 << 24 };

/** The backend of a `QdrantStore`. */
export class QdrantBackend implements StoreBackend {
  readonly name = "qdrant";
  readonly declared = true;
  readonly ordersTies = false;
  readonly tenant: string | undefined;
  readonly capabilities: StoreCapabilities;
  private readonly engine: EngineClient<QdrantConnection>;
  private readonly options: ResolvedQdrantOptions;
  /** The alias by which the collection was opened. */
  private readonly alias: string | undefined;
  private readonly writes: EngineWrites<QdrantConnection>;
  private readonly points: QdrantPointSet;
  /** The key of the tenant, and what its documents pass. */
  private readonly key: string | undefined;
  private readonly scope: readonly QdrantCondition[];
  private readonly format: QdrantFormat;
  private collection: Omit<CheckedCollection, "description">;

  private constructor(
    engine: EngineClient<QdrantConnection>,
    options: ResolvedQdrantOptions,
    alias: string | undefined,
    collection: Omit<CheckedCollection, "description">,
    format: QdrantFormat,
  ) {
    this.collection = collection;
    this.engine = engine;
    this.options = options;
    this.alias = alias;
    this.writes = new EngineWrites(engine, options.writesAtOnce);
    this.tenant = options.tenant;
    this.key = options.tenant === undefined ? undefined : tenantKey(options.tenant);
    this.scope = this.key === undefined ? [] : [ofTenant(this.key)];
    this.points = new QdrantPointSet(engine, options.collection, this.scope);
    this.format = format;
    this.capabilities = {
      sparse: true,
      dense: true,
      filters: format.filters,
      exact: options.exact,
      durable: true,
      nativeFusions: new Set(["rrf", "dbsf"] as const),
      countsDims: collection.hasDims,
      writesAtOnce: options.writesAtOnce,
    };
  }

  static async open(options: QdrantStoreOptions): Promise<QdrantBackend> {
    const checked = checkQdrantOptions(options);
    const { layout, declared } = checked;
    const format = layout === undefined ? ownFormat : foreignFormat(layout);
    return EngineClient.open(openingOf(options, checked), async (engine, client) => {
      const collection = await collectionOf(client, checked.collection);
      const alias = collection === checked.collection ? undefined : checked.collection;
      const resolved = { ...checked, collection };
      const opened =
        layout === undefined
          ? await openCollection(client, resolved)
          : { fields: await openForeign(client, collection, declared!, format), hasDims: false };
      return new QdrantBackend(engine, resolved, alias, opened, format);
    });
  }

  get fields(): ReadonlyMap<string, ResolvedField> {
    return this.collection.fields;
  }

  async refreshFields(): Promise<void> {
    if (this.options.layout !== undefined) return;
    this.collection = await this.engine.attempt(undefined, (client) => readCollection(client, this.options));
  }

  async checkChange(): Promise<void> {
    // Collections of others are theirs to change.
    if (this.options.layout !== undefined)
      throw unsupported(this, "writes to no collection of another program.");
    if (this.alias === undefined) return;
    await checkAlias(aliasEngine(this.engine), this.alias, this.options.collection);
  }

  async keepEncoder(name: string, field: ResolvedField): Promise<void> {
    await this.engine.attempt(undefined, (client) => keepEncoder(client, this.options, name, field));
    await this.refreshFields();
  }

  async hasVectors(name: string): Promise<boolean> {
    const all = new QdrantPointSet(this.engine, this.options.collection, []);
    return (await all.count([hasTerm(vectorTerm(name))], undefined)) > 0;
  }

  countDims(name: string, dims: readonly number[], signal: AbortSignal | undefined): Promise<DimCounts> {
    return countDimsOf(
      this,
      this.collection,
      { name, dims },
      { hasTerm, hasDim, count: (condition) => this.points.count([condition], signal) },
    );
  }

  async write(documents: readonly CheckedDocument[], signal: AbortSignal | undefined): Promise<void> {
    const { hasDims } = this.collection;
    await this.writes.run(
      {
        items: mapped(documents, (document) => toPoint(document, this.fields, hasDims, this.key)),
        total: documents.length,
        size,
        outcome: "stored",
        // To store a point twice is to store it once.
        send: async (client, points, done) => {
          await client.upsert(this.options.collection, { points, wait: true });
          done(points.length);
        },
      },
      signal,
    );
  }

  async remove(ids: readonly string[], signal: AbortSignal | undefined): Promise<number> {
    const what = { with_payload: false, with_vector: false };
    const found = await this.points.retrieve(
      ids.map((id) => toPointId(id, this.key)),
      what,
      signal,
    );
    return this.points.remove(
      found.map(({ id }) => String(id)),
      signal,
    );
  }

  async removeMatching(node: FilterNode, signal: AbortSignal | undefined): Promise<number> {
    const ids: string[] = [];
    for await (const page of this.points.scroll([this.compile(node)], false, signal))
      ids.push(...page.map(({ id }) => String(id)));
    return this.points.remove(ids, signal);
  }

  async read(
    ids: readonly string[],
    signal: AbortSignal | undefined,
  ): Promise<ReadonlyMap<string, StoredDocument>> {
    const wanted = ids.map((id) => this.format.toPointId(id, this.key)).filter((id) => id !== undefined);
    const found = await this.points.retrieve(wanted, { with_payload: true, with_vector: true }, signal);
    const documents = found.map((point) => this.format.toDocument(point, this.fields));
    return new Map(documents.map((document) => [document.id, document]));
  }

  async count(node: FilterNode | undefined, signal: AbortSignal | undefined): Promise<number> {
    return this.points.count(this.conditions(node), signal);
  }

  async *pages(
    after: string,
    node: FilterNode | undefined,
    batchSize: number,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<readonly StoredDocument[], void, undefined> {
    const ids: string[] = [];
    for await (const page of this.points.scroll(this.conditions(node), this.format.idPayload, signal)) {
      for (const point of page) {
        const id = this.format.idOf(point);
        if (id > after) ids.push(id);
      }
    }
    // Without a comparison function, strings are sorted by UTF-16 code units.
    ids.sort();
    for (let start = 0; start < ids.length; start += batchSize) {
      const wanted = ids.slice(start, start + batchSize);
      const found = await this.read(wanted, signal);
      yield wanted.map((id) => found.get(id)).filter((document) => document !== undefined);
    }
  }

  rankSparse(query: BackendQuery<SparseVector>): Promise<StoreHit[]> {
    return this.rank(query, (score) => score);
  }

  rankDense(query: BackendQuery<Float32Array>): Promise<StoreHit[]> {
    return this.rank(query, isEuclidean(query) ? (score) => -score : (score) => score);
  }

  async rankHybrid(
    queries: readonly WeightedQuery[],
    { native, k: constant }: ResolvedFusion,
    k: number,
    signal: AbortSignal | undefined,
  ): Promise<StoreHit[]> {
    const weights = queries.map(({ weight }) => weight);
    const isWeighted = weights.some((weight) => weight !== 1);
    if (native === "dbsf") {
      if (isWeighted) throw unsupported(this, "takes no weights with dbsf; with rrf it does.");
      if (queries.some(isEuclidean)) {
        throw unsupported(this, "fuses no distances by dbsf; use rrf, or the metric cosine or dot.");
      }
    }
    // Its constant is one more, as it counts ranks from 0.
    const rrf = { k: constant + 1, ...(isWeighted ? { weights } : {}) };
    const request = {
      prefetch: queries.map((query) => ({
        query: toQuery(query),
        using: this.format.vectorName(query.name),
        limit: query.k,
        filter: allOf(this.conditionsOf(query)),
        params: { exact: this.options.exact },
      })),
      query: native === "rrf" ? { rrf } : { fusion: native },
      limit: k,
      with_payload: this.format.hitPayload,
    };
    const { points } = await this.engine.attempt(signal, (client) =>
      client.query(this.options.collection, request),
    );
    return points.map((point) => ({ ...this.format.contentOf(point), score: point.score! }));
  }

  async close(): Promise<void> {
    await this.engine.close();
  }

  private conditionsOf({ name, filter }: BackendQuery): QdrantCondition[] {
    const { format } = this;
    return [...this.scope, ...format.conditionsOf(name), ...this.conditions(filter)];
  }

  private conditions(filter: FilterNode | undefined): QdrantCondition[] {
    return filter === undefined ? [] : [this.compile(filter)];
  }

  private compile(filter: FilterNode): QdrantCondition {
    checkValues(filter);
    const condition = this.format.compileFilter(filter);
    checkDepth(condition);
    return condition;
  }

  private async rank(query: BackendQuery, toScore: (score: number) => number): Promise<StoreHit[]> {
    const { name, k, signal } = query;
    const request = {
      query: toQuery(query),
      using: this.format.vectorName(name),
      limit: k,
      filter: allOf(this.conditionsOf(query)),
      with_payload: this.format.hitPayload,
      params: { exact: this.options.exact },
    };
    const { points } = await this.engine.attempt(signal, (client) =>
      client.query(this.options.collection, request),
    );
    return points.map((point) => ({ ...this.format.contentOf(point), score: toScore(point.score!) }));
  }
}

function toQuery({ vector, field }: BackendQuery): unknown {
  if (vector instanceof Float32Array) {
    const isCosine = field.kind === "dense" && field.metric === "cosine";
    return Array.from(isCosine ? toUnitVector(vector) : vector);
  }
  return { indices: Array.from(vector.indices), values: Array.from(vector.values) };
}

function isEuclidean({ field }: BackendQuery): boolean {
  return field.kind === "dense" && field.metric === "euclidean";
}
