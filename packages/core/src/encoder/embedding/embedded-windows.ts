import { throwIfAborted, unlessAborted } from "../../calls/index.ts";
import { BatchFailure, type EmbedCall, type EmbedWindow, type RowEmbedder } from "./row-embedder.ts";

/**
 * Embeds windows of texts, in order. The next window is worked on while the caller has the current one, and no
 * further: memory is bounded by two windows. The texts before a batch that fails come before its error.
 */
export async function* embedWindows<Matrix>(
  embedder: RowEmbedder<Matrix>,
  windows: AsyncGenerator<EmbedWindow>,
  call: EmbedCall,
): AsyncGenerator<Matrix> {
  let ahead: Promise<WindowRows<Matrix>> | undefined;
  let ended = false;
  let reading = false;
  let failure: { readonly error: unknown } | undefined;
  try {
    do {
      // What came before the source failed belongs to the caller all the same.
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
    // After an error, or when the caller leaves early: nobody wants the window ahead.
    ended = true;
    const closing = windows.return(undefined);
    // After an abort the source may be silent for ever; it is closed with the next text.
    if (reading) closing.catch(() => {});
    else await closing;
  }
}

interface WindowRows<Matrix> {
  readonly matrix: Matrix;
  /** Set if the matrix has only the texts before a batch that failed. */
  readonly error?: BatchFailure;
}

async function rowsOf<Matrix>(
  embedder: RowEmbedder<Matrix>,
  window: EmbedWindow,
  call: EmbedCall,
  ended: () => boolean,
): Promise<WindowRows<Matrix>> {
  try {
    return { matrix: await embedder.embed(window, call, ended) };
  } catch (error) {
    if (!(error instanceof BatchFailure) || error.first === window.first) throw error;
    const before = { ...window, texts: window.texts.slice(0, error.first - window.first) };
    // Some of these texts were counted before.
    return { error, ...(await rowsOf(embedder, before, { ...call, onTexts: () => {} }, ended)) };
  }
}
