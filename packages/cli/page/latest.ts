import { clearOutage, reportFailure } from "./notice.ts";

/** Milliseconds after which a person sees that an answer is awaited. */
const busyAfter = 400;

/** Keeps one request at a time: a newer one ends the one before. */
export class Latest {
  private controller = new AbortController();
  private readonly region: HTMLElement;

  /** @param region what the answer changes; it looks busy while an answer takes long */
  constructor(region: HTMLElement) {
    this.region = region;
  }

  /** Runs work that asks the server; what fails is shown to the person. */
  async run(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    this.controller.abort();
    const controller = new AbortController();
    this.controller = controller;
    const timer = setTimeout(() => this.region.setAttribute("aria-busy", "true"), busyAfter);
    try {
      await work(controller.signal);
      clearOutage();
    } catch (error) {
      if (!controller.signal.aborted) reportFailure(error);
    } finally {
      clearTimeout(timer);
      if (this.controller === controller) this.region.removeAttribute("aria-busy");
    }
  }

  /** Ends the request that is under way. */
  stop(): void {
    this.controller.abort();
  }
}
