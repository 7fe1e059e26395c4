import { throwIfAborted, unlessAborted } from "../../calls/index.ts";
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
  /** Called with the number of texts of each finished batch. */
  readonly onTexts: (texts: number) => void;
}

/** Part of a call: some of its texts. */
export interface EmbedWindow {
  readonly texts: readonly string[];
  /** Position of the first text in the call, for messages. */
  readonly first: number;
}

/** From texts to the rows of a matrix. */
export interface Embedder<Matrix> {
  readonly tokenizer: Tokenizer;
  /** Longest input in tokens, as it is set now. */
  maxSeqLength: number;
  /** Longest input in tokens that can be set. */
  readonly longestInput: number;
  /** Longest input in tokens of a task: {@link Embedder.maxSeqLength}, unless the model names one for the task. */
  lengthOf(task: EncodeTask): number;
  /** Special tokens around a text count towards the length of the input. */
  readonly specialTokens: boolean;
  /** Most workers that share the texts of a call; 0 without inference. */
  readonly workers: number;
  /** Starts a worker on each of the devices; none without inference. */
  readonly startWorkers: (devices: readonly Device[]) => Promise<readonly WorkerPool[]>;
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

/**
 * Embeds windows of texts, in order. The next window is worked on while the caller has the current one, and no
 * further: memory is bounded by two windows. The texts before a batch that fails come before its error.
 */
export async function* embedWindows<Matrix>(
  embedder: Embedder<Matrix>,
  windows: AsyncGenerator<EmbedWindow>,
  call: EmbedCall,
): AsyncGenerator<Matrix> {
  let ahead: Promise<WindowRows<Matrix>> | undefined;
  let ended = false;
  let reading = false;
  let failure: { readonly error: unknown } | undefined;
  try {
    do {
      // What came before the source failed is the caller's all the same.
      reading = true;
      const read = windows.next().finally(() => {
        reading = false;
      });
      const step = await unlessAborted(call.signal, read).catch((error: unknown) => {
        throwIfAborted(call.signal);
        failure = { error };
      });
      const current = ahead;
      ahead = step?.done === false ? rowsOf(embedder, step.value, call, () => ended) : undefined;
      // Whoever stops taking rows must not leave an unhandled rejection behind.
      ahead?.catch(() => {});
      if (current === undefined) continue;
      const { matrix, error } = await current;
      yield matrix;
      if (error !== undefined) throw error;
    } while (ahead !== undefined);
    if (failure !== undefined) throw failure.error;
  } finally {
    // After an error, or when the caller leaves early: the window ahead is wanted by nobody.
    ended = true;
    const closing = windows.return(undefined);
    // After an abort the source may be silent for ever; it is closed with the next text.
    if (reading) closing.catch(() => {});
    else await closing;
  }
}

interface WindowRows<Matrix> {
  readonly matrix: Matrix;
  /** Set if the matrix has the texts before a batch that failed alone. */
  readonly error?: BatchFailure;
}

async function rowsOf<Matrix>(
  embedder: Embedder<Matrix>,
  window: EmbedWindow,
  call: EmbedCall,
  ended: () => boolean,
): Promise<WindowRows<Matrix>> {
  try {
    return { matrix: await embedder.embed(window, call, ended) };
  } catch (error) {
    if (!(error instanceof BatchFailure) || error.first === window.first) throw error;
    const before = { ...window, texts: window.texts.slice(0, error.first - window.first) };
    // Some of them were counted before.
    return { error, ...(await rowsOf(embedder, before, { ...call, onTexts: () => {} }, ended)) };
  }
}
