import { SparseEncoderError } from "../../errors.ts";
import type { Tokenizer } from "../../model/index.ts";
import type { Device, WorkerPool } from "../../runtime/index.ts";
import type { EncoderPool } from "../encoder-pool.ts";

/** What texts are embedded for; models may have routes, prompts and lengths of their own for each. */
export type EncodeTask = "plain" | "query" | "document";

/** Everything one call needs, checked and complete. */
export interface EmbedCall {
  readonly task: EncodeTask;
  readonly prompt: string;
  /** Most texts of a batch; undefined for what suits the device. */
  readonly batchSize: number | undefined;
  /** Texts that one worker takes at a time; undefined for a batch at a time. */
  readonly chunkSize: number | undefined;
  /** Workers other than the encoder's own. */
  readonly pool: EncoderPool | undefined;
  /** 0 for no limit. */
  readonly maxActiveDims: number;
  readonly signal: AbortSignal | undefined;
  /** Called with the counts of each finished batch. */
  readonly onTexts: (counts: TextCounts) => void;
}

/** Counts of texts that were embedded. */
export interface TextCounts {
  readonly texts: number;
  /** Texts with more tokens than the longest input; their rest was left out. */
  readonly cutTexts: number;
  /** Tokens that were embedded: special tokens and prompts count, padding does not. */
  readonly tokens: number;
}

/** @param ids token ids of each text */
export function countTexts(ids: readonly Int32Array[], cutTexts: number): TextCounts {
  return { texts: ids.length, cutTexts, tokens: ids.reduce((sum, row) => sum + row.length, 0) };
}

/** Part of a call: some of its texts, or of its pairs of texts. */
export interface EmbedWindow<Text = string> {
  readonly texts: readonly Text[];
  /** Position of the first text in the call, for messages. */
  readonly first: number;
}

/** From texts to the rows of a matrix. */
export interface RowEmbedder<Matrix> {
  readonly tokenizer: Tokenizer;
  /** Longest input in tokens, as it is set now. */
  maxSeqLength: number;
  /** Longest input in tokens that can be set. */
  readonly longestInput: number;
  /** Longest input in tokens of a task: {@link RowEmbedder.maxSeqLength}, unless the model names one for the task. */
  lengthOf(task: EncodeTask): number;
  /** Special tokens around a text count towards the length of the input. */
  readonly specialTokens: boolean;
  /** Starts a worker on each of the devices; none without inference. */
  startWorkers(devices: readonly Device[]): Promise<readonly WorkerPool[]>;
  /** The workers that serve calls without a pool of their own; none without inference. */
  readonly ownWorkers: WorkerPool | undefined;
  /** Embeds the texts of a window, in order. Stops, with any error, between batches when `ended` says so. */
  embed(window: EmbedWindow, call: EmbedCall, ended?: () => boolean): Promise<Matrix>;
  /** Lets batches under way finish, then frees what the embedder holds. */
  close(): Promise<void>;
  /** Drops what waits, then frees what the embedder holds. */
  destroy(): Promise<void>;
}

/** A batch failed in two workers. */
export class BatchFailure extends SparseEncoderError {
  /** Position in the call of the first text of the batch. */
  readonly first: number;

  constructor(message: string, first: number, cause: unknown) {
    super("WORKER_FAILED", message, { cause });
    this.first = first;
  }
}
