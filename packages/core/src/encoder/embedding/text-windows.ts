import { throwIfAborted } from "../../calls/index.ts";
import { invalidArgument, received } from "../../errors.ts";
import { checkText } from "../encode-options.ts";
import type { EmbedWindow } from "./row-embedder.ts";

/**
 * Cuts a stream into windows, checking each text; the error names its position in the stream. The texts before one that
 * fails come first, in a shorter window.
 *
 * @throws SparseEncoderError `INVALID_ARGUMENT` for what is not iterable, `INVALID_TEXT`, `ABORTED`
 */
export async function* windowsOf(
  call: string,
  texts: Iterable<unknown> | AsyncIterable<unknown>,
  size: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<EmbedWindow> {
  const iterable =
    typeof texts === "object" &&
    texts !== null &&
    (Symbol.iterator in texts || Symbol.asyncIterator in texts);
  if (!iterable) {
    throw invalidArgument(`${call}: texts must be an iterable of strings, received ${received(texts)}.`);
  }
  let window: string[] = [];
  let first = 0;
  try {
    for await (const text of texts) {
      throwIfAborted(signal);
      checkText(call, text, first + window.length);
      window.push(text);
      if (window.length === size) {
        yield { texts: window, first };
        first += size;
        window = [];
      }
    }
  } catch (error) {
    if (window.length > 0) yield { texts: window, first };
    throw error;
  }
  if (window.length > 0) yield { texts: window, first };
}
