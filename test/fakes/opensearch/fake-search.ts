import { check, checkNames, type Json, Refusal } from "../fake-server.ts";
import { hybridHits } from "./fake-hybrid.ts";

/** An index of the fake. */
export interface FakeIndex {
  meta: unknown;
  readonly properties: Readonly<Record<string, { type: string; dimension?: number }>>;
  readonly documents: Map<string, Json>;
}

/** The window of the server's default configuration. */
const maximumWindow = 10_000;

/** Buckets of an aggregation, by the default of `search.max_buckets`. */
const maximumBuckets = 65_535;

/** Either hits, or how many there are and how many in each bucket of an aggregation. */
export function answerOf(index: FakeIndex, body: unknown): Json {
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

/** The hits of a search. */
function search(index: FakeIndex, body: unknown): Json[] {
  checkNames("search", body, ["query", "size", "sort", "search_after", "_source", "search_pipeline"]);
  const size = body.size as number;
  check(Number.isInteger(size) && size >= 0 && size <= maximumWindow, "Result window is too large");
  checkClauses(body.query);
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
  const scored = (query: unknown) =>
    [...index.documents]
      .filter(([, source]) => passes(query, source))
      .map(([_id, source]) => ({ _id, source, score: Math.fround(scoreOf(index, query, source)) }))
      .sort((a, b) => b.score - a.score);
  const isHybrid = Object.hasOwn(body.query as Json, "hybrid");
  const hits = isHybrid ? hybridHits(body, scored) : scored(body.query);
  return hits.slice(0, size).map(({ _id, source, score }) => show(_id, source, { _score: score }));
}

/** Refuses what the server's default configuration refuses: long lists of terms, and many clauses in a whole query. */
export function checkClauses(query: unknown): void {
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
  if (kind === "hybrid") {
    return (body as { queries: unknown[] }).queries.reduce<number>((sum, part) => sum + clausesOf(part), 0);
  }
  return kind === "script_score" ? clausesOf((body as Json).query) : 1;
}

/** Whether a document is found; scores have no part in it. */
export function passes(query: unknown, source: Json): boolean {
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
    case "hybrid":
      return (body as { queries: unknown[] }).queries.some((part) => passes(part, source));
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
    for (const weight of Object.values(tokens)) {
      check(weight > 0 && weight <= 64, `weight must be in (0, 64.0], got: ${weight}`);
    }
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
