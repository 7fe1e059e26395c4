/**
 * The stores of every engine, and what a store of your own needs.
 *
 * @module @sparse-encoder/core/stores
 */

// `index.ts` is for the other folders.
export type { BackendQuery, StoreBackend, WeightedQuery } from "./backend.ts";
export { type CopyOptions, type CopyProgress, type CopyResult, copyStore } from "./copy-store.ts";
export { createStore } from "./create-store.ts";
export type { ElasticsearchConnection } from "./elasticsearch/elasticsearch-client.ts";
export type {
  ElasticsearchAliasOptions,
  ElasticsearchStoreOptions,
} from "./elasticsearch/elasticsearch-options.ts";
export { ElasticsearchStore } from "./elasticsearch/elasticsearch-store.ts";
export { type FieldCondition, type Filter, type FilterValue, filterOperators } from "./filter/filter.ts";
export { matches } from "./filter/filter-match.ts";
export { type FilterNode, parseFilter } from "./filter/filter-node.ts";
export type { DurableStoreOptions, MemoryStoreOptions } from "./memory/memory-options.ts";
export { MemoryStore } from "./memory/memory-store.ts";
export type { DroppedPart, RepairOptions, RepairReport } from "./memory/repair.ts";
export type { MilvusConnection } from "./milvus/milvus-client.ts";
export type { MilvusAliasOptions, MilvusConsistency, MilvusStoreOptions } from "./milvus/milvus-options.ts";
export { MilvusStore } from "./milvus/milvus-store.ts";
export type { ResolvedFusion } from "./native-fusion.ts";
export type { OpenSearchConnection } from "./opensearch/opensearch-client.ts";
export type {
  OpenSearchAliasOptions,
  OpenSearchServer,
  OpenSearchStoreOptions,
} from "./opensearch/opensearch-options.ts";
export { OpenSearchStore } from "./opensearch/opensearch-store.ts";
export type { PgliteClient } from "./postgres/database/pglite-database.ts";
export type { PostgresPool } from "./postgres/database/server-database.ts";
export type { HnswOptions, PostgresAliasOptions, PostgresStoreOptions } from "./postgres/postgres-options.ts";
export { PostgresStore } from "./postgres/postgres-store.ts";
export type { QdrantConnection } from "./qdrant/qdrant-client.ts";
export type { QdrantLayout } from "./qdrant/qdrant-layout.ts";
export type { QdrantAliasOptions, QdrantServer, QdrantStoreOptions } from "./qdrant/qdrant-options.ts";
export { QdrantStore } from "./qdrant/qdrant-store.ts";
export type {
  DeleteTarget,
  HybridSearch,
  HybridSearchOptions,
  Metadata,
  MetadataValue,
  NativeFusion,
  Store,
  StoreCallOptions,
  StoreCapabilities,
  StoreCountOptions,
  StoredDocument,
  StoreHit,
  StoreIterateOptions,
  StoreSearchOptions,
  VectorField,
  VectorSchema,
} from "./store.ts";
export type { AliasResult, AliasTarget } from "./store-alias.ts";
export type { CheckedDocument } from "./store-arguments.ts";
export { checkVectorSchema, type ResolvedField } from "./vector-fields.ts";
