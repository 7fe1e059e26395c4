import { check, checkNames, type Json, Refusal } from "../fake-server.ts";
import type { Scored } from "./fake-hybrid.ts";

/** An index of the fake. */
export interface FakeIndex {
  meta: unknown;
  readonly properties: Readonly<Record<string, { type: string; dimension?: number }>>;
  readonly documents: Map<string, Json>;
  /** Routings by `_id`, of documents that have one. */
  routings?: Map<string, string>;
}

/** What an engine has that others of its kind have not. */
export interface FakeEngine {
  /** Whether a document is found, by the name of the query. */
  readonly passes: Readonly<
    Record<string, (body: Json, source: Json, passes: (query: unknown) => boolean) => boolean>
  >;
  /** Clauses of these queries that count as more than one. */
  readonly clauses: Readonly<Record<string, (body: Json, clausesOf: (query: unknown) => number) => number>>;
  readonly score: (index: FakeIndex, query: unknown, source: Json) => number;
  /** The part of a search, beside the query, that fuses. */
  readonly fusionName: string;
  /** Hits of a fused search; undefined if it is none. */
  readonly fused: (body: Json, scored: (query: unknown) => Scored[]) => Scored[] | undefined;
}

/** The window of the server's default configuration. */
const maximumWindow = 10_000;

/** Buckets of an aggregation, by the default of `search.max_buckets`. */
const maximumBuckets = 65_535;

/** Either hits, or how many there are and how many in each bucket of an aggregation. */
export function answerOf(index: FakeIndex, body: unknown, engine: FakeEngine): Json {
  if ((body as Json).track_total_hits === undefined) return { hits: { hits: search(index, body, engine) } };
  checkNames("search", body, ["query", "size", "track_total_hits", "aggs"]);
  checkClauses(body.query, engine);
  const found = [...index.documents.values()].filter((source) => passes(body.query, source, engine));
  const hits = { total: { value: found.length, relation: "eq" }, hits: [] };
  const { dims } = (body.aggs ?? {}) as { dims?: { filters: { filters: Record<string, unknown> } } };
  if (dims === undefined) return { hits };
  const filters = Object.entries(dims.filters.filters);
  check(filters.length <= maximumBuckets, "too_many_buckets_exception");
  const buckets = filters.map(([name, query]) => [
    name,
    { doc_count: found.filter((source) => passes(query, source, engine)).length },
  ]);
  return { hits, aggregations: { dims: { buckets: Object.fromEntries(buckets) } } };
}

/** The hits of a search. */
function search(index: FakeIndex, body: unknown, engine: FakeEngine): Json[] {
  checkNames("search", body, ["query", "size", "sort", "search_after", "_source", engine.fusionName]);
  const size = body.size as number;
  check(Number.isInteger(size) && size >= 0 && size <= maximumWindow, "Result window is too large");
  if (size === 0) {
    checkClauses(body.query, engine);
    return [];
  }
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
    checkClauses(body.query, engine);
    const documents = [...index.documents].filter(([, source]) => passes(body.query, source, engine));
    const bytes = (source: Json) => Buffer.from(source.key as string);
    return documents
      .filter(([, source]) => Buffer.compare(bytes(source), Buffer.from(after)) > 0)
      .sort(([, a], [, b]) => Buffer.compare(bytes(a), bytes(b)))
      .slice(0, size)
      .map(([_id, source]) => show(_id, source, { _score: null, sort: [source.key] }));
  }
  const scored = (query: unknown) => {
    checkClauses(query, engine);
    return [...index.documents]
      .filter(([, source]) => passes(query, source, engine))
      .map(([_id, source]) => ({ _id, source, score: Math.fround(engine.score(index, query, source)) }))
      .sort((a, b) => b.score - a.score);
  };
  const hits = engine.fused(body, scored) ?? scored(body.query);
  return hits.slice(0, size).map(({ _id, source, score }) => show(_id, source, { _score: score }));
}

/** Refuses what the server's default configuration refuses: long lists of terms, and many clauses in a whole query. */
export function checkClauses(query: unknown, engine: FakeEngine): void {
  check(clausesOf(query, engine) <= 1024, "too_many_nested_clauses: Query contains too many nested clauses");
}

function clausesOf(query: unknown, engine: FakeEngine): number {
  const [[kind, body] = ["", undefined]] = Object.entries(query as Json);
  if (kind === "bool") {
    const parts = ["must", "filter", "should", "must_not"].flatMap((name) => (body as Json)[name] ?? []);
    return parts.reduce<number>((sum, part) => sum + clausesOf(part, engine), 0);
  }
  if (kind === "terms") {
    const { terms } = body as { terms: string[] };
    check(
      terms.length <= 65_536,
      `The number of terms [${terms.length}] used in the Terms Query request has exceeded`,
    );
  }
  return engine.clauses[kind]?.(body as Json, (part) => clausesOf(part, engine)) ?? 1;
}

/** Whether a document is found; scores have no part in it. */
export function passes(query: unknown, source: Json, engine: FakeEngine): boolean {
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
        [...must, ...filter].every((part) => passes(part, source, engine)) &&
        (should.length === 0 || should.some((part) => passes(part, source, engine))) &&
        !mustNot.some((part) => passes(part, source, engine))
      );
    }
    case "term": {
      const [[field = "", wanted] = []] = Object.entries(body as Json);
      check(["terms", "tenant"].includes(field), `field ${field}`);
      return keywords(field).includes(wanted as string);
    }
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
    default: {
      const own = engine.passes[kind];
      if (own === undefined) throw new Refusal(400, `unknown query [${kind}]`);
      return own(body as Json, source, (part) => passes(part, source, engine));
    }
  }
}
