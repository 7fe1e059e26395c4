export type { FieldCondition, Filter, FilterValue } from "./filter.ts";
export { matches } from "./filter-match.ts";
export { type FilterNode, parseFilter } from "./filter-node.ts";
export { type DurableStoreOptions, MemoryStore, type MemoryStoreOptions } from "./memory-store.ts";
export type {
  DeleteTarget,
  DenseMetric,
  Metadata,
  MetadataValue,
  Store,
  StoreCallOptions,
  StoreCapabilities,
  StoredDocument,
  StoreHit,
  StoreSearchOptions,
  VectorField,
  VectorSchema,
} from "./store.ts";
