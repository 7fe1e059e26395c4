import { pause, throwIfAborted } from "./abort.ts";

/** How often a call is tried again, and how long it waits before. */
export interface RetryRule {
  /** Tries after the first one. */
  readonly retries: number;
  /** Milliseconds before the second try; each further wait is twice as long, up to 5 s, give or take a quarter. */
  readonly delay: number;
}

/** Longest wait between two tries, in milliseconds. */
const maximumDelay = 5000;

/**
 * Calls again what failed in a way that may pass.
 * @param mayPass whether a later try may succeed after this error
 * @throws SparseEncoderError `ABORTED`; the last error of `call`
 */
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
    await pause(Math.min(maximumDelay, delay * 2 ** failures) * (0.75 + Math.random() / 2), signal);
  }
}
