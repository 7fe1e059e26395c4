import type { BackendQuery, StoreBackend, WeightedQuery } from "../backend.ts";
import type { ResolvedFusion } from "../native-fusion.ts";
import type { StoreCapabilities } from "../store.ts";
import type { ResolvedField } from "../vector-fields.ts";
import type { OpenSearchConnection } from "./opensearch-client.ts";
import type { OpenSearchQuery } from "./opensearch-filter.ts";
import type { SearchScoring } from "./search-scoring.ts";

/** How a field of an index is made. */
export type Property = { readonly type: string } & Readonly<Record<string, unknown>>;

/** A fused search as a request makes it, without the number of hits. */
export interface FusedSearch {
  readonly body: object;
  /** What a score of the cluster is multiplied by. */
  readonly factor: number;
  /** True if the fused ranks count within a single shard. */
  readonly isPerShard: boolean;
}

/** What differs between OpenSearch and Elasticsearch, which take the same requests otherwise. */
export interface SearchDialect {
  /** Name of the store. */
  readonly store: string;
  readonly capabilities: Pick<StoreCapabilities, "exact" | "nativeFusions">;
  readonly maximumDenseDimension: number;
  /**
   * Checks what the server is, as far as it tells.
   * @throws SparseEncoderError `STORE_UNSUPPORTED`; errors of the client
   */
  checkServer(client: OpenSearchConnection): Promise<void>;
  /** Makes an index of these mappings. */
  create(client: OpenSearchConnection, index: string, mappings: object): Promise<void>;
  /** Checks that the server can search an index, where that takes a request. */
  checkSearch(
    client: OpenSearchConnection,
    index: string,
    fields: ReadonlyMap<string, ResolvedField>,
  ): Promise<void>;
  /** The field that keeps vectors. */
  property(field: ResolvedField): Property;
  /** Parts of a {@link property} that an index must have for this store to read it. */
  readonly neededParts: readonly string[];
  /** How the cluster ranks by a query, and how far its scores may be from the scores of this library. */
  scoring(query: BackendQuery, place: string, conditions: readonly OpenSearchQuery[]): SearchScoring;
  /** Finds the documents whose sparse vector has this dim active. */
  hasDim(place: string, dim: number): OpenSearchQuery;
  /** @throws SparseEncoderError `STORE_UNSUPPORTED` for what the engine cannot fuse */
  fused(
    store: Pick<StoreBackend, "name">,
    queries: readonly WeightedQuery[],
    scorings: readonly OpenSearchQuery[],
    fusion: ResolvedFusion,
    k: number,
  ): FusedSearch;
}
