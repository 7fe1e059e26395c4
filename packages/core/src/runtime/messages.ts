/** What crosses the boundary between the main thread and a worker. Everything here is copied or transferred. */

/** Given to every worker of a pool when it starts. */
export interface WorkerSetup {
  /** The ONNX model without its weights, and the folder of these. */
  readonly model: Uint8Array;
  readonly weightsFolder: string;
  /** Threads that one operator may use. */
  readonly threads: number;
  /** Shared counters of the pool; see {@link RunGate}. */
  readonly gate: SharedArrayBuffer;
}

/** A batch of texts as token ids. B texts, padded on the right to S tokens. */
export interface EncodeBatch {
  /** B x S ids, row by row. */
  readonly ids: Int32Array;
  /** Number of real tokens of each text. */
  readonly lengths: Int32Array;
  /** Keep at most this many dims of each row; 0 keeps all. */
  readonly maxActiveDims: number;
}

/** Asks a worker to open its session; answered when it is ready. */
export type WorkerTask = "open" | EncodeBatch;

/** The rows of a batch in CSR form, in the order of the batch. */
export interface EncodedRows {
  readonly offsets: Uint32Array;
  readonly indices: Uint32Array;
  readonly values: Float32Array;
}
