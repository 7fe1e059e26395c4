import type { Device } from "./device.ts";

/** What crosses the boundary between the main thread and a worker. Everything here is copied or transferred. */

/** A model that gives of a batch the entries `dims` alone, and what it needs beside the weights. */
export interface ScreenedModel {
  readonly bytes: Uint8Array;
  /** Number of all entries. */
  readonly entries: number;
  readonly tables: {
    /** A model without inputs that computes them. */
    readonly model: Uint8Array;
    /** What follows `bytes`: each time `start`, then elements [from, to) of an output of that model. */
    readonly parts: readonly {
      readonly start: Uint8Array;
      readonly output: string;
      readonly from: number;
      readonly to: number;
    }[];
  };
}

/**
 * A model tuned for devices that run thousands of products at once. Of sparse embeddings it gives the entries that are not 0:
 * `embeddings` [N] and their `places` [2, N], rows and columns.
 */
export interface WideModel {
  readonly bytes: Uint8Array;
  readonly weightsFolder: string;
}

/** Given to every worker of a pool when it starts. */
export interface WorkerSetup {
  /** An exported model that comes before `model`, if there is one. */
  readonly exportFile: string | undefined;
  /** The ONNX model without its weights, and the folder of these. */
  readonly model: Uint8Array;
  /** The same, tuned for a few tokens that run alone; undefined if there is no such difference. */
  readonly shortModel: Uint8Array | undefined;
  /** The same, for texts that activate a small part of the vocabulary; undefined if there is none for this device. */
  readonly screened: ScreenedModel | undefined;
  /** The same, for a wide device; undefined for other devices, or if there is none. */
  readonly wide?: WideModel | undefined;
  readonly weightsFolder: string;
  /** Names of the model's inputs. */
  readonly inputs: readonly string[];
  /** True if the runtime is to rearrange weights into private copies when it opens the model. */
  readonly prepack: boolean;
  /** True if only non-zero entries are to leave the worker. */
  readonly sparse: boolean;
  /** True if the model gives some entries alone, as a screened one does. */
  readonly givesDims: boolean;
  /** Where the model runs. */
  readonly device: Device;
  /** Threads that one operator may use while other batches run. */
  readonly threads: number;
  /** Threads that one operator may use for a batch that runs alone. */
  readonly aloneThreads: number;
  /** True if a worker opens the model for a short batch that runs alone when it starts, false for batches among others. */
  readonly opensAlone: boolean;
  /** Shared counters of the pool; see {@link RunGate}. */
  readonly gate: SharedArrayBuffer;
}

/** A batch of texts as token ids. B texts, padded on the right to S tokens. */
export interface EncodeBatch {
  /** B x S ids, row by row. */
  readonly ids: Int32Array;
  /** Number of real tokens of each text. */
  readonly lengths: Int32Array;
  /** Sparse models: keep at most this many dims of each row; 0 keeps all. */
  readonly maxActiveDims: number;
  /** Tokens at the start of each text that pooling leaves out, in models that leave out the prompt. */
  readonly skippedTokens: number;
  /** True if nothing else is to run at the same time, so that the batch may have all cores. */
  readonly alone: boolean;
}

/** Asks a worker to open its session; answered when it is ready. */
export type WorkerTask = "open" | EncodeBatch;

/** The rows of a batch, in its order: in CSR form, or dense and one behind the other. */
export type EncodedRows = SparseRows | DenseRows;

export interface DenseRows {
  readonly dense: Float32Array;
}

export interface SparseRows {
  readonly offsets: Uint32Array;
  readonly indices: Uint32Array;
  readonly values: Float32Array;
}
