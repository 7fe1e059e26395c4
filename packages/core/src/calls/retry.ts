import { setTimeout as sleep } from "node:timers/promises";
import { aborted, throwIfAborted } from "../errors.ts";

/** How often a call is tried again, and how long it waits before. */
export interface RetryRule {
  /** Tries after the first one. */
  readonly retries: number;
  /** Milliseconds before the second try; each further wait is twice as long, up to 5 s, give or take a quarter. */
  readonly delay: number;
}

const longestDelay = 5000;

/** Calls again what failed in a way that may pass. */
export async function withRetries<Result>(
  { retries, delay }: RetryRule,
  signal: AbortSignal | undefined,
  mayPass: (error: unknown) => boolean,
  call: () => Promise<Result>,
): Promise<Result> {
  for (let failures = 0; ; failures++) {
    throwIfAborted(signal);
    try {
      return await call();
    } catch (error) {
      if (failures >= retries || !mayPass(error)) throw error;
    }
    const wait = Math.min(longestDelay, delay * 2 ** failures) * (0.75 + Math.random() / 2);
    // Its error would say no more than the signal does.
    await sleep(wait, undefined, signal === undefined ? {} : { signal }).catch(() => {});
  }
}

/** Ends the wait for a promise when the signal is aborted; what the promise stands for may go on. */
export function untilAborted<Result>(
  promise: Promise<Result>,
  signal: AbortSignal | undefined,
): Promise<Result> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const stop = () => reject(aborted(signal));
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
  });
}
