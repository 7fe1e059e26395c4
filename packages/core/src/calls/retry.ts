import { pause, throwIfAborted } from "./abort.ts";

/** How often a call is tried again, and how long it waits before. */
export interface RetryRule {
  /** Tries after the first one. */
  readonly retries: number;
  /** Milliseconds before the second try; each further wait is twice as long, up to 5 s, give or take a quarter. */
  readonly delay: number;
  /** Milliseconds that an error asks to wait, such as by a header `Retry-After`: up to a minute of it is waited for. */
  readonly askedWait?: ((error: unknown) => number | undefined) | undefined;
}

/** Longest wait between two tries, in milliseconds. */
const maximumDelay = 5000;

/** Longest wait that an error may ask for, in milliseconds. */
export const maximumAskedWait = 60_000;

/**
 * Calls again what failed in a way that may pass.
 * @param mayPass whether a later try may succeed after this error
 * @throws SparseEncoderError `ABORTED`; the last error of `call`
 */
export async function withRetries<Result>(
  { retries, delay, askedWait }: RetryRule,
  signal: AbortSignal | undefined,
  mayPass: (error: unknown) => boolean,
  call: () => Promise<Result>,
): Promise<Result> {
  for (let failures = 0; ; failures++) {
    throwIfAborted(signal);
    let asked = 0;
    try {
      return await call();
    } catch (error) {
      if (failures >= retries || !mayPass(error)) throw error;
      asked = Math.min(maximumAskedWait, askedWait?.(error) ?? 0);
    }
    const own = Math.min(maximumDelay, delay * 2 ** failures) * (0.75 + Math.random() / 2);
    await pause(Math.max(own, asked), signal);
  }
}
