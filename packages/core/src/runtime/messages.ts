import type { Device } from "./device/device.ts";
import type { PooledModel } from "./pooled-model.ts";

/** What crosses the boundary between the main thread and a worker. Everything here is copied or transferred. */

/** Given to every worker of a pool when it starts. */
export interface WorkerSetup {
  /** The model, with only those of its graphs that this device may run. */
  readonly model: PooledModel;
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
  /** Of pairs of texts: the place of the first token of type 1 in each row. Default: all tokens are of type 0. */
  readonly typeStarts?: Int32Array | undefined;
  /** Models that give a number per token: ids whose numbers are left out. Default: none. */
  readonly unusedIds?: readonly number[] | undefined;
  /** Sparse models: keep at most this many dims of each row; 0 keeps all. */
  readonly maxActiveDims: number;
  /** Tokens at the start of each text that pooling leaves out, in models that leave out the prompt. */
  readonly skippedTokens: number;
  /** True if nothing else is to run at the same time, so that the batch may have all cores. */
  readonly alone: boolean;
}

/** Asks a worker to open its session; answered when it is ready. */
export type WorkerTask = "open" | EncodeBatch;

/**
 * What a worker answers: rows; `ready` to `open`; `stopping` if the pool is being closed; what is wrong with the model; or that
 * the device has no room for another worker.
 */
export type WorkerAnswer = EncodedRows | "ready" | "stopping" | ModelFault | Crowded;

/** The device has no memory left to open the model in this worker, which ends soon after this answer. */
export interface Crowded {
  /** The runtime's words. */
  readonly crowded: string;
  /** The worker's thread. */
  readonly thread: number;
}

/** A fault of the model itself: another worker would find the same. */
export interface ModelFault {
  /** A sentence without its subject, such as "gives embeddings of 3 dimensions". */
  readonly fault: string;
}

/** The rows of a batch, in its order: in CSR form, or dense and one behind the other. */
export type EncodedRows = SparseRows | DenseRows | HybridRows;

/** Sparse and dense rows of the same texts. */
export interface HybridRows extends SparseRows, DenseRows {}

export interface DenseRows {
  readonly dense: Float32Array;
}

export interface SparseRows {
  readonly offsets: Uint32Array;
  readonly indices: Uint32Array;
  readonly values: Float32Array;
}
