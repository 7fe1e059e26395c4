import { setTimeout as sleep } from "node:timers/promises";
import { SparseEncoderError } from "../errors.ts";

/** The error for a call whose signal was aborted. */
export function aborted(signal: AbortSignal): SparseEncoderError {
  return new SparseEncoderError("ABORTED", "The call was aborted by its signal.", { cause: signal.reason });
}

/** Throws an `ABORTED` error if the signal is aborted. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw aborted(signal);
}

/**
 * The result of `work`, or an `ABORTED` error as soon as the signal is aborted. The work itself may go on; its later
 * failure is not reported.
 */
export function unlessAborted<Result>(
  signal: AbortSignal | undefined,
  work: Promise<Result>,
): Promise<Result> {
  if (signal === undefined) return work;
  return raceSignal(signal, work, () => aborted(signal));
}

/** The result of `work`, or the error of `reason` as soon as the signal is aborted. Leaves no listener behind. */
export function raceSignal<Result>(
  signal: AbortSignal,
  work: PromiseLike<Result>,
  reason: () => unknown,
): Promise<Result> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(reason());
    const leave = () => signal.removeEventListener("abort", stop);
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
    work.then(
      (result) => {
        leave();
        resolve(result);
      },
      (error) => {
        leave();
        // Work that heeds the signal fails because of it.
        reject(signal.aborted ? reason() : error);
      },
    );
  });
}

/**
 * Waits.
 * @throws SparseEncoderError `ABORTED` as soon as the signal is aborted
 */
export async function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(milliseconds, undefined, signal === undefined ? {} : { signal });
  } catch (error) {
    throw signal?.aborted ? aborted(signal) : error;
  }
}
