import { check, checkNames, type FakeRequest, FakeServer, type Json, Refusal } from "../fake-server.ts";
import { ModelEngine } from "./model-engine.ts";
import type { QdrantCall, QdrantEngine } from "./qdrant-engine.ts";

interface Collection {
  /** As it was asked for. */
  readonly params: { readonly vectors: object; readonly sparse_vectors: object };
  metadata: unknown;
}

/** The limit of the server's default configuration. */
const maximumBody = 32 * 1024 * 1024;

/** Levels of objects and lists that the server's JSON parser, serde_json, goes into. */
const maximumDepth = 127;

/** Calls of collections by method and path. */
const calls: Readonly<Record<string, QdrantCall>> = {
  "PUT /points": "upsert",
  "POST /points/delete": "delete",
  "POST /points": "retrieve",
  "POST /points/count": "count",
  "POST /points/scroll": "scroll",
  "POST /points/query": "query",
  "PUT /index": "index",
};

/**
 * The HTTP shell of a Qdrant server: it takes the requests that Qdrant's API description documents, as far as the store
 * makes them, and refuses all others. What searches find comes from an engine: a model of ours, which proves nothing of how
 * Qdrant scores or stores, or Qdrant's own (`test/services/servers/edge-engine.ts`).
 *
 * What the model had wrong until it met that engine stands in docs/stores.md.
 */
export class FakeQdrant extends FakeServer {
  /** Method and path of each request. */
  readonly requests: string[] = [];
  apiKey: string | undefined;
  /** What the server says that it is. */
  version = "1.16.0";
  private readonly engine: QdrantEngine;
  /** Collections by alias. */
  private readonly aliases = new Map<string, string>();
  private readonly collections = new Map<string, Collection>();

  private constructor(engine: QdrantEngine) {
    super();
    this.engine = engine;
  }

  static start(engine: QdrantEngine = new ModelEngine()): Promise<FakeQdrant> {
    return new FakeQdrant(engine).listen();
  }

  protected success(result: unknown): Json {
    // What a server says of itself stands by itself.
    if (isVersion(result)) return result;
    return { result, status: "ok", time: 0 };
  }

  protected failure(_status: number, _type: string, message: string): Json {
    return { status: { error: message }, time: 0 };
  }

  protected async answer({ method, url, headers, body: bytes }: FakeRequest): Promise<unknown> {
    this.requests.push(`${method} ${url.pathname}`);
    if (bytes.length > maximumBody) throw new Refusal(413, "Payload too large");
    if (this.apiKey !== undefined && headers["api-key"] !== this.apiKey) {
      throw new Refusal(401, "Invalid API key");
    }
    if (`${method} ${url.pathname}` === "GET /")
      return { title: "qdrant - vector search engine", version: this.version };
    if (`${method} ${url.pathname}` === "GET /collections")
      return { collections: [...this.collections.keys()].map((name) => ({ name })) };
    if (url.pathname === "/aliases") return { aliases: this.aliasList() };
    if (url.pathname === "/collections/aliases") {
      check(method === "POST", "method");
      return this.changeAliases(JSON.parse(bytes.toString("utf8")));
    }
    const [, , given = "", ...rest] = url.pathname.split("/");
    const name = this.aliases.get(given) ?? given;
    const path = `${method} ${["", ...rest].join("/")}`;
    const body: unknown = bytes.length === 0 ? undefined : JSON.parse(bytes.toString("utf8"));
    if (depthOf(body) > maximumDepth)
      throw new Refusal(400, "Format error in JSON body: recursion limit exceeded");
    if (path === "GET /exists") return { exists: this.collections.has(name) };
    if (path === "PUT ") return this.create(name, body);
    const collection = this.collections.get(name);
    if (collection === undefined) throw new Refusal(404, `Not found: Collection \`${name}\` doesn't exist!`);
    switch (path) {
      case "GET ":
        return { status: "green", config: configOf(collection) };
      case "PATCH ":
        checkNames("change", body, ["metadata"]);
        collection.metadata = body.metadata;
        return true;
      case "DELETE ":
        // An alias is not a collection to this call.
        if (given !== name) return false;
        await this.engine.ask("drop", name, undefined);
        for (const [alias, target] of this.aliases) if (target === name) this.aliases.delete(alias);
        return this.collections.delete(name);
    }
    const call = calls[path];
    if (call === undefined) throw new Refusal(404, `no such call: ${path}`);
    checkBody(call, body);
    const result = await this.engine.ask(call, name, body);
    return result ?? { status: "completed" };
  }

  private aliasList(): Json[] {
    return Array.from(this.aliases, ([alias_name, collection_name]) => ({ alias_name, collection_name }));
  }

  /** One action after the other, without a request in between. */
  private changeAliases(body: unknown): boolean {
    checkNames("aliases", body, ["actions"]);
    for (const action of body.actions as Json[]) {
      checkNames("action", action, ["create_alias", "delete_alias"]);
      if ("delete_alias" in action) {
        checkNames("delete_alias", action.delete_alias, ["alias_name"]);
        this.aliases.delete(action.delete_alias.alias_name as string);
        continue;
      }
      checkNames("create_alias", action.create_alias, ["collection_name", "alias_name"]);
      const { collection_name: collection, alias_name: alias } = action.create_alias as Record<
        string,
        string
      >;
      if (!this.collections.has(collection!))
        throw new Refusal(404, `Not found: Collection \`${collection}\` doesn't exist!`);
      if (this.collections.has(alias!))
        throw new Refusal(409, `Collection with the same name already exists: ${alias}`);
      this.aliases.set(alias!, collection!);
    }
    return true;
  }

  private async create(name: string, body: unknown): Promise<boolean> {
    checkNames("collection", body, ["vectors", "sparse_vectors", "metadata"]);
    const {
      vectors = {},
      sparse_vectors: sparse = {},
      metadata,
    } = body as {
      vectors?: Record<string, { size: number; distance: string }> | { size: number; distance: string };
      sparse_vectors?: Record<string, { index?: Json }>;
      metadata?: unknown;
    };
    for (const vector of Object.values(namedVectors(vectors))) {
      checkNames("vector", vector, ["size", "distance"]);
      check(Number.isInteger(vector.size) && vector.size >= 1 && vector.size <= 65_536, "size");
      check(["Cosine", "Euclid", "Dot", "Manhattan"].includes(vector.distance), "distance");
    }
    for (const vector of Object.values(sparse)) {
      checkNames("sparse vector", vector, ["index"]);
      if (vector.index !== undefined)
        checkNames("index", vector.index, ["on_disk", "datatype", "full_scan_threshold"]);
    }
    if (this.collections.has(name) || this.aliases.has(name))
      throw new Refusal(409, `Collection \`${name}\` already exists!`);
    this.collections.set(name, { params: { vectors, sparse_vectors: sparse }, metadata });
    await this.engine.ask("create", name, { vectors: namedVectors(vectors), sparse_vectors: sparse });
    return true;
  }
}

function isVersion(result: unknown): result is Json {
  return typeof result === "object" && result !== null && "title" in result;
}

/** One that has no name stands by itself. */
function namedVectors(vectors: object): Record<string, { size: number; distance: string }> {
  return ("size" in vectors ? { "": vectors } : vectors) as Record<
    string,
    { size: number; distance: string }
  >;
}

function configOf({ params, metadata }: Collection): Json {
  return { params, metadata };
}

/** What the server checks before it asks its engine. */
function checkBody(call: QdrantCall, body: unknown): void {
  switch (call) {
    case "index":
      checkNames("index", body, ["field_name", "field_schema"]);
      checkSchema(body.field_schema);
      break;
    case "upsert":
      checkNames("upsert", body, ["points"]);
      check(Array.isArray(body.points), "points");
      for (const point of body.points) checkPoint(point);
      break;
    case "delete":
      checkNames("delete", body, ["points"]);
      checkIds(body.points);
      break;
    case "retrieve":
      checkNames("retrieve", body, ["ids", "with_payload", "with_vector"]);
      checkIds(body.ids);
      break;
    case "count":
      checkNames("count", body, ["exact", "filter"]);
      checkFilter(body.filter);
      break;
    case "scroll":
      checkNames("scroll", body, ["limit", "with_payload", "with_vector", "filter", "offset"]);
      checkFilter(body.filter);
      break;
    case "query":
      checkQuery(body);
      break;
  }
}

function checkPoint(point: unknown): void {
  checkNames("point", point, ["id", "vector", "payload"]);
  checkIds([point.id]);
  const { vector } = point;
  for (const one of Object.values(Array.isArray(vector) ? { "": vector } : (vector as Json)))
    checkVector(one);
}

function checkVector(vector: unknown): void {
  if (Array.isArray(vector)) {
    check(vector.every(Number.isFinite), "values");
    return;
  }
  checkNames("sparse vector", vector, ["indices", "values"]);
  const { indices, values } = vector as { indices: number[]; values: number[] };
  check(indices.length === values.length, "must be the same length as indices");
  check(new Set(indices).size === indices.length, "must be unique");
  check(
    indices.every((index) => Number.isInteger(index) && index >= 0 && index < 2 ** 32),
    "u32",
  );
  check(values.every(Number.isFinite), "values");
}

/** A name of a type, or an object of the settings of one. */
function checkSchema(schema: unknown): void {
  if (schema === "keyword" || schema === "integer") return;
  checkNames("schema", schema, ["type", "lookup", "range", "is_tenant"]);
  if (schema.type === "keyword") {
    check(schema.is_tenant === undefined || typeof schema.is_tenant === "boolean", "is_tenant");
    return;
  }
  check(schema.type === "integer" && (schema.lookup === true || schema.range === true), "schema");
}

function checkIds(ids: unknown): void {
  check(Array.isArray(ids), "ids");
  for (const id of ids) {
    const isId =
      (typeof id === "number" && Number.isSafeInteger(id) && id >= 0) ||
      (typeof id === "string" && /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/.test(id));
    check(
      isId,
      `value ${String(id)} is not a valid point ID, valid values are either an unsigned integer or a UUID`,
    );
  }
}

function checkQuery(body: unknown): void {
  check(typeof body === "object" && body !== null, "query");
  if ("prefetch" in body) checkFusion(body);
  else checkNearest(body, ["with_payload"]);
}

function checkFusion(body: unknown): void {
  checkNames("query", body, ["prefetch", "query", "limit", "with_payload"]);
  checkLimit(body.limit);
  const prefetches = body.prefetch as unknown[];
  for (const prefetch of prefetches) checkNearest(prefetch, []);
  checkNames("fusion", body.query, ["rrf", "fusion"]);
  if ("rrf" in body.query) {
    checkNames("rrf", body.query.rrf, ["k", "weights"]);
    const { k = 2, weights } = body.query.rrf as { k?: number; weights?: number[] };
    check(Number.isInteger(k) && k >= 1, "k");
    check(weights === undefined || weights.length === prefetches.length, "as many weights as prefetches");
  } else check(body.query.fusion === "dbsf", "fusion");
}

function checkNearest(body: unknown, further: readonly string[]): void {
  checkNames("query", body, ["query", "using", "limit", "filter", "params", ...further]);
  if (body.params !== undefined) checkNames("params", body.params, ["exact", "hnsw_ef"]);
  checkLimit(body.limit);
  checkVector(body.query);
  checkFilter(body.filter);
}

function checkLimit(limit: unknown): void {
  check(Number.isInteger(limit) && (limit as number) >= 1, "limit");
}

/** Conditions as the API describes them. */
function checkFilter(condition: unknown): void {
  if (condition === undefined) return;
  const one = condition as Json;
  if ("key" in one) {
    check(
      /^([\w-]+|"[^"\\]*")(\.([\w-]+|"[^"\\]*")|\[\])*$/.test(one.key as string),
      `key ${String(one.key)}`,
    );
    if ("match" in one) {
      checkNames("condition", one, ["key", "match"]);
      checkNames("match", one.match, ["value", "any"]);
      const { value, any } = one.match as { value?: unknown; any?: unknown[] };
      check(
        any !== undefined || ["string", "boolean"].includes(typeof value) || Number.isInteger(value),
        "match",
      );
      return;
    }
    checkNames("condition", one, ["key", "range"]);
    checkNames("range", one.range, ["gt", "gte", "lt", "lte"]);
    return;
  }
  if ("has_id" in one) {
    checkIds(one.has_id);
    return;
  }
  checkNames("filter", one, ["must", "should", "must_not"]);
  for (const parts of Object.values(one as Record<string, unknown[]>))
    for (const part of parts) checkFilter(part);
}

function depthOf(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  return 1 + Math.max(0, ...(Object.values(value).length < 10_000 ? Object.values(value).map(depthOf) : [1]));
}
