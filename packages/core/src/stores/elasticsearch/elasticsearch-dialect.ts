import { SparseEncoderError } from "../../errors.ts";
import { messageOf } from "../engine/network-failure.ts";
import { askIfAllowed, checkServerVersion } from "../engine/server-version.ts";
import type { OpenSearchConnection } from "../opensearch/opensearch-client.ts";
import type { SearchDialect } from "../opensearch/search-dialect.ts";
import { type ScoringQueries, scoringOf } from "../opensearch/search-scoring.ts";
import type { DenseMetric } from "../store.ts";
import { rankFusion } from "./elasticsearch-fusion.ts";

/** From this one on there is a query `sparse_vector` that takes weights. */
const neededVersion = { store: "elasticsearch", server: "Elasticsearch", minimum: [8, 15] } as const;

/** Without it, an index of 9.2 or later gives documents without their vectors, or with rounded ones. */
const keepsVectors = { "index.mapping.exclude_source_vectors": false };

/** Vectors that an approximate search looks at on each shard, at least and at most. */
const candidates = { least: 100, most: 10_000 };

const similarities: Readonly<Record<DenseMetric, string>> = {
  cosine: "cosine",
  dot: "max_inner_product",
  euclidean: "l2_norm",
};

/** Scores above 0 that rise with the score of the metric. */
const scripts: Readonly<Record<DenseMetric, (field: string) => string>> = {
  cosine: (field) => `cosineSimilarity(params.query_vector, '${field}') + 1.0`,
  dot: (field) =>
    `double product = dotProduct(params.query_vector, '${field}'); return product < 0 ? 1 / (1 - product) : product + 1;`,
  euclidean: (field) => `1 / (1 + l2norm(params.query_vector, '${field}'))`,
};

/** Elasticsearch. @param exact whether a dense query is compared with every vector */
export function elasticsearchDialect(exact: boolean): SearchDialect {
  const queries: ScoringQueries = {
    comparesAll: exact,
    sparse: sparseQuery,
    dense: (field, vector, metric, conditions, k) =>
      exact
        ? {
            script_score: {
              query: { bool: { filter: conditions } },
              script: { source: scripts[metric](field), params: { query_vector: vector } },
            },
          }
        : {
            knn: {
              field,
              query_vector: vector,
              num_candidates: Math.min(Math.max(2 * k, candidates.least), candidates.most),
              filter: conditions,
            },
          },
  };
  return {
    store: "elasticsearch",
    capabilities: { exact, nativeFusions: new Set(["rrf"] as const) },
    maximumDenseDimension: 4096,
    // An exact search can use an index of either kind, an approximate one needs its graph.
    neededParts: exact ? ["type", "dims"] : ["type", "dims", "index"],
    checkServer,
    create,
    checkSearch: async () => {},
    property: (field) =>
      field.kind === "sparse"
        ? { type: "sparse_vector" }
        : {
            type: "dense_vector",
            dims: field.dimension,
            ...(exact ? { index: false } : { index: true, similarity: similarities[field.metric] }),
          },
    scoring: (query, place, conditions) => scoringOf(query, place, conditions, queries),
    hasDim: (place, dim) => sparseQuery(place, { [dim]: 1 }),
    fused: rankFusion,
  };
}

/** Not pruned: an index of 9.1 or later would leave out frequent tokens with small weights. */
function sparseQuery(field: string, tokens: Readonly<Record<string, number>>) {
  return { sparse_vector: { field, query_vector: tokens, prune: false } };
}

async function checkServer(client: OpenSearchConnection): Promise<void> {
  const info = await askIfAllowed(async () => client.info?.());
  const { version } = (info?.body ?? {}) as {
    version?: { number?: unknown; distribution?: unknown; build_flavor?: unknown };
  };
  if (version?.distribution !== undefined) {
    throw new SparseEncoderError(
      "STORE_UNSUPPORTED",
      `The elasticsearch store needs an Elasticsearch; the server is ${String(version.distribution)} ${String(version.number)}. Use OpenSearchStore.`,
    );
  }
  // Its number says nothing of what it can do.
  if (version?.build_flavor === "serverless") return;
  checkServerVersion(neededVersion, version?.number);
}

async function create(client: OpenSearchConnection, index: string, mappings: object): Promise<void> {
  try {
    await client.indices.create({ index, body: { settings: keepsVectors, mappings } });
  } catch (error) {
    const reason = (error as { body?: { error?: { reason?: unknown } } }).body?.error?.reason;
    if (!/unknown setting/.test(`${messageOf(error)} ${String(reason)}`)) throw error;
    // A server that does not know the setting keeps vectors always.
    await client.indices.create({ index, body: { mappings } });
  }
}
