import type { EncodeProgress, EncodeStatistics } from "../encode-options.ts";
import type { TextCounts } from "./row-embedder.ts";

/** Counts the texts of one call as they are done, and tells the caller. */
export class CallProgress {
  private readonly started = performance.now();
  private readonly total: number | undefined;
  private readonly onProgress: ((progress: EncodeProgress) => void) | undefined;
  private texts = 0;
  private cutTexts = 0;
  private tokens = 0;

  /** @param total texts of the call; undefined for a stream */
  constructor(total: number | undefined, onProgress: ((progress: EncodeProgress) => void) | undefined) {
    this.total = total;
    this.onProgress = onProgress;
  }

  /** What was counted so far. */
  get statistics(): EncodeStatistics {
    const { texts, cutTexts, tokens } = this;
    return { texts, cutTexts, tokens };
  }

  /** Counts the texts of a finished batch. */
  add({ texts, cutTexts, tokens }: TextCounts): void {
    this.texts += texts;
    this.cutTexts += cutTexts;
    this.tokens += tokens;
    const seconds = (performance.now() - this.started) / 1000;
    this.onProgress?.({
      done: this.texts,
      total: this.total,
      textsPerSecond: this.texts / seconds,
      cutTexts: this.cutTexts,
    });
  }
}
