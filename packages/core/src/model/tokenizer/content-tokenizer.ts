import type { Encoding as NativeEncoding, Tokenizer as NativeTokenizer } from "tokenizers";
import { throwIfAborted, WorkQueue } from "../../calls/index.ts";
import { SparseEncoderError, shortMessage } from "../../errors.ts";
import { LongText, type LongTextRules, wholeLength } from "./long-text.ts";
import type { TokenSpan } from "./token-span.ts";

/** Most texts per native call: results are copied on this thread, and the event loop runs between two calls. */
const textsPerCall = 8;

/**
 * Most native calls at a time: by default Node.js has four threads for such work. A call that waits here instead of in the
 * queue of Node.js can be dropped.
 */
const callsAtOnce = 4;

/** Most UTF-16 units per native call of more than one text. */
const unitsPerCall = 1 << 16;

/**
 * The tokens of a text's content: what stands between the special tokens. Tokenizes off the main thread, and long texts only
 * as far as tokens are needed.
 */
export class ContentTokenizer {
  private readonly native: NativeTokenizer;
  private readonly rules: LongTextRules;
  /** Where the tokenizer comes from, for messages. */
  private readonly file: string;
  /** Native calls of all texts, so that the calls of aborted work delay nobody. */
  private readonly nativeCalls = new WorkQueue(callsAtOnce);

  constructor(native: NativeTokenizer, rules: LongTextRules, file: string) {
    this.native = native;
    this.rules = rules;
    this.file = file;
  }

  /**
   * Token ids of each text, the first `room` (the last with `fromEnd`), and one more where a text has more.
   *
   * @param signal ends the work between two native calls
   * @throws SparseEncoderError `TOKENIZER_INVALID`, `ABORTED`
   */
  async encode(
    texts: readonly string[],
    room: number,
    signal: AbortSignal | undefined,
  ): Promise<(readonly number[])[]> {
    const rows: (readonly number[])[] = [];
    for (const group of groupsOf(texts, room)) {
      throwIfAborted(signal);
      rows.push(...(await this.encodeGroup(group, room + 1, signal)));
    }
    return rows;
  }

  /** Numbers of tokens of whole texts. */
  async lengths(texts: readonly string[], signal: AbortSignal | undefined): Promise<number[]> {
    const rows = await this.encodeGroup(texts, Number.MAX_SAFE_INTEGER, signal);
    return rows.map((ids) => ids.length);
  }

  /** Where each token stands in the text. The text is tokenised whole. */
  async spansOf(text: string): Promise<TokenSpan[]> {
    const [encoding] = await this.encodingsOf([text]);
    const offsets = encoding!.getOffsets();
    const places = unitsOfCodePoints(text);
    return offsets.map(([start, end]) => ({
      start: places?.[start!] ?? start!,
      end: places?.[end!] ?? end!,
    }));
  }

  private async encodeGroup(
    texts: readonly string[],
    room: number,
    signal: AbortSignal | undefined,
  ): Promise<(readonly number[])[]> {
    const whole = wholeLength(room);
    const { rules } = this;
    const longTexts = texts.map((text) =>
      text.length > whole ? new LongText(text, room, rules) : undefined,
    );
    const rows: (readonly number[])[] = [];
    let open = [...texts.keys()];
    while (open.length > 0) {
      const contents = await Promise.all(
        open.map(async (position) => (await longTexts[position]?.next()) ?? texts[position]!),
      );
      const encodings = await this.encodingsOf(contents, signal);
      const tokens = encodings.map((encoding) => encoding.getIds());
      open = open.filter((position, place) => {
        const long = longTexts[position];
        if (long?.accept(tokens[place]!) === false) return true;
        const ids = long?.tokens ?? tokens[place]!;
        rows[position] = rules.fromEnd ? ids.slice(-room || ids.length) : ids.slice(0, room);
        return false;
      });
    }
    return rows;
  }

  /** @throws SparseEncoderError `TOKENIZER_INVALID`; `ABORTED` if the call was aborted before its turn came */
  private async encodingsOf(texts: readonly string[], signal?: AbortSignal): Promise<NativeEncoding[]> {
    // The native side takes Unicode text only: a lone surrogate becomes U+FFFD.
    const wellFormed = texts.map((text) => text.toWellFormed());
    try {
      return await this.nativeCalls.add(
        () => this.native.encodeBatch(wellFormed, { addSpecialTokens: false }),
        () => signal?.aborted !== true,
      );
    } catch (cause) {
      throwIfAborted(signal);
      throw new SparseEncoderError(
        "TOKENIZER_INVALID",
        `${this.file} cannot encode a text: ${shortMessage(cause)}`,
        { cause },
      );
    }
  }
}

/** The UTF-16 unit at which each code point of a text starts, and its end; undefined if every code point is one unit. */
function unitsOfCodePoints(text: string): Uint32Array | undefined {
  if (!/[\ud800-\udbff][\udc00-\udfff]/.test(text)) return undefined;
  const places = new Uint32Array(text.length + 1);
  let codePoints = 0;
  for (let unit = 0; unit < text.length; codePoints++) {
    places[codePoints] = unit;
    unit += text.codePointAt(unit)! > 0xffff ? 2 : 1;
  }
  places[codePoints] = text.length;
  return places;
}

/** Groups of texts for one native call each: few and short enough, since all of a group are in memory at a time. */
function groupsOf(texts: readonly string[], room: number): string[][] {
  const whole = wholeLength(room);
  const groups: string[][] = [];
  let units = 0;
  for (const text of texts) {
    const length = Math.min(text.length, whole);
    const last = groups.at(-1);
    if (last === undefined || last.length >= textsPerCall || units + length > unitsPerCall) {
      groups.push([text]);
      units = length;
    } else {
      last.push(text);
      units += length;
    }
  }
  return groups;
}
