import { SparseEncoderError } from "../errors.ts";

/** The listeners of each signal. */
const waitingFor = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls `listener` when the signal aborts; not if it was aborted before. All callers share one listener of the signal: one
 * signal may serve any number of calls, and Node warns of more than ten listeners.
 *
 * @param listener a function of this caller only; does not throw
 * @returns removes the listener; the last one to go leaves nothing on the signal
 */
export function onAbort(signal: AbortSignal, listener: () => void): () => void {
  if (signal.aborted) return () => {};
  let listeners = waitingFor.get(signal);
  if (listeners === undefined) {
    listeners = new Set();
    waitingFor.set(signal, listeners);
    signal.addEventListener("abort", callListeners);
  }
  listeners.add(listener);
  return () => {
    if (waitingFor.get(signal)?.delete(listener) && listeners.size === 0) forget(signal);
  };
}

function callListeners({ target }: Event): void {
  const signal = target as AbortSignal;
  const listeners = waitingFor.get(signal) ?? [];
  forget(signal);
  for (const listener of listeners) listener();
}

function forget(signal: AbortSignal): void {
  waitingFor.delete(signal);
  signal.removeEventListener("abort", callListeners);
}

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
    if (signal.aborted) stop();
    const leave = onAbort(signal, stop);
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
 * Waits for a number of milliseconds.
 * @throws SparseEncoderError `ABORTED` as soon as the signal is aborted
 */
export async function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds);
  });
  try {
    await unlessAborted(signal, over);
  } finally {
    clearTimeout(timer);
  }
}
