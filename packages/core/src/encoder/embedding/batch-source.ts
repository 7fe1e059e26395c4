import type { TokenizedText } from "../../model/index.ts";
import { type BatchLimits, planBatches, textsOfBatch } from "../../runtime/index.ts";

/** A batch of texts that were tokenized. */
export interface PlannedBatch {
  /** Positions of the texts in the call. */
  readonly positions: readonly number[];
  /** Token ids of each text. */
  readonly ids: readonly Int32Array[];
  /** Of pairs of texts: place of the first token of type 1 in each; the number of ids elsewhere. */
  readonly typeStarts: readonly number[];
  /** Number of texts that were cut. */
  readonly cutTexts: number;
}

/** Batches that one worker takes, one after the other. */
export type BatchUnit = readonly PlannedBatch[];

export interface BatchSourceOptions<Text> {
  /** Token ids of texts, or of pairs of texts, in their order. */
  readonly tokenize: (texts: readonly Text[]) => Promise<readonly TokenizedText[]>;
  /** UTF-16 units of a text. */
  readonly lengthOf: (text: Text) => number;
  /** Texts that one worker takes at a time; undefined: a batch at a time, so that all workers share the work evenly. */
  readonly chunkSize: number | undefined;
  /** Batches whose texts wait, at most; more texts are tokenized when there are fewer. */
  readonly lookahead: number;
  /** Blocks that are tokenized at once. Default 1. */
  readonly tokenizing?: number | undefined;
}

/** A text that was tokenized, and its position in the call. */
interface PlacedText extends TokenizedText {
  readonly position: number;
}

/** Texts that are tokenized at once without `chunkSize`, enough to sort them by tokens; fewer while workers wait for them. */
const blockSize = 256;
const firstBlockSize = 32;

/** Part of the texts before it that a block has, where several blocks are tokenized at once: the first ones are soon done. */
const blockGrowth = 0.25;

/**
 * The batches of one call, planned while others run. All texts are sorted by their length in characters first, longest
 * first, so that neighbours have about as many tokens; each block of them is then tokenized and sorted by tokens. Whoever
 * takes a batch says how large it may be, so that unequal devices share a call.
 */
export class BatchSource<Text> {
  private readonly texts: readonly Text[];
  private readonly options: BatchSourceOptions<Text>;
  private readonly order: readonly number[];
  /** Tokenized blocks that nobody has taken yet, longest texts first in each. */
  private readonly blocks: PlacedText[][] = [];
  private readonly ahead = new Set<Promise<void>>();
  private start = 0;
  /** Texts of the batch that was taken last. */
  private lastSize = 0;
  private failure: { readonly error: unknown } | undefined;

  constructor(texts: readonly Text[], options: BatchSourceOptions<Text>) {
    this.texts = texts;
    this.options = options;
    const lengths = texts.map(options.lengthOf);
    this.order = texts.map((_, position) => position).sort((a, b) => lengths[b]! - lengths[a]! || a - b);
  }

  /** The next unit, of batches within these limits; undefined when all were taken. Any number of workers may ask at once. */
  async next(limits: BatchLimits): Promise<BatchUnit | undefined> {
    for (;;) {
      // It may have come while nobody waited.
      if (this.failure !== undefined) throw this.failure.error;
      this.planAhead();
      const unit = this.take(limits);
      if (unit !== undefined || this.ahead.size === 0) return unit;
      await Promise.race(this.ahead);
    }
  }

  /** True if the unit that was just taken is all there is and was. */
  isOnly(unit: BatchUnit): boolean {
    return unit.length === 1 && unit[0]!.positions.length === this.texts.length;
  }

  /** Nothing is handed out from now on. */
  end(): void {
    this.start = this.order.length;
    this.blocks.length = 0;
  }

  /** From the first block: a batch, or all of it where the caller chose the chunks. */
  private take(limits: BatchLimits): BatchUnit | undefined {
    const [block] = this.blocks;
    if (block === undefined) return undefined;
    if (this.options.chunkSize !== undefined) {
      this.blocks.shift();
      const counts = block.map(({ ids }) => ids.length);
      return planBatches(counts, limits).map((batch) => toBatch(batch.map((place) => block[place]!)));
    }
    const joined = this.blockFor(limits);
    const batch = joined.splice(0, textsOfBatch(joined[0]!.ids.length, limits));
    if (joined.length === 0) this.blocks.shift();
    this.lastSize = batch.length;
    return [toBatch(batch)];
  }

  /** The first block, joined with those behind it until it has a whole batch: one of few texts wastes a wide device. */
  private blockFor(limits: BatchLimits): PlacedText[] {
    for (;;) {
      const [first, second] = this.blocks;
      if (second === undefined || first!.length >= textsOfBatch(first![0]!.ids.length, limits)) return first!;
      this.blocks.splice(0, 2, longestFirst([...first!, ...second]));
    }
  }

  private planAhead(): void {
    const { tokenizing = 1, chunkSize } = this.options;
    while (this.ahead.size < tokenizing && this.start < this.order.length && this.wantsMore()) {
      const size = chunkSize ?? this.nextBlockSize(tokenizing);
      const positions = this.order.slice(this.start, this.start + size);
      this.start += positions.length;
      const planning = this.plan(positions)
        .catch((error: unknown) => {
          this.failure = { error };
        })
        .finally(() => {
          this.ahead.delete(planning);
        });
      this.ahead.add(planning);
    }
  }

  private nextBlockSize(tokenizing: number): number {
    if (this.start === 0) return firstBlockSize;
    if (tokenizing === 1) return blockSize;
    return Math.min(blockSize, Math.max(firstBlockSize, Math.floor(this.start * blockGrowth)));
  }

  private wantsMore(): boolean {
    const { lookahead, chunkSize } = this.options;
    if (chunkSize !== undefined) return this.blocks.length < lookahead;
    const waiting = this.blocks.reduce((sum, block) => sum + block.length, 0);
    return waiting < lookahead * Math.max(1, this.lastSize);
  }

  private async plan(positions: readonly number[]): Promise<void> {
    const tokenized = await this.options.tokenize(positions.map((position) => this.texts[position]!));
    const block = positions.map((position, place) => ({ position, ...tokenized[place]! }));
    this.blocks.push(longestFirst(block));
  }
}

/** Sorted by tokens in place; equal lengths keep their order. */
function longestFirst(texts: PlacedText[]): PlacedText[] {
  return texts.sort((a, b) => b.ids.length - a.ids.length);
}

function toBatch(texts: readonly PlacedText[]): PlannedBatch {
  return {
    positions: texts.map(({ position }) => position),
    ids: texts.map(({ ids }) => ids),
    typeStarts: texts.map(({ ids, typeStart }) => typeStart ?? ids.length),
    cutTexts: texts.reduce((sum, { isCut }) => sum + (isCut ? 1 : 0), 0),
  };
}
