/** A model that gives of a batch only some entries, numbered by `dims`, and what the model needs beside the weights. */
export interface ScreenedModel {
  /** The graph, which gives `embeddings` [C, B] and the numbers `dims` [C] of their entries; all others are 0. */
  readonly bytes: Uint8Array;
  readonly tables: ScreenTables;
  /** Number of all entries. */
  readonly entries: number;
}

/** A model for a text that is alone in its batch for its length: its memory grows with the length and not with its square. */
export interface LongModel {
  readonly bytes: Uint8Array;
  readonly screened: ScreenedModel | undefined;
}

/** What a graph with a screened decoder needs beside the weights: computed from them when the model is opened. */
export interface ScreenTables {
  /** An ONNX model without inputs that computes them. */
  readonly model: Uint8Array;
  /** What follows the bytes of the graph: each time `start`, then a part of an output of `model`. */
  readonly parts: readonly TablePart[];
}

/** Elements [from, to) of an output. */
export interface TablePart {
  readonly start: Uint8Array;
  readonly output: string;
  readonly from: number;
  readonly to: number;
}

/**
 * A model tuned for devices that run thousands of products at once. Of sparse embeddings it gives the entries that are not 0:
 * `embeddings` [N] and their `places` [2, N], rows and columns; of dense ones `embeddings` [B, width].
 */
export interface WideModel {
  readonly bytes: Uint8Array;
  /** The folder below which the weight files lie that the model refers to. */
  readonly weightsFolder: string;
  /** True if transformer and decoder are computed in half precision. */
  readonly half: boolean;
}

/** A model as the workers of a pool open it: ONNX graphs without weights, the folder of the weights, and what the model gives. */
export interface PooledModel {
  /** The ONNX model without its weights, or what is added to an exported model. */
  readonly bytes: Uint8Array;
  /** The same model, tuned for a few tokens that run alone; undefined if there is no such difference. */
  readonly shortBytes: Uint8Array | undefined;
  /** The same model for texts that activate a small part of the vocabulary; undefined if there is none. */
  readonly screened?: ScreenedModel | undefined;
  /** The same model for long texts; undefined if there is none. */
  readonly long?: LongModel | undefined;
  /** The same model for wide devices; undefined if there is none, as with int8 weights. */
  readonly wide?: WideModel | undefined;
  /** True if CUDA may multiply float32 numbers as TF32. Default false. */
  readonly allowsTf32?: boolean | undefined;
  /** The file of an exported model that comes before `bytes`; undefined for a graph that was built from weights. */
  readonly exportFile: string | undefined;
  /** Names of the inputs. */
  readonly inputs: readonly string[];
  /** Element types of the inputs of an exported model; int64 where there is none. */
  readonly inputTypes?: Readonly<Record<string, "int32" | "int64">> | undefined;
  /** The folder below which the weight files lie that the model refers to. */
  readonly weightsFolder: string;
  /** True if the runtime should rearrange weights when it opens the model: needed for fast integer products. */
  readonly prepack: boolean;
  /** True if most of an embedding is zero, so that only non-zero entries leave the worker. */
  readonly sparse: boolean;
  /** True if `bytes` give `embeddings` [C, B] and the numbers `dims` of their entries, as a screened model does. */
  readonly givesDims: boolean;
  /**
   * Whether `weights` [B, S] is an output: a number per token, of which the worker makes sparse rows. `only`: there is no other
   * output; `beside`: the dense `embeddings` are there too. Default: no such output.
   */
  readonly tokenWeights?: "only" | "beside" | undefined;
  /** Width of an embedding. */
  readonly dimension: number;
}
