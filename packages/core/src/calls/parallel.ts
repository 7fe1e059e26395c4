import { onAbort } from "./abort.ts";
import { WorkQueue } from "./work-queue.ts";

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
  const results = new Array<Result>(items.length);
  const queue = new WorkQueue(Math.min(limit, Math.max(1, items.length)));
  await forEachInParallel(
    items,
    queue,
    async (item, position, signal) => {
      results[position] = await work(item, position, signal);
    },
    caller,
  );
  return results;
}

/**
 * Applies `work` to each item, as the queue has room, which several calls may share: an item is asked for when its turn comes,
 * so no more of them are in memory than the queue runs at once. Failures as in {@link mapInParallel}.
 */
export async function forEachInParallel<Item>(
  items: Iterable<Item> | AsyncIterable<Item>,
  queue: WorkQueue,
  work: (item: Item, position: number, signal: AbortSignal) => Promise<void>,
  caller?: AbortSignal,
): Promise<void> {
  const stop = new AbortController();
  const passOn = (): void => stop.abort(caller?.reason);
  if (caller?.aborted) passOn();
  const leave = caller === undefined ? undefined : onAbort(caller, passOn);
  const iterator = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
  const failures: unknown[] = [];
  let ended = false;
  let begun = 0;
  const step = async (): Promise<void> => {
    if (ended || failures.length > 0) return;
    try {
      const pulled = iterator.next();
      const next = pulled instanceof Promise ? await pulled : pulled;
      if (next.done === true) ended = true;
      else if (failures.length === 0) await work(next.value, begun++, stop.signal);
    } catch (error) {
      failures.push(error);
      stop.abort(error);
    }
  };
  const lane = async (): Promise<void> => {
    while (!ended && failures.length === 0) await queue.add(step);
  };
  await Promise.all(Array.from({ length: queue.mostRunning }, lane));
  leave?.();
  if (failures.length === 0) return;
  // Not awaited: a source that hangs may hang here too.
  if (!ended) Promise.resolve(iterator.return?.()).catch(() => {});
  throw failures[0];
}
