import { planBatches } from "../runtime/index.ts";

/** A batch of texts that were tokenized. */
export interface PlannedBatch {
  /** Positions of the texts in the call. */
  readonly positions: readonly number[];
  /** Token ids of each. */
  readonly ids: readonly Int32Array[];
}

/** Batches that one worker takes, one after the other. */
export type BatchUnit = readonly PlannedBatch[];

export interface BatchSourceOptions {
  /** Token ids of texts, in their order. */
  readonly tokenize: (texts: readonly string[]) => Promise<readonly Int32Array[]>;
  /** Most texts of a batch. */
  readonly batchSize: number;
  /** Most tokens of a batch, padding included. */
  readonly batchTokens: number;
  /** Texts that one worker takes at a time; undefined: a batch at a time, so that all workers share the work evenly. */
  readonly chunkSize: number | undefined;
  /** Units that wait, at most; more texts are tokenized when there are fewer. */
  readonly lookahead: number;
}

/** Texts that are tokenized at once without `chunkSize`, enough to sort them by tokens; fewer while workers wait for them. */
const blockSize = 256;
const firstBlockSize = 32;

/**
 * The batches of one call, planned while others run. All texts are sorted by their length in characters first, longest
 * first, so that neighbours have about as many tokens; each block of them is then tokenized and sorted by tokens.
 */
export class BatchSource {
  private readonly texts: readonly string[];
  private readonly options: BatchSourceOptions;
  private readonly order: readonly number[];
  private readonly ready: BatchUnit[] = [];
  private start = 0;
  private ahead: Promise<void> | undefined;

  constructor(texts: readonly string[], options: BatchSourceOptions) {
    this.texts = texts;
    this.options = options;
    this.order = texts
      .map((_, position) => position)
      .sort((a, b) => texts[b]!.length - texts[a]!.length || a - b);
  }

  /** The next unit; undefined when all were taken. Any number of workers may ask at once. */
  async next(): Promise<BatchUnit | undefined> {
    for (;;) {
      if (this.ready.length < this.options.lookahead) this.planAhead();
      const unit = this.ready.shift();
      if (unit !== undefined || this.ahead === undefined) return unit;
      await this.ahead;
    }
  }

  /** True if the unit that was just taken is all there is and was. */
  isOnly(unit: BatchUnit): boolean {
    return unit.length === 1 && unit[0]!.positions.length === this.texts.length;
  }

  /** Nothing is handed out from now on. */
  end(): void {
    this.start = this.order.length;
    this.ready.length = 0;
  }

  private planAhead(): void {
    if (this.ahead !== undefined || this.start >= this.order.length) return;
    const size = this.options.chunkSize ?? (this.start === 0 ? firstBlockSize : blockSize);
    const positions = this.order.slice(this.start, this.start + size);
    this.start += positions.length;
    this.ahead = this.plan(positions).finally(() => {
      this.ahead = undefined;
    });
    // Whoever waits for it sees the failure; if nobody does, the call has failed before.
    this.ahead.catch(() => {});
  }

  private async plan(positions: readonly number[]): Promise<void> {
    const { tokenize, batchSize, batchTokens, chunkSize } = this.options;
    const ids = await tokenize(positions.map((position) => this.texts[position]!));
    const limits = { batchSize, tokens: batchTokens };
    const planned = planBatches(
      ids.map((row) => row.length),
      limits,
    ).map((batch) => ({
      positions: batch.map((place) => positions[place]!),
      ids: batch.map((place) => ids[place]!),
    }));
    if (chunkSize === undefined) this.ready.push(...planned.map((batch) => [batch]));
    else this.ready.push(planned);
  }
}
