import { aborted, onAbort } from "../../calls/index.ts";
import { connectionFailure } from "./failure.ts";
import { type HubTiming, progressBytes } from "./timing.ts";

/** Stops a request when the caller's signal is aborted, or the server is silent or too slow for too long. */
export class HubWatch {
  private readonly controller = new AbortController();
  private readonly timing: HubTiming;
  private readonly caller: AbortSignal | undefined;
  private timer: NodeJS.Timeout | undefined;
  /** What the server did, if it was stopped for that. */
  private fault: string | undefined;
  private stallTimer: NodeJS.Timeout | undefined;
  private bytes = 0;
  private readonly leave: (() => void) | undefined;

  constructor(timing: HubTiming, caller: AbortSignal | undefined) {
    this.timing = timing;
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
    this.timer = this.abortAfter(this.timing.silence, "silent");
    this.stallTimer ??= this.abortAfter(this.timing.stall, "too slow");
  }

  /** Bytes of a body have come. */
  progress(bytes: number): void {
    this.bytes += bytes;
    if (this.bytes < progressBytes) return;
    this.bytes = 0;
    clearTimeout(this.stallTimer);
    this.stallTimer = undefined;
  }

  stop(): void {
    clearTimeout(this.timer);
  }

  close(): void {
    this.stop();
    clearTimeout(this.stallTimer);
    this.leave?.();
  }

  failure(thrown: unknown, doing: string, token: string | undefined): Error {
    if (this.caller?.aborted) return aborted(this.caller);
    if (this.fault === undefined) return connectionFailure(thrown, doing, token);
    const stopped = Object.assign(new Error(this.fault), { code: "ETIMEDOUT" });
    return connectionFailure(stopped, doing, token);
  }

  private abortAfter(milliseconds: number, what: string): NodeJS.Timeout {
    return setTimeout(() => {
      this.fault = `${what} for ${milliseconds / 1000} seconds`;
      this.controller.abort();
    }, milliseconds);
  }
}
