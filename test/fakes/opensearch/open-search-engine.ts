import { check, checkNames, type Json } from "../fake-server.ts";
import { hybridHits } from "./fake-hybrid.ts";
import type { FakeEngine, FakeIndex } from "./fake-search.ts";

/** Queries and scores of OpenSearch with its plugins neural-search and k-NN. */
export const openSearchEngine: FakeEngine = {
  passes: {
    neural_sparse: (body, source) => {
      const [[field, given] = ["", undefined]] = Object.entries(body);
      checkNames("neural_sparse", given, ["query_tokens"]);
      const features = (source[field] ?? {}) as Json;
      return Object.keys(given.query_tokens as Json).some((token) => Object.hasOwn(features, token));
    },
    rank_feature: (body, source) => {
      checkNames("rank_feature", body, ["field", "linear"]);
      const [field = "", feature = ""] = (body.field as string).split(".");
      return Object.hasOwn((source[field] ?? {}) as Json, feature);
    },
    script_score: (body, _, passes) => {
      checkNames("script_score", body, ["query", "script"]);
      return passes(body.query);
    },
    hybrid: (body, _, passes) => (body.queries as unknown[]).some(passes),
  },
  clauses: {
    neural_sparse: (body) => {
      const [given] = Object.values(body) as { query_tokens: Json }[];
      return Object.keys(given!.query_tokens).length;
    },
    hybrid: (body, clausesOf) =>
      (body.queries as unknown[]).reduce<number>((sum, part) => sum + clausesOf(part), 0),
    script_score: (body, clausesOf) => clausesOf(body.query),
  },
  score: scoreOf,
  fusionName: "search_pipeline",
  fused: (body, scored) =>
    Object.hasOwn(body.query as Json, "hybrid") ? hybridHits(body, scored) : undefined,
};

/** Nine significant bits, as features are kept. */
export function rounded(weight: number): number {
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
