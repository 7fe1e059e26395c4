import { throwIfAborted } from "../../calls/index.ts";
import { invalidArgument, received } from "../../errors.ts";
import type { Tokenizer, TokenSpan } from "../../model/index.ts";

/** UTF-16 units per token that are read at first: English has about four and a half. */
const unitsPerToken = 8;

/** Most UTF-16 units that are tokenised at once to find the end of a piece. */
const largestWindow = 1 << 18;

/** A part of a text that the model takes whole. */
export interface TextPiece {
  /** The text from `start` to `end`. */
  readonly text: string;
  /** Place of the first UTF-16 unit in the whole text. */
  readonly start: number;
  /** Place behind the last UTF-16 unit. */
  readonly end: number;
  /** Tokens of the piece as `encodeDocument` gives them to the model: the prompt and special tokens count. */
  readonly tokens: number;
}

/** How a text is split. */
export interface SplitSettings {
  readonly tokenizer: Tokenizer;
  readonly specialTokens: boolean;
  /** Stands in front of each piece and counts. */
  readonly prompt: string;
  /** Most tokens of a piece, prompt and special tokens included. */
  readonly maxTokens: number;
  /** Most tokens at the start of a piece that the piece before ends with. */
  readonly overlap: number;
  readonly signal: AbortSignal | undefined;
}

/** A piece, and where the next one starts. */
interface PieceEnd {
  readonly tokens: number;
  readonly end: number;
  readonly next: number;
}

/**
 * Splits texts into pieces with a limit of tokens, behind blanks where there are some. A piece is tokenised by itself, since
 * words at a cut may become other tokens than in the whole text; so the counts are exact.
 */
export class TextSplitter {
  private readonly settings: SplitSettings;

  constructor(settings: SplitSettings) {
    this.settings = settings;
  }

  /**
   * The pieces, in their order, without blanks around them. Every character that is not blank is part of a piece.
   * @throws SparseEncoderError `INVALID_ARGUMENT` if a single character, or prompt and overlap, need more tokens than there may be;
   *   `ABORTED`
   */
  async split(text: string): Promise<TextPiece[]> {
    const frame = await this.count("");
    const room = this.settings.maxTokens - frame;
    if (room <= this.settings.overlap) {
      throw invalidArgument(
        `splitText: maxTokens must be more than overlap and the ${frame} tokens around a text, received ${this.settings.maxTokens} and ${this.settings.overlap}.`,
      );
    }
    const pieces: TextPiece[] = [];
    let covered = 0;
    for (let start = skipBlanks(text, 0); start < text.length; ) {
      throwIfAborted(this.settings.signal);
      const { tokens, end, next } = await this.pieceAt(text, start, room);
      // Where a word has no room behind the overlap, the overlap is left out.
      if (end <= covered) {
        start = skipBlanks(text, covered);
        continue;
      }
      pieces.push({ text: text.slice(start, end), start, end, tokens });
      covered = end;
      start = skipBlanks(text, next);
    }
    return pieces;
  }

  /** The longest piece that starts here. */
  private async pieceAt(text: string, start: number, room: number): Promise<PieceEnd> {
    const { window, spans } = await this.read(text, start, room);
    for (let most = Math.min(room, spans.length); ; ) {
      const isRest = most === spans.length && start + window.length === text.length;
      const limit = isRest ? window.length : cutBefore(window, spans[most]?.start ?? window.length);
      const end = withoutBlanks(window, limit);
      const tokens = await this.count(window.slice(0, end));
      const excess = tokens - this.settings.maxTokens;
      if (excess <= 0) {
        const next = isRest ? text.length : start + this.overlapStart(window, spans, end);
        return { tokens, end: start + end, next };
      }
      if (end <= firstCodePoint(window)) {
        throw invalidArgument(
          `splitText: maxTokens must be at least ${tokens} for the character ${received(window.slice(0, end))}, received ${this.settings.maxTokens}.`,
        );
      }
      most = Math.max(0, Math.min(most, lastBefore(spans, end)) - excess);
    }
  }

  /** A part of the text that has more tokens than there is room for, or the rest of the text. */
  private async read(
    text: string,
    start: number,
    room: number,
  ): Promise<{ window: string; spans: TokenSpan[] }> {
    for (let size = unitsPerToken * (room + 1); ; size *= 2) {
      const units = Math.min(size, largestWindow);
      const end = start + units;
      // Not between the two halves of a character.
      const isHalf = end < text.length && text.codePointAt(end - 1)! > 0xffff;
      const window = text.slice(start, isHalf ? end + 1 : end);
      const spans = await this.settings.tokenizer.spansOf(window);
      if (spans.length > room || end >= text.length || units === largestWindow) return { window, spans };
    }
  }

  /** Where the last tokens of a piece start that the next one repeats: at a word, if there is one. */
  private overlapStart(window: string, spans: readonly TokenSpan[], end: number): number {
    if (this.settings.overlap === 0) return end;
    const last = lastBefore(spans, end);
    const from = spans[Math.max(0, last - this.settings.overlap)]?.start ?? end;
    const word =
      from === 0 || isBlank(window[from - 1]!) || isBlank(window[from]!) ? from : nextWord(window, from);
    const place = word < end ? word : from;
    // Each piece starts behind the start of the one before.
    return place > 0 && place < end ? place : end;
  }

  private async count(text: string): Promise<number> {
    const { tokenizer, prompt, specialTokens } = this.settings;
    const [ids] = await tokenizer.encode([prompt + text], Number.MAX_SAFE_INTEGER, { specialTokens });
    return ids!.length;
  }
}

const isBlank = (character: string) => /\s/.test(character);

function skipBlanks(text: string, start: number): number {
  let place = start;
  while (place < text.length && isBlank(text[place]!)) place++;
  return place;
}

/** The end of the text before `end` without the blanks before it. */
function withoutBlanks(text: string, end: number): number {
  let place = end;
  while (place > 0 && isBlank(text[place - 1]!)) place--;
  return place;
}

/** The last place up to `limit` that lies behind a blank; without one `limit`, but behind the first character. */
function cutBefore(text: string, limit: number): number {
  const least = firstCodePoint(text);
  for (let place = limit; place > least; place--) {
    if (isBlank(text[place - 1]!) || (place < text.length && isBlank(text[place]!))) return place;
  }
  return Math.max(least, limit);
}

/** The place behind the next blank. */
function nextWord(text: string, start: number): number {
  let place = start;
  while (place < text.length && !isBlank(text[place]!)) place++;
  return skipBlanks(text, place);
}

/** Number of tokens that end up to this place. */
function lastBefore(spans: readonly TokenSpan[], end: number): number {
  let count = 0;
  while (count < spans.length && spans[count]!.end <= end) count++;
  return count;
}

/** UTF-16 units of the first character. */
function firstCodePoint(text: string): number {
  return text.codePointAt(0)! > 0xffff ? 2 : 1;
}
