export { checkIds } from "./arguments.ts";
export { exhaustiveSearch } from "./exhaustive-search.ts";
export { searchFiltered } from "./filtered-search.ts";
export { checkModel, checkModelOption } from "./index-snapshot.ts";
export { InvertedIndex, type SearchOptions, type TermContribution } from "./inverted-index.ts";
export {
  describePostings,
  type PostingsDescription,
  postingsSections,
  readPostings,
  type SavedSegment,
} from "./saved-segment.ts";
export { openSimdMemory, roundUp } from "./simd-memory.ts";
export {
  bytesOf,
  corrupt,
  readSnapshot,
  type Snapshot,
  type SnapshotSection,
  storageError,
  syncFolder,
  writeAll,
  writeSnapshot,
} from "../disk/snapshot-file.ts";
export { compareHits, type SearchHit } from "./top-k.ts";
