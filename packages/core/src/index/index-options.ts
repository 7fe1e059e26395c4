import { invalidArgument, received } from "../errors.ts";
import { callback, count, declareOptions, rule } from "../options/index.ts";

/** Options of {@link InvertedIndex.search}. */
export interface SearchOptions {
  /** Number of hits, at least 1. Default 10. Fewer are returned if fewer documents share a term. */
  readonly topK?: number | undefined;
  /**
   * Only documents whose id passes are hits. Called at most once per document, first for the best of all, otherwise in no
   * fixed order; must not change the index.
   */
  readonly filter?: ((id: string) => boolean) | undefined;
}

/** Options of {@link InvertedIndex.open} and {@link InvertedIndex.save}. */
export interface SavedIndexOptions {
  /** Name of the model of the vectors. An index that was saved with a name opens with the same name only. */
  readonly model?: string | undefined;
}

/** The name of a model. */
export const modelName = rule((value, name) => {
  if (typeof value === "string" && value !== "") return value;
  throw invalidArgument(`${name} must be a string that names the model, received ${received(value)}.`);
});

const topK = count().default(10);

export const exhaustiveOptions = declareOptions<Pick<SearchOptions, "topK">>()({ topK });

export const searchOptions = declareOptions<SearchOptions>()({
  topK,
  filter: callback<(id: string) => boolean>(),
});

export const savedIndexOptions = declareOptions<SavedIndexOptions>()({ model: modelName });

/** @throws SparseEncoderError `INVALID_ARGUMENT` */
export function checkFolder(call: string, folder: unknown): asserts folder is string {
  if (typeof folder === "string" && folder !== "") return;
  throw invalidArgument(`${call}: the folder must be a path, received ${received(folder)}.`);
}
