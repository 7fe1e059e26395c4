export { checkIds } from "./arguments.ts";
export { type CapturedRows, DenseIndex } from "./dense-index.ts";
export { exhaustiveSearch } from "./exhaustive-search.ts";
export { checkFolder, modelName, type SavedIndexOptions, type SearchOptions } from "./index-options.ts";
export { checkModel } from "./index-snapshot.ts";
export { InvertedIndex } from "./inverted-index.ts";
export {
  describePostings,
  type PostingsDescription,
  postingsSections,
  readPostings,
  type SavedSegment,
} from "./saved-segment.ts";
export type { TermContribution } from "./term-contribution.ts";
export { compareHits, type SearchHit } from "./top-k.ts";
