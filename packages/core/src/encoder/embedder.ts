import type { Tokenizer } from "../model/index.ts";

/** Everything one call needs, checked and complete. */
export interface EmbedCall {
  readonly prompt: string;
  readonly batchSize: number;
  /** 0 for no limit. */
  readonly maxActiveDims: number;
  readonly signal: AbortSignal | undefined;
  /** Called with the number of texts of each finished batch. */
  readonly onTexts: (texts: number) => void;
}

/** From texts to the rows of a matrix. */
export interface Embedder<Matrix> {
  readonly tokenizer: Tokenizer;
  /** Longest input in tokens, as it is set now. */
  maxSeqLength: number;
  /** Longest input in tokens that can be set. */
  readonly longestInput: number;
  /** Special tokens around a text count towards the length of the input. */
  readonly specialTokens: boolean;
  /** Embeds texts as one window, in order. Stops, with any error, between batches when `ended` says so. */
  embed(texts: readonly string[], call: EmbedCall, ended?: () => boolean): Promise<Matrix>;
}

/**
 * Embeds windows of texts, in order. The next window is worked on while the caller has the current one, and no
 * further: memory is bounded by two windows.
 */
export async function* embedWindows<Matrix>(
  embedder: Embedder<Matrix>,
  windows: AsyncIterable<readonly string[]> | Iterable<readonly string[]>,
  call: EmbedCall,
): AsyncGenerator<Matrix> {
  let ahead: Promise<Matrix> | undefined;
  let ended = false;
  try {
    for await (const texts of windows) {
      const current = ahead;
      ahead = embedder.embed(texts, call, () => ended);
      // Whoever stops taking rows must not leave an unhandled rejection behind.
      ahead.catch(() => {});
      if (current !== undefined) yield await current;
    }
    if (ahead !== undefined) yield await ahead;
  } finally {
    // After an error, or when the caller leaves early: the window ahead is wanted by nobody.
    ended = true;
  }
}
