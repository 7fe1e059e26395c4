import { setImmediate } from "node:timers/promises";
import { throwIfAborted } from "../../calls/index.ts";

/** Milliseconds of work between two moments in which other work of the process has its turn. */
const turnMilliseconds = 5;

/** Steps between two looks at the clock, which would take longer than a step. */
const stepsPerLook = 8;

/** Lets other work of the process have its turn in a long calculation, and ends it when its signal is aborted. */
export class Turns {
  private readonly signal: AbortSignal | undefined;
  private steps = 0;
  private last = performance.now();

  constructor(signal: AbortSignal | undefined) {
    this.signal = signal;
  }

  /** To be called after each small step; `await` what it returns, if it returns something. */
  step(): Promise<void> | undefined {
    if (++this.steps % stepsPerLook !== 0 || performance.now() - this.last < turnMilliseconds)
      return undefined;
    return this.pause();
  }

  /** @throws SparseEncoderError `ABORTED` */
  async pause(): Promise<void> {
    await setImmediate();
    throwIfAborted(this.signal);
    this.last = performance.now();
  }
}
