import type { DenseMetric } from "../store.ts";
import type { ResolvedField } from "../vector-fields.ts";
import { fieldName } from "./opensearch-documents.ts";
import { hybridSearch, scoreFactor } from "./opensearch-hybrid.ts";
import { checkServer, checkSparseSearch, needingPlugins } from "./opensearch-server.ts";
import type { Property, SearchDialect } from "./search-dialect.ts";
import { type ScoringQueries, scoringOf } from "./search-scoring.ts";

const spaces: Readonly<Record<DenseMetric, string>> = {
  cosine: "cosinesimil",
  dot: "innerproduct",
  euclidean: "l2",
};

const queries: ScoringQueries = {
  comparesAll: true,
  sparse: (place, tokens) => ({ neural_sparse: { [place]: { query_tokens: tokens } } }),
  dense: (place, vector, metric, conditions) => {
    const params = { field: place, query_value: vector, space_type: spaces[metric] };
    const script = { lang: "knn", source: "knn_score", params };
    return { script_score: { query: { bool: { filter: conditions } }, script } };
  },
};

/** OpenSearch with its plugins neural-search and k-NN. */
export const openSearchDialect: SearchDialect = {
  store: "opensearch",
  capabilities: { exact: true, nativeFusions: new Set(["rrf", "minMax"] as const) },
  maximumDenseDimension: 16_000,
  neededParts: ["type", "dimension"],
  checkServer,
  create: (client, index, mappings) =>
    needingPlugins(async () => {
      await client.indices.create({ index, body: { mappings } });
    }),
  checkSearch: (client, index, fields) => checkSparseSearch(client, index, fields, fieldName),
  property: (field: ResolvedField): Property =>
    field.kind === "sparse" ? { type: "rank_features" } : { type: "knn_vector", dimension: field.dimension },
  scoring: (query, place, conditions) => scoringOf(query, place, conditions, queries),
  // How it scores is of no account; this way takes no statistics of the index.
  hasDim: (place, dim) => ({ rank_feature: { field: `${place}.${dim}`, linear: {} } }),
  fused: (store, searches, scorings, fusion) => ({
    body: hybridSearch(store, searches, scorings, fusion),
    factor: scoreFactor(searches, fusion),
    isPerShard: fusion.native === "rrf",
  }),
};
