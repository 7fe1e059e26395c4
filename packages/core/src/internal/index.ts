/**
 * For the other packages of this project only. Nothing here is covered by versions: it may change with every release.
 */
export { invalidArgument, received } from "../errors.ts";
export {
  abortSignal,
  type CheckedOptions,
  callback,
  checkOptionNames,
  count,
  declareOptions,
  defined,
  number,
  type OptionsDeclaration,
  oneOf,
  type Rule,
  rule,
  text,
  unchecked,
} from "../options/index.ts";
export {
  type AddWording,
  addOptions,
  armSettingOptions,
  type EncoderRerank,
  type IdentifiedDocument,
  type PairScorer,
  type RetrieveWording,
  retrievalSettingOptions,
} from "../retrieval/index.ts";
export {
  type DeleteTarget,
  type FilterNode,
  matches,
  type NativeFusion,
  parseFilter,
} from "../stores/index.ts";
export { type DocumentFilter, jsonFilter, jsonFilterValue, jsonMetadata } from "./json-metadata.ts";
export { PairReranker } from "./pair-reranker.ts";
export { risingId } from "./rising-id.ts";
export {
  type ChunkPlace,
  chunkField,
  chunkMetadata,
  DocumentSplitter,
  goOnSplit,
  removeOldChunks,
  type SplitSettings,
  splitRule,
} from "./split-documents.ts";
