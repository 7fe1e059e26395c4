import { check, checkNames, type Json } from "../fake-server.ts";
import type { Scored } from "../opensearch/fake-hybrid.ts";
import type { FakeEngine, FakeIndex } from "../opensearch/fake-search.ts";
import { rounded } from "../opensearch/open-search-engine.ts";

type Features = Readonly<Record<string, number>>;

/** Queries and scores of Elasticsearch, as its documentation has them. */
export const elasticsearchEngine: FakeEngine = {
  passes: {
    sparse_vector: (body, source) => {
      checkNames("sparse_vector", body, ["field", "query_vector", "prune"]);
      // Without it the index decides, and leaves out tokens.
      check(body.prune === false, "this fake cannot prune");
      const features = (source[body.field as string] ?? {}) as Json;
      return Object.keys(body.query_vector as Json).some((token) => Object.hasOwn(features, token));
    },
    script_score: (body, _, passes) => {
      checkNames("script_score", body, ["query", "script"]);
      return passes(body.query);
    },
    knn: (body, source, passes) => {
      checkNames("knn", body, ["field", "query_vector", "num_candidates", "filter"]);
      const candidates = body.num_candidates as number;
      check(candidates >= 1 && candidates <= 10_000, "[num_candidates] cannot exceed [10000]");
      const filters = body.filter as unknown[];
      return source[body.field as string] !== undefined && filters.every(passes);
    },
  },
  clauses: {
    sparse_vector: ({ query_vector: tokens }) => Object.keys(tokens as Json).length,
    script_score: (body, clausesOf) => clausesOf(body.query),
    knn: (body, clausesOf) =>
      (body.filter as unknown[]).reduce<number>((sum, part) => sum + clausesOf(part), 1),
  },
  score: scoreOf,
  fusionName: "retriever",
  fused: ({ retriever, size, query }, scored) => {
    if (retriever === undefined) return undefined;
    check(query === undefined, "[retriever] cannot be used with [query]");
    return rankFusion(retriever as Json, size as number, scored);
  },
};

function rankFusion(retriever: Json, size: number, scored: (query: unknown) => Scored[]): Scored[] {
  checkNames("retriever", retriever, ["rrf"]);
  checkNames("rrf", retriever.rrf, ["retrievers", "rank_constant", "rank_window_size"]);
  const {
    retrievers,
    rank_constant: constant,
    rank_window_size: window,
  } = retriever.rrf as {
    retrievers: Json[];
    rank_constant: number;
    rank_window_size: number;
  };
  check(retrievers.length >= 2, "[rrf] requires at least two retrievers");
  check(constant >= 1, "[rank_constant] must be greater or equal to [1] for [rrf]");
  check(window >= size, "[rank_window_size] must be greater than or equal to [size]");
  const fused = new Map<string, Scored>();
  for (const child of retrievers) {
    checkNames("retriever", child, ["standard"]);
    checkNames("standard", child.standard, ["query"]);
    for (const [position, { _id, source }] of scored(child.standard.query).slice(0, window).entries()) {
      const score = (fused.get(_id)?.score ?? 0) + 1 / (constant + position + 1);
      fused.set(_id, { _id, source, score });
    }
  }
  return [...fused.values()]
    .map((hit) => ({ ...hit, score: Math.fround(hit.score) }))
    .sort((a, b) => b.score - a.score);
}

function scoreOf(index: FakeIndex, query: unknown, source: Json): number {
  const [[kind = "", body]] = Object.entries(query as Record<string, Json>) as [[string, Json]];
  switch (kind) {
    case "bool":
      return scoreOf(index, (body.must as unknown[])[0], source);
    case "sparse_vector":
      return sparseScore(index, body, source);
    case "script_score":
      return scriptScore(index, body.script, source);
    default:
      check(kind === "knn", `score of ${kind}`);
      return knnScore(index, body, source);
  }
}

function sparseScore({ properties }: FakeIndex, body: Json, source: Json): number {
  check(properties[body.field as string]?.type === "sparse_vector", "[sparse_vector] field type");
  const features = source[body.field as string] as Features;
  let sum = 0;
  for (const [token, weight] of Object.entries(body.query_vector as Features)) {
    check(weight > 0 && weight <= 64, `weight must be in (0, 64.0], got: ${weight}`);
    if (features[token] !== undefined) sum += weight * rounded(features[token]);
  }
  return sum;
}

const functions = ["cosineSimilarity", "dotProduct", "l2norm"] as const;

/** The scripts that Elastic documents for vectors, read by what they call. */
function scriptScore({ properties }: FakeIndex, script: unknown, source: Json): number {
  checkNames("script", script, ["source", "params"]);
  checkNames("params", script.params, ["query_vector"]);
  const text = script.source as string;
  const found = /(\w+)\(params\.query_vector, '(\w+)'\)/.exec(text);
  const [name, field] = (found?.slice(1) ?? []) as [(typeof functions)[number], string];
  check(functions.includes(name), `unknown function in ${text}`);
  check(properties[field]?.type === "dense_vector", "field");
  const value = vectorFunctions[name](script.params.query_vector as number[], source[field] as number[]);
  switch (text.replace(found![0], "x")) {
    case "x + 1.0":
      return value + 1;
    case "1 / (1 + x)":
      return 1 / (1 + value);
    default:
      check(
        text.replace(found![0], "x") ===
          "double product = x; return product < 0 ? 1 / (1 - product) : product + 1;",
        text,
      );
      return value < 0 ? 1 / (1 - value) : value + 1;
  }
}

const product = (a: number[], b: number[]) => a.reduce((sum, value, at) => sum + value * b[at]!, 0);

const vectorFunctions: Record<(typeof functions)[number], (a: number[], b: number[]) => number> = {
  cosineSimilarity: (a, b) => product(a, b) / Math.sqrt(product(a, a) * product(b, b)),
  dotProduct: product,
  l2norm: (a, b) => Math.sqrt(a.reduce((sum, value, at) => sum + (value - b[at]!) ** 2, 0)),
};

/** Scores of a graph, by its similarity. This fake looks at all vectors. */
function knnScore({ properties }: FakeIndex, body: Json, source: Json): number {
  const property = properties[body.field as string] as Json | undefined;
  check(
    property?.index === true,
    "to perform knn search on field, its mapping must have [index] set to [true]",
  );
  const [wanted, vector] = [body.query_vector as number[], source[body.field as string] as number[]];
  switch (property.similarity) {
    case "cosine":
      return (1 + vectorFunctions.cosineSimilarity(wanted, vector)) / 2;
    case "l2_norm":
      return 1 / (1 + vectorFunctions.l2norm(wanted, vector) ** 2);
    default: {
      check(property.similarity === "max_inner_product", "similarity");
      const inner = product(wanted, vector);
      return inner < 0 ? 1 / (1 - inner) : inner + 1;
    }
  }
}
