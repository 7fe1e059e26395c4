export type { FieldCondition, Filter, FilterValue } from "./filter.ts";
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
