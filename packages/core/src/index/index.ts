export { checkIds } from "./arguments.ts";
export { type CapturedRows, DenseIndex } from "./dense-index.ts";
export { exhaustiveSearch } from "./exhaustive-search.ts";
export { checkModel, checkModelOption } from "./index-snapshot.ts";
export { InvertedIndex, type SearchOptions, type TermContribution } from "./inverted-index.ts";
export {
  describePostings,
  type PostingsDescription,
  postingsSections,
  readPostings,
  type SavedSegment,
} from "./saved-segment.ts";
export { compareHits, type SearchHit } from "./top-k.ts";
