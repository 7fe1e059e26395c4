import { setMaxListeners } from "node:events";
import { SparseEncoderError } from "../errors.ts";
import { aborted, onAbort, raceSignal } from "./abort.ts";

/**
 * The time that a piece of work has: until its signal aborts, the deadline that it is part of ends, or its own
 * milliseconds are over. Nothing of it is left once it is disposed.
 */
export class Deadline implements Disposable {
  private readonly controller = unlimited(new AbortController());
  private readonly timer: NodeJS.Timeout | undefined;
  private readonly leave: (() => void) | undefined;

  /**
   * @param parent a signal of the caller, whose abort becomes an `ABORTED` error, or the deadline of the whole
   * @param timeout milliseconds; undefined for no limit
   * @param work for the message
   */
  constructor(parent: Deadline | AbortSignal | undefined, timeout: number | undefined, work: string) {
    const whole = parent instanceof Deadline;
    const above = whole ? parent.signal : parent;
    if (above !== undefined) {
      const passOn = () => this.end(whole ? above.reason : aborted(above));
      if (above.aborted) passOn();
      this.leave = onAbort(above, passOn);
    }
    if (timeout !== undefined) {
      const over = new SparseEncoderError("TIMEOUT", `${work} took longer than its ${timeout} ms.`);
      this.timer = setTimeout(() => this.end(over), timeout);
    }
  }

  /** For the work; aborts with the error of {@link Deadline.race}. */
  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** Ends the time with this error. */
  end(error: unknown): void {
    this.controller.abort(error);
  }

  /** The result of the work, or the error by which its time ended, even if the work itself never does. */
  race<Result>(work: (signal: AbortSignal) => Result | PromiseLike<Result>): Promise<Result> {
    const { signal } = this;
    if (signal.aborted) return Promise.reject(signal.reason);
    return raceSignal(signal, (async () => work(signal))(), () => signal.reason);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.timer);
    this.leave?.();
  }
}

/** Many searches of one call listen to one signal, and Node would warn of a leak. */
function unlimited(controller: AbortController): AbortController {
  setMaxListeners(0, controller.signal);
  return controller;
}
