/** Signals that ask a process to end. */
const endSignals = ["SIGINT", "SIGTERM"] as const;

/** Aborts on the first Ctrl-C, so that a command ends in order; the second one ends the process at once. */
export class Interruption implements Disposable {
  private readonly controller = new AbortController();
  private readonly onSignal = () => {
    if (this.controller.signal.aborted) process.exit(130);
    this.controller.abort(new Error("Interrupted"));
  };

  constructor() {
    for (const signal of endSignals) process.on(signal, this.onSignal);
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  [Symbol.dispose](): void {
    for (const signal of endSignals) process.off(signal, this.onSignal);
  }
}

/** Resolves when the signal aborts, at once if it has. */
export function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
