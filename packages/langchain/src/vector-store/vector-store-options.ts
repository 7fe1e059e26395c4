import type { AddProgress, ArmSettings, RetrievalSettings, Store } from "@sparse-encoder/core";
import {
  addOptions,
  declareOptions,
  invalidArgument,
  received,
  retrievalSettingOptions,
  rule,
  type SplitSettings,
  splitRule,
  unchecked,
} from "@sparse-encoder/core/internal";

/** What a vector store searches by. */
export type RetrievalMode = "sparse" | "dense" | "hybrid";

/** Options of `addDocuments` and `addVectors`. */
export interface AddDocumentsOptions {
  /** One per document. Default: the ids of the documents; a document without one gets a UUID that rises with each document. */
  readonly ids?: string[] | undefined;
  /** Ends the call; documents that are stored by then stay. */
  readonly signal?: AbortSignal | undefined;
  /** Called after each batch is stored. */
  readonly onProgress?: ((progress: AddProgress) => void) | undefined;
  /** Documents that are encoded and stored together. Default 512. */
  readonly batchSize?: number | undefined;
  /** Whether a `Bm25Encoder` counts the documents where the store does not; see core's `AddOptions`. Default true. */
  readonly countDocuments?: boolean | undefined;
  /** Overrides {@link SplitConfig.split} of the store. */
  readonly split?: boolean | SplitSettings | undefined;
}

/** Whether documents are split. */
export interface SplitConfig {
  /**
   * True, or settings: documents are split into pieces that the models take whole, counted in the tokens of the models. The pieces of a
   * document with the id `a` are stored as `a#0`, `a#1` and so on, in place of what the document was stored as before, with the
   * metadata of the document and `chunk`: `{ document: "a", index, count, start, end }`. Delete a document by the filter
   * `{ "chunk.document": "a" }`. Default false: longer texts are cut.
   */
  readonly split?: boolean | SplitSettings | undefined;
}

/** Settings of the searches, as core takes them. */
export interface SearchSettings
  extends Omit<RetrievalSettings, "k" | "mmr" | "identify" | "transform" | "transformK"> {
  /** Settings of the arms, such as how many hits each gives to the fusion. */
  readonly arms?:
    | { readonly sparse?: ArmSettings | undefined; readonly dense?: ArmSettings | undefined }
    | undefined;
}

const {
  k: _k,
  mmr: _m,
  identify: _i,
  transform: _t,
  transformK: _n,
  ...searchRules
} = retrievalSettingOptions.rules;
const armOptions = declareOptions<NonNullable<SearchSettings["arms"]>>()({
  // Core checks them.
  sparse: unchecked<ArmSettings>(),
  dense: unchecked<ArmSettings>(),
});

/** Rules of {@link SearchSettings}, for the options of vector stores. */
export const searchSettingRules = {
  ...searchRules,
  arms: rule((value, name) => armOptions.check(name, value)),
};

const { skip: _s, wording: _w, ...addRules } = addOptions.rules;

/** The options of `addDocuments`: names, checks, defaults. */
export const addDocumentsOptions = declareOptions<AddDocumentsOptions>()({
  ...addRules,
  // Compared with the documents.
  ids: unchecked<string[]>(),
  split: splitRule,
});

/** @throws SparseEncoderError `INVALID_ARGUMENT` */
export function checkStore(call: string, store: unknown): Store {
  const candidate = store as Store | null | undefined;
  if (typeof candidate?.searchSparse === "function") return candidate;
  throw invalidArgument(`${call} needs a store, such as new MemoryStore(), received ${received(store)}.`);
}
