import type { SparseVector } from "../../vector/index.ts";
import type { BackendQuery, StoreBackend, WeightedQuery } from "../backend.ts";
import { EngineClient } from "../engine/engine-client.ts";
import { toRequests } from "../engine/engine-requests.ts";
import { toUnitVector } from "../engine/unit-vector.ts";
import type { FilterNode } from "../filter/filter-node.ts";
import type { ResolvedFusion } from "../native-fusion.ts";
import type { StoreCapabilities, StoredDocument, StoreHit } from "../store.ts";
import type { CheckedDocument } from "../store-arguments.ts";
import { unsupported } from "../store-limits.ts";
import type { ResolvedField } from "../vector-fields.ts";
import type { QdrantConnection, QdrantPoint } from "./qdrant-client.ts";
import { openCollection } from "./qdrant-collection.ts";
import { connect, rulesOf } from "./qdrant-connection.ts";
import { checkDepth, checkValues, type QdrantCondition } from "./qdrant-filter.ts";
import { ownFormat, type QdrantFormat } from "./qdrant-format.ts";
import { foreignFormat, openForeign } from "./qdrant-layout.ts";
import { checkQdrantOptions, type QdrantStoreOptions, type ResolvedQdrantOptions } from "./qdrant-options.ts";
import { toPoint, toPointId } from "./qdrant-points.ts";

/** Bytes of JSON and points of one request: servers take bodies of 32 MB. */
const request = { count: 1000, bytes: 1 << 24 };

/** Points that a request names or gives at once. */
const idsAtOnce = 1000;

/** The backend of a `QdrantStore`. */
export class QdrantBackend implements StoreBackend {
  readonly name = "qdrant";
  readonly declared = true;
  readonly ordersTies = false;
  readonly fields: ReadonlyMap<string, ResolvedField>;
  readonly capabilities: StoreCapabilities;
  private readonly engine: EngineClient<QdrantConnection>;
  private readonly options: ResolvedQdrantOptions;
  private readonly format: QdrantFormat;

  private constructor(
    engine: EngineClient<QdrantConnection>,
    options: ResolvedQdrantOptions,
    fields: ReadonlyMap<string, ResolvedField>,
    format: QdrantFormat,
  ) {
    this.fields = fields;
    this.engine = engine;
    this.options = options;
    this.format = format;
    this.capabilities = {
      sparse: true,
      dense: true,
      filters: format.filters,
      exact: options.exact,
      durable: true,
      nativeFusions: new Set(["rrf", "dbsf"] as const),
    };
  }

  static async open(options: QdrantStoreOptions): Promise<QdrantBackend> {
    const checked = checkQdrantOptions(options);
    const opening = {
      rules: rulesOf(checked, options.apiKey),
      client: options.client,
      connect: () => connect(options, checked),
      // The client keeps no connection that has to be ended.
      disconnect: async () => {},
    };
    const { layout, declared, collection } = checked;
    const format = layout === undefined ? ownFormat : foreignFormat(layout);
    return EngineClient.open(opening, async (engine, client) => {
      const fields = await (layout === undefined
        ? openCollection(client, checked)
        : openForeign(client, collection, declared!, format));
      return new QdrantBackend(engine, checked, fields, format);
    });
  }

  async write(documents: readonly CheckedDocument[], signal: AbortSignal | undefined): Promise<void> {
    this.checkWritable();
    const all = documents.map((document) => toPoint(document, this.fields));
    for (const points of toRequests(all, request)) {
      // To store a point twice is to store it once.
      await this.engine.attempt(signal, (client) =>
        client.upsert(this.options.collection, { points, wait: true }),
      );
    }
  }

  async remove(ids: readonly string[], signal: AbortSignal | undefined): Promise<number> {
    this.checkWritable();
    const points: string[] = [];
    for (let start = 0; start < ids.length; start += idsAtOnce) {
      const wanted = ids.slice(start, start + idsAtOnce).map(toPointId);
      const found = await this.retrieve(wanted, { with_payload: false, with_vector: false }, signal);
      points.push(...found.map(({ id }) => String(id)));
    }
    return this.removePoints(points, signal);
  }

  async removeMatching(node: FilterNode, signal: AbortSignal | undefined): Promise<number> {
    this.checkWritable();
    const points: string[] = [];
    for await (const page of this.scroll(node, false, signal))
      points.push(...page.map(({ id }) => String(id)));
    return this.removePoints(points, signal);
  }

  async read(
    ids: readonly string[],
    signal: AbortSignal | undefined,
  ): Promise<ReadonlyMap<string, StoredDocument>> {
    const found = new Map<string, StoredDocument>();
    for (let start = 0; start < ids.length; start += idsAtOnce) {
      const wanted = ids
        .slice(start, start + idsAtOnce)
        .map((id) => this.format.toPointId(id))
        .filter((id) => id !== undefined);
      for (const point of await this.retrieve(wanted, { with_payload: true, with_vector: true }, signal)) {
        const document = this.format.toDocument(point, this.fields);
        found.set(document.id, document);
      }
    }
    return found;
  }

  async count(node: FilterNode | undefined, signal: AbortSignal | undefined): Promise<number> {
    const request = {
      exact: true,
      ...(node === undefined ? {} : { filter: toFilter([this.compile(node)]) }),
    };
    return (await this.engine.attempt(signal, (client) => client.count(this.options.collection, request)))
      .count;
  }

  async *pages(
    after: string,
    node: FilterNode | undefined,
    batchSize: number,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<readonly StoredDocument[], void, undefined> {
    const ids: string[] = [];
    for await (const page of this.scroll(node, this.format.idPayload, signal)) {
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
        filter: toFilter(this.conditionsOf(query)),
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

  /** Collections of others are theirs to change. */
  private checkWritable(): void {
    if (this.options.layout !== undefined)
      throw unsupported(this, "writes to no collection of another program.");
  }

  private conditionsOf({ name, filter }: BackendQuery): QdrantCondition[] {
    const { format } = this;
    return [...format.conditionsOf(name), ...(filter === undefined ? [] : [this.compile(filter)])];
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
      filter: toFilter(this.conditionsOf(query)),
      with_payload: this.format.hitPayload,
      params: { exact: this.options.exact },
    };
    const { points } = await this.engine.attempt(signal, (client) =>
      client.query(this.options.collection, request),
    );
    return points.map((point) => ({ ...this.format.contentOf(point), score: toScore(point.score!) }));
  }

  private retrieve(
    ids: readonly (string | number)[],
    what: { with_payload: boolean; with_vector: boolean },
    signal: AbortSignal | undefined,
  ): Promise<QdrantPoint[]> {
    return this.engine.attempt(signal, (client) =>
      client.retrieve(this.options.collection, { ids, ...what }),
    );
  }

  private async *scroll(
    node: FilterNode | undefined,
    payload: readonly string[] | false,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<readonly QdrantPoint[], void, undefined> {
    for (let offset: unknown; ; ) {
      const request = {
        limit: idsAtOnce,
        with_payload: payload,
        with_vector: false,
        ...(node === undefined ? {} : { filter: toFilter([this.compile(node)]) }),
        ...(offset === undefined ? {} : { offset }),
      };
      const page = await this.engine.attempt(signal, (client) =>
        client.scroll(this.options.collection, request),
      );
      yield page.points;
      if (page.next_page_offset === undefined || page.next_page_offset === null) return;
      offset = page.next_page_offset;
    }
  }

  private async removePoints(points: readonly string[], signal: AbortSignal | undefined): Promise<number> {
    for (let start = 0; start < points.length; start += idsAtOnce) {
      const request = { points: points.slice(start, start + idsAtOnce), wait: true };
      await this.engine.attempt(signal, (client) => client.delete(this.options.collection, request));
    }
    return points.length;
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

function toFilter(conditions: readonly QdrantCondition[]): object {
  return { must: conditions };
}
