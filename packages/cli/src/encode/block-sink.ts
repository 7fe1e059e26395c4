import type { SparseVector } from "@sparse-encoder/core";
import type { RecordBlock } from "./record-blocks.ts";

/** A block and its vectors, in the order of its records. */
export interface EncodedBlock extends RecordBlock {
  readonly vectors: Iterable<SparseVector | Float32Array>;
}

/** Where encoded blocks go, one after another. */
export interface BlockSink {
  /** Blocks of the shard that an earlier run has stored. */
  readonly stored: number;
  /** Resolves when the block is stored, so that a later run need not encode it again. */
  write(block: EncodedBlock): Promise<void>;
  /** Called after the last block. */
  finish(): Promise<void>;
  /** Frees what the sink holds, after `finish` or after a failure. */
  close(): Promise<void>;
}
