import { onAbort } from "./abort.ts";

/**
 * Applies `work` to each item, to at most `limit` items at once.
 *
 * The first failure aborts the signal that the other calls of `work` received, no further item is begun, and the failure
 * is thrown once all calls have settled.
 *
 * @param caller its abort is passed on to the signal of the work
 * @returns results in the order of the items
 */
export async function mapInParallel<Item, Result>(
  items: readonly Item[],
  limit: number,
  work: (item: Item, position: number, signal: AbortSignal) => Promise<Result>,
  caller?: AbortSignal,
): Promise<Result[]> {
  const stop = new AbortController();
  const passOn = (): void => stop.abort(caller?.reason);
  if (caller?.aborted) passOn();
  const leave = caller === undefined ? undefined : onAbort(caller, passOn);
  const results = new Array<Result>(items.length);
  const failures: unknown[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < items.length && failures.length === 0) {
      const position = next++;
      try {
        results[position] = await work(items[position]!, position, stop.signal);
      } catch (error) {
        failures.push(error);
        stop.abort(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, lane));
  leave?.();
  if (failures.length > 0) throw failures[0];
  return results;
}
