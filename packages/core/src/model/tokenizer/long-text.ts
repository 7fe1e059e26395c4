import { type Boundaries, firstBoundary, lastBoundary } from "./text-boundary.ts";
import type { Condenser } from "./text-condenser.ts";
import { TextReader } from "./text-reader.ts";

/** UTF-16 units of a text for each wanted token that are tried first: English has about four and a half. */
const unitsPerToken = 8;
const smallestWindow = 1024;

/**
 * Most units that are tokenised at once where a text can be cut; some 550 bytes of memory each while they are.
 */
const largestPart = 1 << 16;

/** Most units that are tokenised at once in any case: the patterns of a tokenizer are checked for texts of this length. */
export const largestWindow = 1 << 18;

/** A text up to this many units is tokenised whole. */
export function wholeLength(room: number): number {
  return Math.min(largestPart, Math.max(smallestWindow, room * unitsPerToken));
}

/**
 * Of a run of one character a multiple of this many units is left out. The tokens of such a run have a whole number of it each,
 * and what is left over may stand at either end: the length of the whole run decides.
 */
const period = 2 ** 7 * 3 * 5 * 7;

/** A text with so few different characters may be such a run, or one of a few characters that come again and again. */
const fewCharacters = 8;

function isMonotonous(text: string): boolean {
  return new Set(text).size <= fewCharacters;
}

/** How the tokens of long texts are found. */
export interface LongTextRules {
  readonly boundaries: Boundaries;
  readonly condenser: Condenser | undefined;
  /** True if the last tokens of a text are wanted, not the first ones. */
  readonly fromEnd: boolean;
}

/**
 * The first or last tokens of a text that is longer than they need. Parts of it are tokenised until there are enough: where the
 * tokenizer has boundaries, one part after the other; elsewhere a window that is doubled until the wanted tokens stand still.
 * Time and memory depend on the wanted tokens, not on the text, except for the passing over of what gives no token.
 */
export class LongText {
  private readonly rules: LongTextRules;
  private readonly reader: TextReader;
  private readonly room: number;
  /** Tokens of the parts that are done. */
  private ids: number[] = [];
  /** Units to tokenise next. */
  private size: number;
  /** Tokens of a smaller window at the same place, which had no boundary. */
  private smaller: readonly number[] | undefined;
  /** What is tokenised now. */
  private part: { readonly units: number; readonly isSafe: boolean; readonly isRest: boolean } | undefined;

  constructor(text: string, room: number, rules: LongTextRules) {
    this.rules = rules;
    this.room = room;
    this.reader = new TextReader(text, rules.condenser, rules.fromEnd);
    this.size = wholeLength(room);
  }

  /** What is to be tokenised next. */
  async next(): Promise<string> {
    const { fromEnd, boundaries } = this.rules;
    let content = await this.reader.read(this.size);
    const cut = fromEnd ? firstBoundary(content, boundaries) : lastBoundary(content, boundaries);
    if (cut === undefined && isMonotonous(content)) content = await this.reader.readToPeriod(period);
    if (this.reader.isAtEnd) {
      this.part = { units: content.length, isSafe: true, isRest: true };
      return content;
    }
    const kept = cut === undefined ? content : fromEnd ? content.slice(cut) : content.slice(0, cut);
    this.part = { units: kept.length, isSafe: cut !== undefined, isRest: false };
    return kept;
  }

  /** Takes the tokens of what `next` gave; true if no more are needed. */
  accept(tokens: readonly number[]): boolean {
    const { units, isSafe, isRest } = this.part!;
    const needed = this.room - this.ids.length;
    const isEnough = tokens.length >= needed;
    const isLargest = this.size >= largestWindow;
    const isFinal = isRest || isLargest || (isSafe && (isEnough || this.rules.boundaries.bothSides));
    if (isFinal || (isEnough && this.standsStill(tokens, needed))) {
      this.add(tokens);
      if (isRest || isEnough) return true;
      this.reader.consume(units);
      this.size = wholeLength(this.room - this.ids.length);
      this.smaller = undefined;
      return false;
    }
    this.smaller = isSafe ? undefined : tokens;
    this.size = Math.min(largestWindow, 2 * this.size);
    return false;
  }

  /** The wanted tokens, at most as many as there is room for. */
  get tokens(): readonly number[] {
    const { ids, room, rules } = this;
    if (ids.length <= room) return ids;
    return rules.fromEnd ? ids.slice(ids.length - room) : ids.slice(0, room);
  }

  /** True if a smaller window at the same place had the same tokens at the end that counts. */
  private standsStill(tokens: readonly number[], needed: number): boolean {
    const { smaller } = this;
    if (smaller === undefined || smaller.length < needed) return false;
    const { fromEnd } = this.rules;
    const [start, offset] = fromEnd ? [tokens.length - needed, smaller.length - tokens.length] : [0, 0];
    for (let place = start; place < start + needed; place++) {
      if (tokens[place] !== smaller[place + offset]) return false;
    }
    return true;
  }

  private add(tokens: readonly number[]): void {
    this.ids = this.rules.fromEnd ? [...tokens, ...this.ids] : [...this.ids, ...tokens];
  }
}
