import { check, checkNames, type FakeRequest, FakeServer, type Json, Refusal } from "./fake-server.ts";

interface Point {
  readonly id: PointId;
  readonly vector: Readonly<Record<string, number[] | { indices: number[]; values: number[] }>>;
  readonly payload: Json;
}

type PointId = string | number;

interface FakeCollection {
  readonly vectors: Readonly<Record<string, { size: number; distance: string }>>;
  readonly sparse: ReadonlySet<string>;
  metadata: unknown;
  readonly points: Map<PointId, Point>;
}

/** The limit of the server's default configuration. */
const maximumBody = 32 * 1024 * 1024;

/** Levels of objects and lists that the server's JSON parser, serde_json, goes into. */
const maximumDepth = 127;

/**
 * A fake of a Qdrant server over HTTP: it takes the requests that Qdrant's API description documents, as far as the store
 * makes them, and refuses all others. It proves nothing of how the server scores or stores.
 */
export class FakeQdrant extends FakeServer {
  /** Method and path of each request. */
  readonly requests: string[] = [];
  apiKey: string | undefined;
  readonly collections = new Map<string, FakeCollection>();

  static start(): Promise<FakeQdrant> {
    return new FakeQdrant().listen();
  }

  protected success(result: unknown): Json {
    return { result, status: "ok", time: 0 };
  }

  protected failure(_status: number, _type: string, message: string): Json {
    return { status: { error: message }, time: 0 };
  }

  protected answer({ method, url, headers, body: bytes }: FakeRequest): unknown {
    this.requests.push(`${method} ${url.pathname}`);
    if (bytes.length > maximumBody) throw new Refusal(413, "Payload too large");
    if (this.apiKey !== undefined && headers["api-key"] !== this.apiKey) {
      throw new Refusal(401, "Invalid API key");
    }
    const [, , name = "", ...rest] = url.pathname.split("/");
    const call = `${method} ${["", ...rest].join("/")}`;
    const body: unknown = bytes.length === 0 ? undefined : JSON.parse(bytes.toString("utf8"));
    if (depthOf(body) > maximumDepth)
      throw new Refusal(400, "Format error in JSON body: recursion limit exceeded");
    if (call === "GET /exists") return { exists: this.collections.has(name) };
    if (call === "PUT ") return this.create(name, body);
    const collection = this.collections.get(name);
    if (collection === undefined) throw new Refusal(404, `Not found: Collection \`${name}\` doesn't exist!`);
    switch (call) {
      case "GET ":
        return { status: "green", config: configOf(collection) };
      case "PATCH ":
        checkNames("change", body, ["metadata"]);
        collection.metadata = body.metadata;
        return true;
      case "PUT /index":
        checkNames("index", body, ["field_name", "field_schema"]);
        return { status: "completed" };
      case "PUT /points":
        return this.upsert(collection, body);
      case "POST /points/delete":
        checkNames("delete", body, ["points"]);
        for (const id of checkIds(body.points)) collection.points.delete(id);
        return { status: "completed" };
      case "POST /points":
        checkNames("retrieve", body, ["ids", "with_payload", "with_vector"]);
        return checkIds(body.ids)
          .map((id) => collection.points.get(id))
          .filter((point) => point !== undefined)
          .map((point) => show(point, body));
      case "POST /points/count":
        checkNames("count", body, ["exact", "filter"]);
        return { count: matching(collection, body.filter).length };
      case "POST /points/scroll":
        return scroll(collection, body);
      case "POST /points/query":
        return { points: query(collection, body) };
      default:
        throw new Refusal(404, `no such call: ${call}`);
    }
  }

  private create(name: string, body: unknown): boolean {
    checkNames("collection", body, ["vectors", "sparse_vectors", "metadata"]);
    const {
      vectors = {},
      sparse_vectors: sparse = {},
      metadata,
    } = body as {
      vectors?: Record<string, { size: number; distance: string }>;
      sparse_vectors?: Record<string, { index?: Json }>;
      metadata?: unknown;
    };
    for (const vector of Object.values(vectors)) {
      checkNames("vector", vector, ["size", "distance"]);
      check(Number.isInteger(vector.size) && vector.size >= 1 && vector.size <= 65_536, "size");
      check(["Cosine", "Euclid", "Dot", "Manhattan"].includes(vector.distance), "distance");
    }
    for (const vector of Object.values(sparse)) {
      checkNames("sparse vector", vector, ["index"]);
      checkNames("index", vector.index, ["on_disk", "datatype", "full_scan_threshold"]);
    }
    if (this.collections.has(name)) throw new Refusal(409, `Collection \`${name}\` already exists!`);
    this.collections.set(name, {
      vectors,
      sparse: new Set(Object.keys(sparse)),
      metadata,
      points: new Map(),
    });
    return true;
  }

  private upsert(collection: FakeCollection, body: unknown): Json {
    checkNames("upsert", body, ["points"]);
    check(Array.isArray(body.points), "points");
    const points = body.points.map((given: unknown): Point => {
      checkNames("point", given, ["id", "vector", "payload"]);
      const [id] = checkIds([given.id]);
      const vector: Record<string, Point["vector"][string]> = {};
      for (const [name, value] of Object.entries(given.vector as Json)) {
        vector[name] = stored(collection, name, value);
      }
      return { id: id!, vector, payload: given.payload as Json };
    });
    for (const point of points) collection.points.set(point.id, point);
    return { status: "completed" };
  }
}

function stored(collection: FakeCollection, name: string, value: unknown): Point["vector"][string] {
  if (collection.sparse.has(name)) {
    checkNames("sparse vector", value, ["indices", "values"]);
    const { indices, values } = value as { indices: number[]; values: number[] };
    check(indices.length === values.length, "must be the same length as indices");
    check(new Set(indices).size === indices.length, "must be unique");
    check(
      indices.every((index) => Number.isInteger(index) && index >= 0 && index < 2 ** 32),
      "u32",
    );
    check(values.every(Number.isFinite), "values");
    return { indices, values: values.map(Math.fround) };
  }
  const params = collection.vectors[name];
  if (params === undefined) throw new Refusal(400, `Not existing vector name error: ${name}`);
  const vector = value as number[];
  if (vector.length !== params.size) throw new Refusal(400, "Vector dimension error");
  if (params.distance !== "Cosine") return vector.map(Math.fround);
  const length = Math.hypot(...vector);
  return vector.map((one) => Math.fround(one / length));
}

/** One that has no name stands by itself. */
function configOf({ vectors, sparse, metadata }: FakeCollection): Json {
  return {
    params: {
      vectors: vectors[""] ?? vectors,
      sparse_vectors: Object.fromEntries([...sparse].map((name) => [name, {}])),
    },
    metadata,
  };
}

function checkIds(ids: unknown): PointId[] {
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
  return ids as PointId[];
}

function show({ id, vector, payload }: Point, what: Json): Json {
  const { with_payload: wanted, with_vector: withVector } = what;
  check(typeof withVector === "boolean" || withVector === undefined, "with_vector");
  const shown = Array.isArray(wanted)
    ? Object.fromEntries(wanted.map((name: string) => [name, payload[name]]))
    : wanted === true
      ? payload
      : null;
  const isAlone = Object.keys(vector).join() === "";
  return {
    id,
    payload: shown,
    ...(withVector === true ? { vector: isAlone ? (vector[""] ?? {}) : vector } : {}),
  };
}

function matching(collection: FakeCollection, filter: unknown): Point[] {
  return [...collection.points.values()].filter((point) => filter === undefined || passes(filter, point));
}

function scroll(collection: FakeCollection, body: unknown): Json {
  checkNames("scroll", body, ["limit", "with_payload", "with_vector", "filter", "offset"]);
  const limit = body.limit as number;
  const points = matching(collection, body.filter)
    .filter(({ id }) => body.offset === undefined || id >= (body.offset as PointId))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  return {
    points: points.slice(0, limit).map((point) => show(point, body)),
    next_page_offset: points[limit]?.id ?? null,
  };
}

interface Scored {
  readonly point: Point;
  readonly score: number;
}

function query(collection: FakeCollection, body: unknown): Json[] {
  check(typeof body === "object" && body !== null, "query");
  const hits = "prefetch" in body ? fused(collection, body) : nearest(collection, body, ["with_payload"]);
  const { with_payload } = body as Json;
  return hits.map(({ point, score }) => ({ ...show(point, { with_payload }), version: 0, score }));
}

function fused(collection: FakeCollection, body: object): Scored[] {
  checkNames("query", body, ["prefetch", "query", "limit", "with_payload"]);
  check(Number.isInteger(body.limit) && (body.limit as number) >= 1, "limit");
  const lists = (body.prefetch as unknown[]).map((prefetch) => nearest(collection, prefetch, []));
  const scores = new Map<Point, number>();
  const add = (point: Point, score: number) => scores.set(point, (scores.get(point) ?? 0) + score);
  checkNames("fusion", body.query, ["rrf", "fusion"]);
  if ("rrf" in body.query) {
    checkNames("rrf", body.query.rrf, ["k", "weights"]);
    const { k = 2, weights } = body.query.rrf as { k?: number; weights?: number[] };
    check(Number.isInteger(k) && k >= 1, "k");
    check(weights === undefined || weights.length === lists.length, "as many weights as prefetches");
    for (const [number, list] of lists.entries()) {
      for (const [position, { point }] of list.entries()) {
        add(point, 1 / ((position + 1) / (weights?.[number] ?? 1) + k - 1));
      }
    }
  } else {
    check(body.query.fusion === "dbsf", "fusion");
    for (const list of lists) {
      const mean = list.reduce((sum, { score }) => sum + score, 0) / list.length;
      const variance = list.reduce((sum, { score }) => sum + (score - mean) ** 2, 0) / (list.length - 1);
      const low = mean - 3 * Math.sqrt(variance);
      const high = mean + 3 * Math.sqrt(variance);
      for (const { point, score } of list) add(point, high === low ? 0.5 : (score - low) / (high - low));
    }
  }
  return [...scores]
    .map(([point, score]) => ({ point, score: Math.fround(score) }))
    .sort((a, b) => b.score - a.score)
    .slice(0, body.limit as number);
}

function nearest(collection: FakeCollection, body: unknown, further: readonly string[]): Scored[] {
  checkNames("query", body, ["query", "using", "limit", "filter", "params", ...further]);
  checkNames("params", body.params, ["exact", "hnsw_ef"]);
  const name = body.using as string;
  const limit = body.limit as number;
  check(Number.isInteger(limit) && limit >= 1, "limit");
  const wanted = stored(collection, name, body.query);
  const isEuclidean = collection.vectors[name]?.distance === "Euclid";
  const hits: Scored[] = [];
  for (const point of matching(collection, body.filter)) {
    const vector = point.vector[name];
    if (vector === undefined) continue;
    const score = scoreOf(wanted, vector, isEuclidean);
    if (score !== undefined) hits.push({ point, score: Math.fround(score) });
  }
  hits.sort((a, b) => (isEuclidean ? a.score - b.score : b.score - a.score));
  return hits.slice(0, limit);
}

function scoreOf(
  a: Point["vector"][string],
  b: Point["vector"][string],
  isEuclidean: boolean,
): number | undefined {
  if (Array.isArray(a) && Array.isArray(b)) {
    return isEuclidean
      ? Math.hypot(...a.map((value, position) => value - b[position]!))
      : a.reduce((sum, value, position) => sum + value * b[position]!, 0);
  }
  if (Array.isArray(a) || Array.isArray(b)) return undefined;
  const weights = new Map(b.indices.map((index, position) => [index, b.values[position]!]));
  const shared = a.indices.flatMap((index, position) =>
    weights.has(index) ? [a.values[position]! * weights.get(index)!] : [],
  );
  return shared.length === 0 ? undefined : shared.reduce((sum, part) => sum + part, 0);
}

/** Conditions as the API describes them: a key leads through objects, and looks into arrays at its end. */
function passes(condition: unknown, point: Point): boolean {
  const one = condition as Json;
  if ("key" in one) {
    const key = one.key as string;
    check(/^([\w-]+|"[^"]+")(\.([\w-]+|"[^"]+"))*$/.test(key), `key ${key}`);
    let value: unknown = point.payload;
    for (const [name] of key.matchAll(/[\w-]+|"[^"]+"/g)) {
      value = (value as Json | undefined)?.[name.replaceAll('"', "")];
    }
    const values = Array.isArray(value) ? value : [value];
    if ("match" in one) {
      checkNames("condition", one, ["key", "match"]);
      checkNames("match", one.match, ["value", "any"]);
      const { value: wanted, any } = one.match as { value?: unknown; any?: unknown[] };
      check(any !== undefined || ["string", "boolean"].includes(typeof wanted), "match");
      return values.some((found) => (any === undefined ? found === wanted : any.includes(found)));
    }
    checkNames("condition", one, ["key", "range"]);
    checkNames("range", one.range, ["gt", "gte", "lt", "lte"]);
    const { gt, gte, lt, lte } = one.range as Record<string, number | undefined>;
    return values.some(
      (found) =>
        typeof found === "number" &&
        (gt === undefined || found > gt) &&
        (gte === undefined || found >= gte) &&
        (lt === undefined || found < lt) &&
        (lte === undefined || found <= lte),
    );
  }
  if ("has_id" in one) return checkIds(one.has_id).includes(point.id);
  checkNames("filter", one, ["must", "should", "must_not"]);
  const { must = [], should, must_not: mustNot = [] } = one as Record<string, unknown[]>;
  return (
    must.every((part) => passes(part, point)) &&
    (should === undefined || should.length === 0 || should.some((part) => passes(part, point))) &&
    !mustNot.some((part) => passes(part, point))
  );
}

function depthOf(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  return 1 + Math.max(0, ...(Object.values(value).length < 10_000 ? Object.values(value).map(depthOf) : [1]));
}
