import { aborted, onAbort } from "../../calls/index.ts";
import { connectionFailure } from "./failure.ts";

/** Stops a request when the caller's signal is aborted or the server is silent for too long. */
export class HubWatch {
  private readonly controller = new AbortController();
  private readonly silence: number;
  private readonly caller: AbortSignal | undefined;
  private timer: NodeJS.Timeout | undefined;
  private silent = false;
  private readonly leave: (() => void) | undefined;

  constructor(silence: number, caller: AbortSignal | undefined) {
    this.silence = silence;
    this.caller = caller;
    const passOn = (): void => this.controller.abort();
    if (caller?.aborted) passOn();
    this.leave = caller === undefined ? undefined : onAbort(caller, passOn);
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  start(): void {
    this.stop();
    this.timer = setTimeout(() => {
      this.silent = true;
      this.controller.abort();
    }, this.silence);
  }

  stop(): void {
    clearTimeout(this.timer);
  }

  close(): void {
    this.stop();
    this.leave?.();
  }

  failure(thrown: unknown, doing: string, token: string | undefined): Error {
    if (this.caller?.aborted) return aborted(this.caller);
    if (!this.silent) return connectionFailure(thrown, doing, token);
    const silence = Object.assign(new Error(`silent for ${this.silence / 1000} seconds`), {
      code: "ETIMEDOUT",
    });
    return connectionFailure(silence, doing, token);
  }
}
