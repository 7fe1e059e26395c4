import { check, checkNames, type FakeRequest, FakeServer, type Json, Refusal } from "./fake-server.ts";

interface FakeIndex {
  meta: unknown;
  readonly properties: Readonly<Record<string, { type: string; dimension?: number }>>;
  readonly documents: Map<string, Json>;
}

/** The window of the server's default configuration. */
const maximumWindow = 10_000;

/** Buckets of an aggregation, by the default of `search.max_buckets`. */
const maximumBuckets = 65_535;

/**
 * A fake of an OpenSearch cluster over HTTP: it takes the requests that OpenSearch's guides document, as far as the store
 * makes them, and refuses all others. It proves nothing of how the cluster scores or stores.
 */
export class FakeOpenSearch extends FakeServer {
  /** Refuses items of the next bulks with these statuses, by position. */
  readonly itemFailures: Record<number, number | Refusal>[] = [];
  /** Shards that failed, as the next searches and counts say. */
  readonly failedShards: number[] = [];
  /** Number of items of each bulk. */
  readonly bulks: number[] = [];
  password: string | undefined;
  /** What the cluster says that it is. */
  version: object = { number: "2.19.1", distribution: "opensearch" };
  readonly indexes = new Map<string, FakeIndex>();

  static start(): Promise<FakeOpenSearch> {
    return new FakeOpenSearch().listen();
  }

  protected success(result: unknown): unknown {
    return result;
  }

  protected failure(status: number, type: string, reason: string): Json {
    return { error: { type, reason }, status };
  }

  protected answer({ method, url, headers, body: bytes }: FakeRequest): unknown {
    const text = bytes.toString("utf8");
    if (this.password !== undefined) {
      const wanted = `Basic ${Buffer.from(`admin:${this.password}`).toString("base64")}`;
      if (headers.authorization !== wanted) throw new Refusal(401, "Unauthorized");
    }
    if (`${method} ${url.pathname}` === "GET /") return { version: this.version };
    const [, name = "", action = ""] = url.pathname.split("/");
    const call = `${method} ${action}`;
    const index = this.indexes.get(name);
    if (call === "PUT ") return this.create(name, JSON.parse(text));
    if (index === undefined) throw new Refusal(404, `no such index [${name}]`);
    switch (call) {
      case "HEAD ":
        return undefined;
      case "GET _mapping":
        return { [name]: { mappings: { _meta: index.meta, properties: index.properties } } };
      case "POST _mapping":
      case "PUT _mapping": {
        const body: unknown = JSON.parse(text);
        checkNames("mapping", body, ["_meta"]);
        index.meta = body._meta;
        return { acknowledged: true };
      }
      case "POST _bulk":
      case "PUT _bulk":
        check(["wait_for", "true", "false"].includes(url.searchParams.get("refresh") ?? ""), "refresh");
        return this.bulk(index, text);
      case "POST _mget": {
        const body: unknown = JSON.parse(text);
        checkNames("mget", body, ["ids"]);
        return {
          docs: (body.ids as string[]).map((_id) => {
            const _source = index.documents.get(_id);
            return _source === undefined ? { _id, found: false } : { _id, found: true, _source };
          }),
        };
      }
      case "POST _count": {
        const body: unknown = JSON.parse(text);
        checkNames("count", body, ["query"]);
        checkClauses(body.query);
        const count = [...index.documents.values()].filter((document) => passes(body.query, document)).length;
        return { count, _shards: { failed: this.failedShards.shift() ?? 0 } };
      }
      case "POST _search":
        return {
          timed_out: false,
          _shards: { failed: this.failedShards.shift() ?? 0 },
          ...answerOf(index, JSON.parse(text)),
        };
      default:
        throw new Refusal(405, `no such call: ${call}`);
    }
  }

  private create(name: string, body: unknown): Json {
    checkNames("index", body, ["mappings", "settings"]);
    checkNames("mappings", body.mappings, ["dynamic", "_meta", "properties"]);
    const { _meta: meta, properties } = body.mappings as {
      _meta: unknown;
      properties: FakeIndex["properties"];
    };
    for (const property of Object.values(properties)) {
      check(["keyword", "object", "rank_features", "knn_vector"].includes(property.type), property.type);
    }
    check(!this.indexes.has(name), "resource_already_exists_exception");
    this.indexes.set(name, { meta, properties, documents: new Map() });
    return { acknowledged: true, index: name };
  }

  private bulk(index: FakeIndex, text: string): Json {
    check(text.endsWith("\n"), "The bulk request must be terminated by a newline [\\n]");
    const lines = text.trimEnd().split("\n");
    const refused = this.itemFailures.shift() ?? {};
    const items: Json[] = [];
    for (let line = 0; line < lines.length; line++) {
      const action = JSON.parse(lines[line]!) as Json;
      const [kind = ""] = Object.keys(action);
      check(kind === "index" || kind === "delete", `Malformed action/metadata line [${line + 1}]`);
      checkNames(kind, action[kind], ["_id"]);
      const { _id } = action[kind] as { _id: string };
      check(Buffer.byteLength(_id) <= 512, "id is too long, must be no longer than 512 bytes");
      const source = kind === "index" ? (JSON.parse(lines[++line]!) as Json) : undefined;
      const refusal = refused[items.length];
      if (refusal !== undefined) {
        const { status, type, message } =
          typeof refusal === "number" ? new Refusal(refusal, "it was told to fail") : refusal;
        items.push({ [kind]: { _id, status, error: { type, reason: message } } });
      } else if (source !== undefined) {
        const problem = problemOf(index, source);
        if (problem === undefined) index.documents.set(_id, source);
        const outcome =
          problem === undefined
            ? { status: 201, result: "created" }
            : { status: 400, error: { type: "mapper_parsing_exception", reason: problem } };
        items.push({ index: { _id, ...outcome } });
      } else {
        const deleted = index.documents.delete(_id);
        items.push({
          delete: { _id, status: deleted ? 200 : 404, result: deleted ? "deleted" : "not_found" },
        });
      }
    }
    this.bulks.push(items.length);
    return { took: 1, errors: Object.keys(refused).length > 0, items };
  }
}

function problemOf({ properties }: FakeIndex, source: Json): string | undefined {
  for (const [name, { type, dimension }] of Object.entries(properties)) {
    const value = source[name];
    if (value === undefined) continue;
    if (type === "keyword" && [value].flat().some((one) => Buffer.byteLength(String(one)) > 32_766)) {
      const isIndexed = ["key", "terms", "bounds"].includes(name);
      if (isIndexed) return `immense term in field ${name}`;
    }
    if (type === "knn_vector" && (value as number[]).length !== dimension) return "Vector dimension mismatch";
    if (type !== "rank_features") continue;
    for (const [feature, weight] of Object.entries(value as Record<string, number>)) {
      if (feature.includes(".")) return "feature names must not contain dots";
      if (!(weight > 0)) return "rank_features fields only support strictly positive values";
    }
  }
  return undefined;
}

/** Either hits, or how many there are and how many in each bucket of an aggregation. */
function answerOf(index: FakeIndex, body: unknown): Json {
  if ((body as Json).track_total_hits === undefined) return { hits: { hits: search(index, body) } };
  checkNames("search", body, ["query", "size", "track_total_hits", "aggs"]);
  checkClauses(body.query);
  const found = [...index.documents.values()].filter((source) => passes(body.query, source));
  const hits = { total: { value: found.length, relation: "eq" }, hits: [] };
  const { dims } = (body.aggs ?? {}) as { dims?: { filters: { filters: Record<string, unknown> } } };
  if (dims === undefined) return { hits };
  const filters = Object.entries(dims.filters.filters);
  check(filters.length <= maximumBuckets, "too_many_buckets_exception");
  const buckets = filters.map(([name, query]) => [
    name,
    { doc_count: found.filter((source) => passes(query, source)).length },
  ]);
  return { hits, aggregations: { dims: { buckets: Object.fromEntries(buckets) } } };
}

function search(index: FakeIndex, body: unknown): Json[] {
  checkNames("search", body, ["query", "size", "sort", "search_after", "_source"]);
  const size = body.size as number;
  check(Number.isInteger(size) && size >= 0 && size <= maximumWindow, "Result window is too large");
  checkClauses(body.query);
  // Nothing is scored then.
  if (size === 0) return [];
  const documents = [...index.documents].filter(([, source]) => passes(body.query, source));
  const show = (_id: string, source: Json, further: Json): Json => ({
    _id,
    _source: Array.isArray(body._source)
      ? Object.fromEntries(body._source.map((name: string) => [name, source[name]]))
      : source,
    ...further,
  });
  if (body.sort !== undefined) {
    check(JSON.stringify(body.sort) === '[{"key":"asc"}]', "sort");
    const [after] = body.search_after as [string];
    const bytes = (source: Json) => Buffer.from(source.key as string);
    return documents
      .filter(([, source]) => Buffer.compare(bytes(source), Buffer.from(after)) > 0)
      .sort(([, a], [, b]) => Buffer.compare(bytes(a), bytes(b)))
      .slice(0, size)
      .map(([_id, source]) => show(_id, source, { _score: null, sort: [source.key] }));
  }
  return documents
    .map(([_id, source]) => ({ _id, source, score: Math.fround(scoreOf(index, body.query, source)) }))
    .sort((a, b) => b.score - a.score)
    .slice(0, size)
    .map(({ _id, source, score }) => show(_id, source, { _score: score }));
}

/** Refuses what the server's default configuration refuses: long lists of terms, and many clauses in a whole query. */
function checkClauses(query: unknown): void {
  check(clausesOf(query) <= 1024, "too_many_nested_clauses: Query contains too many nested clauses");
}

function clausesOf(query: unknown): number {
  const [[kind, body] = ["", undefined]] = Object.entries(query as Json);
  if (kind === "bool") {
    const parts = ["must", "filter", "should", "must_not"].flatMap((name) => (body as Json)[name] ?? []);
    return parts.reduce<number>((sum, part) => sum + clausesOf(part), 0);
  }
  if (kind === "terms") {
    const { terms } = body as { terms: string[] };
    check(
      terms.length <= 65_536,
      `The number of terms [${terms.length}] used in the Terms Query request has exceeded`,
    );
  }
  if (kind === "neural_sparse") {
    const [given] = Object.values(body as Json) as { query_tokens: Json }[];
    return Object.keys(given!.query_tokens).length;
  }
  return kind === "script_score" ? clausesOf((body as Json).query) : 1;
}

/** Whether a document is found; scores have no part in it. */
function passes(query: unknown, source: Json): boolean {
  const [[kind, body] = ["", undefined], ...others] = Object.entries(query as Json);
  check(others.length === 0, "a query has one kind");
  const keywords = (name: string) => [source[name] ?? []].flat() as string[];
  switch (kind) {
    case "match_all":
      return true;
    case "match_none":
      return false;
    case "bool": {
      checkNames("bool", body, ["must", "filter", "should", "must_not", "minimum_should_match"]);
      const {
        must = [],
        filter = [],
        should = [],
        must_not: mustNot = [],
      } = body as Record<string, unknown[]>;
      check(should.length === 0 || body.minimum_should_match === 1, "minimum_should_match");
      return (
        [...must, ...filter].every((part) => passes(part, source)) &&
        (should.length === 0 || should.some((part) => passes(part, source))) &&
        !mustNot.some((part) => passes(part, source))
      );
    }
    case "term":
      checkNames("term", body, ["terms"]);
      return keywords("terms").includes(body.terms as string);
    case "terms": {
      checkNames("terms", body, ["terms"]);
      const own = new Set(keywords("terms"));
      return (body.terms as string[]).some((term) => own.has(term));
    }
    case "range": {
      checkNames("range", body, ["bounds"]);
      checkNames("range", body.bounds, ["gt", "gte", "lt", "lte"]);
      const { gt, gte, lt, lte } = body.bounds as Record<string, string>;
      return keywords("bounds").some(
        (bound) =>
          (gt === undefined || bound > gt) &&
          (gte === undefined || bound >= gte) &&
          (lt === undefined || bound < lt) &&
          (lte === undefined || bound <= lte),
      );
    }
    case "neural_sparse": {
      const [[field, given] = ["", undefined]] = Object.entries(body as Json);
      checkNames("neural_sparse", given, ["query_tokens"]);
      const features = (source[field] ?? {}) as Json;
      return Object.keys(given.query_tokens as Json).some((token) => Object.hasOwn(features, token));
    }
    case "rank_feature": {
      checkNames("rank_feature", body, ["field", "linear"]);
      const [field = "", feature = ""] = (body.field as string).split(".");
      return Object.hasOwn((source[field] ?? {}) as Json, feature);
    }
    case "script_score":
      checkNames("script_score", body, ["query", "script"]);
      return passes(body.query, source);
    default:
      throw new Refusal(400, `unknown query [${kind}]`);
  }
}

/** Nine significant bits, as features are kept. */
function rounded(weight: number): number {
  const unit = 2 ** (Math.floor(Math.log2(weight)) - 8);
  return Math.floor(weight / unit) * unit;
}

function scoreOf({ properties }: FakeIndex, query: unknown, source: Json): number {
  const { bool, script_score: scripted } = query as {
    bool?: { must: Json[] };
    script_score?: { script: Json };
  };
  if (bool !== undefined) {
    const { neural_sparse: sparse } = bool.must[0] as {
      neural_sparse: Record<string, { query_tokens: Record<string, number> }>;
    };
    const [[field, { query_tokens: tokens }]] = Object.entries(sparse) as [
      [string, { query_tokens: Record<string, number> }],
    ];
    check(
      properties[field]?.type === "rank_features",
      "neural_sparse query only works on rank_features fields",
    );
    const features = source[field] as Record<string, number>;
    return Object.entries(tokens).reduce(
      (sum, [token, weight]) => sum + (features[token] === undefined ? 0 : weight * rounded(features[token])),
      0,
    );
  }
  checkNames("script", scripted?.script, ["lang", "source", "params"]);
  const { lang, source: name, params } = scripted.script;
  check(lang === "knn" && name === "knn_score", "script");
  checkNames("params", params, ["field", "query_value", "space_type"]);
  const {
    field,
    query_value: wanted,
    space_type: space,
  } = params as {
    field: string;
    query_value: number[];
    space_type: string;
  };
  check(properties[field]?.type === "knn_vector", "field");
  const vector = source[field] as number[];
  const product = (a: number[], b: number[]) => a.reduce((sum, value, at) => sum + value * b[at]!, 0);
  if (space === "l2") return 1 / (1 + wanted.reduce((sum, value, at) => sum + (value - vector[at]!) ** 2, 0));
  if (space === "cosinesimil") {
    return 1 + product(wanted, vector) / Math.sqrt(product(wanted, wanted) * product(vector, vector));
  }
  check(space === "innerproduct", "space_type");
  const inner = product(wanted, vector);
  return inner >= 0 ? inner + 1 : 1 / (1 - inner);
}
