import type { BaseEmbedding } from "@llamaindex/core/embeddings";
import { Settings } from "@llamaindex/core/global";
import type { DurableStoreOptions, Fusion, Store } from "@sparse-encoder/core";
import {
  abortSignal,
  type CheckedOptions,
  callback,
  declareOptions,
  invalidArgument,
  received,
  rule,
  type SplitSettings,
  splitRule,
  unchecked,
} from "@sparse-encoder/core/internal";
import { NoDenseEmbedding } from "../no-dense-embedding.ts";
import type { SignalOptions, SparseEmbedding } from "../sparse-embedding.ts";

/** Options of a hybrid vector store. */
export interface HybridVectorStoreOptions {
  /** A store of core, such as `new MemoryStore()`. Vectors are kept in it as `sparse` and `dense`. */
  readonly store: Store;
  /** Makes the sparse vectors. Without it there are only the modes default and mmr. */
  readonly sparseEmbedding?: SparseEmbedding | undefined;
  /** Makes the dense vectors that nodes lack. Default: `Settings.embedModel`; without a model, there are only sparse vectors. */
  readonly embedModel?: BaseEmbedding | undefined;
  /** Makes one ranking of two in mode hybrid. Default: core's. */
  readonly fusion?: Fusion | undefined;
  /**
   * True, or settings: nodes are split into pieces that the models take whole, counted in the tokens of the models. The pieces of a node
   * with the id `a` are stored as nodes `a#0`, `a#1` and so on, in place of what the node was stored as before. Their source is the
   * document of the node, or the node itself; their metadata are the metadata of the node, and `chunk`:
   * `{ document: "a", index, count, start, end }`, which models do not see. Default false: longer texts are cut.
   */
  readonly split?: boolean | SplitSettings | undefined;
}

/** Options of opening a hybrid vector store in a folder. */
export interface LoadOptions
  extends Omit<HybridVectorStoreOptions, "store">,
    Pick<DurableStoreOptions, "model"> {}

/** Options of `add` of a hybrid vector store. */
export interface AddNodesOptions extends SignalOptions {
  /** Called after each batch is stored. */
  readonly progressCallback?: ((current: number, total: number) => void) | undefined;
  /** Overrides {@link HybridVectorStoreOptions.split} of the store. */
  readonly split?: boolean | SplitSettings | undefined;
}

const sharedRules = {
  sparseEmbedding: rule((value): SparseEmbedding => {
    const candidate = value as SparseEmbedding | null;
    if (typeof candidate?.encoder?.encodeDocument === "function") return candidate;
    throw invalidArgument(
      `HybridVectorStore: sparseEmbedding must be a SparseEmbedding, received ${received(value)}.`,
    );
  }),
  embedModel: unchecked<BaseEmbedding>(),
  // Core checks it.
  fusion: unchecked<Fusion>(),
  split: splitRule,
};

/** The options of a hybrid vector store: names and checks. */
export const storeOptions = declareOptions<HybridVectorStoreOptions>()({
  store: unchecked<Store>(),
  ...sharedRules,
});

/** The options of opening one in a folder. */
export const loadOptions = declareOptions<LoadOptions>()({ ...sharedRules, model: unchecked<string>() });

/** The options of `add`. */
export const addNodesOptions = declareOptions<AddNodesOptions>()({
  signal: abortSignal(),
  progressCallback: callback<(current: number, total: number) => void>(),
  split: splitRule,
});

/** {@link AddNodesOptions}, checked. */
export type CheckedAddNodesOptions = CheckedOptions<typeof addNodesOptions.rules>;

/** The options of calls that can only be ended. */
export const signalOptions = declareOptions<SignalOptions>()({ signal: abortSignal() });

/** The model for dense vectors; stands for none where there is none, since the base class of LlamaIndex wants one. */
export function denseModelOf(embedModel: BaseEmbedding | undefined): BaseEmbedding {
  if (embedModel !== undefined) return embedModel;
  try {
    // The getter throws where no model is set.
    return Settings.embedModel;
  } catch {
    return new NoDenseEmbedding();
  }
}
