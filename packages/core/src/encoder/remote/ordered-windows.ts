import { throwIfAborted, unlessAborted } from "../../calls/index.ts";

/**
 * Works on windows as they come, several at once, and gives the results in the order of the windows. The source is read at most
 * `ahead` windows further than the caller took results. What came before a window that fails, or before a failure of the source,
 * comes before its error. Leaving the loop aborts the signal of the work and closes the source.
 *
 * @param ahead windows under way at once
 */
export async function* inOrder<Window, Result>(
  windows: AsyncGenerator<Window>,
  ahead: number,
  work: (window: Window, signal: AbortSignal) => Promise<Result>,
  caller: AbortSignal | undefined,
): AsyncGenerator<Result> {
  const stop = new AbortController();
  const signal = caller === undefined ? stop.signal : AbortSignal.any([caller, stop.signal]);
  const results: Promise<Result>[] = [];
  let reading: Promise<void> | undefined;
  let isOver = false;
  let failure: { readonly error: unknown } | undefined;
  const take = async (): Promise<void> => {
    try {
      const step = await windows.next();
      if (step.done) isOver = true;
      else {
        const result = work(step.value, signal);
        // It is awaited in its turn.
        result.catch(() => {});
        results.push(result);
      }
    } catch (error) {
      isOver = true;
      failure = { error };
    } finally {
      reading = undefined;
    }
  };
  try {
    for (;;) {
      throwIfAborted(caller);
      if (!isOver && results.length < ahead) reading ??= take();
      const [head] = results;
      if (head === undefined && reading === undefined) break;
      const next = head?.then(
        () => true,
        () => true,
      );
      const isHead = await unlessAborted(
        caller,
        Promise.race([...(next === undefined ? [] : [next]), ...(reading === undefined ? [] : [reading])]),
      );
      if (isHead === true) yield await results.shift()!;
    }
    if (failure !== undefined) throw failure.error;
  } finally {
    stop.abort();
    const closing = windows.return(undefined);
    // A source that is silent is closed with its next text.
    if (reading === undefined) await closing;
    else closing.catch(() => {});
  }
}
