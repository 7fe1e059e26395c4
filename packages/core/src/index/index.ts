export { exhaustiveSearch } from "./exhaustive-search.ts";
export { InvertedIndex, type SearchOptions, type TermContribution } from "./inverted-index.ts";
export type { SearchHit } from "./top-k.ts";
