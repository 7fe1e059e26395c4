import { invalidArgument, received } from "../errors.ts";
import { abortSignal, count, declareOptions, rule, unchecked } from "../options/index.ts";
import type { SparseVector } from "../vector/index.ts";
import type { Filter } from "./filter/filter.ts";
import type {
  HybridSearch,
  HybridSearchOptions,
  NativeFusion,
  StoreCallOptions,
  StoreCountOptions,
  StoreIterateOptions,
  StoreSearchOptions,
} from "./store.ts";

/** Options of calls that have no others. */
export const callOptions = declareOptions<StoreCallOptions>()({ signal: abortSignal() });

export const countOptions = declareOptions<StoreCountOptions>()({
  ...callOptions.rules,
  filter: unchecked<Filter>(),
});

export const iterateOptions = declareOptions<StoreIterateOptions>()({
  ...countOptions.rules,
  after: rule((value, name) => {
    if (typeof value === "string") return value;
    throw invalidArgument(`${name} must be an id, received ${received(value)}.`);
  }).default(""),
  batchSize: count().default(500),
});

export const searchOptions = declareOptions<StoreSearchOptions>()({
  ...countOptions.rules,
  k: count().default(10),
});

export const hybridOptions = declareOptions<HybridSearchOptions>()({
  ...callOptions.rules,
  k: count().default(10),
  fusion: unchecked<NativeFusion>(),
});

/** One of the searches of a `searchHybrid`. */
export const hybridSearchOptions = declareOptions<HybridSearch>()({
  vector: unchecked<string>(),
  query: unchecked<SparseVector | Float32Array>(),
  k: count().default(100),
  filter: unchecked<Filter>(),
  weight: rule((value, name) => {
    if (typeof value === "number" && Number.isFinite(value) && value > 0) return value;
    throw invalidArgument(`${name} must be a finite number above 0, received ${received(value)}.`);
  }).default(1),
});

/** Constants of fusions that the engine does itself: ranks are counted from 1. */
export const rrfOptions = declareOptions<NativeFusion>()({
  native: unchecked<NativeFusion["native"]>(),
  k: count({ maximum: 2 ** 31 - 2 }).default(60),
});
