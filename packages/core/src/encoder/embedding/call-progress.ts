import type { EncodeProgress } from "../encode-options.ts";

/** Counts the texts of one call as they are done, and tells the caller. */
export class CallProgress {
  private readonly started = performance.now();
  private readonly total: number | undefined;
  private readonly onProgress: ((progress: EncodeProgress) => void) | undefined;
  private done = 0;

  /** @param total texts of the call; undefined for a stream */
  constructor(total: number | undefined, onProgress: ((progress: EncodeProgress) => void) | undefined) {
    this.total = total;
    this.onProgress = onProgress;
  }

  /** Counts the texts of a finished batch. */
  add(texts: number): void {
    this.done += texts;
    const seconds = (performance.now() - this.started) / 1000;
    this.onProgress?.({ done: this.done, total: this.total, textsPerSecond: this.done / seconds });
  }
}
