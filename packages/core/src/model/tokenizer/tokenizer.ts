import type { Encoding as NativeEncoding, Tokenizer as NativeTokenizer } from "tokenizers";
import { throwIfAborted, WorkQueue } from "../../calls/index.ts";
import { SparseEncoderError, shortMessage } from "../../errors.ts";
import { importNative } from "../../install/index.ts";
import type { PairTruncation } from "../description.ts";
import { readJsonObject } from "../json-file.ts";
import { checkTokenizer } from "./checks/checked-tokenizer.ts";
import { emptyFrame, type PairFrame, type TextFrame } from "./checks/text-frame.ts";
import { LongText, type LongTextRules, wholeLength } from "./long-text.ts";
import { cutPair, needsWholeLengths, type PairLengths } from "./pair-truncation.ts";
import { boundariesOf } from "./text-boundary.ts";
import { Condenser, condenseRules } from "./text-condenser.ts";
import type { SpecialTokenName } from "./tokenizer-class.ts";
import {
  readTokenizerDefinition,
  type TokenizerDefinition,
  type TokenizerOptions,
} from "./tokenizer-definition.ts";

/** Texts per native call: what each gives is copied on this thread, and the event loop is to run between. */
const textsPerCall = 8;

/**
 * Native calls at once. No more run in parallel, since Node has four threads for such work by default; a call that waits here
 * instead of there can be dropped.
 */
const callsAtOnce = 4;

/** UTF-16 units per native call, where it has more than one text. */
const unitsPerCall = 1 << 16;

/** Two texts that a model reads together. */
export type TextPair = readonly [first: string, second: string];

/** Token ids of a text. */
export interface TokenizedText {
  readonly ids: Int32Array;
  /** True if tokens were left out because the text has more than there was room for. */
  readonly isCut: boolean;
  /** Of a pair of texts: place of the first token of type 1; the number of ids if there is none. */
  readonly typeStart?: number | undefined;
}

/** UTF-16 units [start, end) of a text that a token comes from. */
export interface TokenSpan {
  readonly start: number;
  readonly end: number;
}

/**
 * Turns texts into token ids, cut to a maximum length. Runs off the main thread; any number of calls may be under way.
 *
 * Truncation is done here, not by the native tokenizer, whose setting is shared by all calls.
 */
export class Tokenizer {
  private readonly native: NativeTokenizer;
  private readonly definition: Omit<TokenizerDefinition, "json">;
  /** How texts are read that are longer than what is kept of them. */
  private readonly longTexts: Omit<LongTextRules, "fromEnd">;
  /** The special tokens before and after every text. */
  private readonly frame: TextFrame;
  /** Native calls of all texts, so that those of aborted calls hold nobody up. */
  private readonly nativeCalls = new WorkQueue(callsAtOnce);
  private readonly readPairFrame: () => PairFrame;
  private readonly pieces = new Map<number, string | undefined>();

  private constructor(
    native: NativeTokenizer,
    definition: Omit<TokenizerDefinition, "json">,
    longTexts: Omit<LongTextRules, "fromEnd">,
    frame: TextFrame,
    readPairFrame: () => PairFrame,
  ) {
    this.readPairFrame = readPairFrame;
    this.native = native;
    this.definition = definition;
    this.longTexts = longTexts;
    this.frame = frame;
  }

  /**
   * The tokenizer of a model folder, as transformers 5 builds it from `tokenizer.json`, `tokenizer_config.json`,
   * `vocab.txt` and so on.
   *
   * @param options.lowercase lower-cases every text before anything else; default false
   * @param options.settings come before those of `tokenizer_config.json`; default none
   * @throws SparseEncoderError `TOKENIZER_INVALID` or `MODEL_UNSUPPORTED`
   */
  static async open(folder: string, options: Partial<TokenizerOptions> = {}): Promise<Tokenizer> {
    const { lowercase = false, settings = {} } = options;
    return Tokenizer.from(await readTokenizerDefinition(folder, { lowercase, settings }));
  }

  /**
   * The tokenizer of a `tokenizer.json`, as it is.
   * @throws SparseEncoderError `TOKENIZER_INVALID`
   */
  static async load(file: string): Promise<Tokenizer> {
    const json = (await readJsonObject(file)) ?? {};
    return Tokenizer.from({
      json: { ...json, truncation: null, padding: null },
      file,
      truncationSide: "right",
      modelMaxLength: undefined,
      givesTypes: true,
      named: new Map(),
    });
  }

  private static async from({ json, ...definition }: TokenizerDefinition): Promise<Tokenizer> {
    // Imported here, so that a platform without its binary can use all that needs no tokenizer.
    const { Tokenizer: Native } = await importNative(
      "tokenizers",
      () => import(/* webpackIgnore: true */ /* @vite-ignore */ "tokenizers"),
    );
    const { json: checked, frame, pairFrame } = checkTokenizer(json, definition.file);
    try {
      const native = Native.fromString(JSON.stringify(checked));
      const normalizer = checked.normalizer === null ? null : native.getNormalizer();
      const rules = condenseRules(checked, (text) => normalizer?.normalizeString(text) ?? text);
      const condenser = rules && new Condenser(rules);
      const longTexts = { boundaries: boundariesOf(checked), condenser };
      return new Tokenizer(native, definition, longTexts, frame, pairFrame);
    } catch (cause) {
      throw new SparseEncoderError(
        "TOKENIZER_INVALID",
        `${definition.file} cannot be used as a tokenizer: ${shortMessage(cause)}`,
        { cause },
      );
    }
  }

  /** Number of entries, added tokens included. */
  get vocabularySize(): number {
    return this.native.getVocabSize(true);
  }

  /** Number of entries without the added tokens. */
  get baseVocabularySize(): number {
    return this.native.getVocabSize(false);
  }

  /** Longest input in tokens that the tokenizer's files name; undefined if they name none. */
  get modelMaxLength(): number | undefined {
    return this.definition.modelMaxLength;
  }

  /** Shortest maximum length that leaves room for the special tokens around a text. */
  get minimumLength(): number {
    return Math.max(1, this.frame.prefix.length + this.frame.suffix.length);
  }

  /** Ids of the special tokens that have these names; those without such a token are left out. */
  idsNamed(names: readonly SpecialTokenName[]): number[] {
    const { named } = this.definition;
    return names.flatMap((name) => {
      const token = named.get(name);
      return token === undefined ? [] : (this.idOf(token) ?? []);
    });
  }

  /** Special tokens around two texts, which count towards the length of an input. */
  get pairFrameLength(): number {
    const { prefix, middle, suffix } = this.readPairFrame();
    return prefix.length + middle.length + suffix.length;
  }

  /** The vocabulary piece of an id as it is stored (`##ing`), or undefined. */
  pieceOf(id: number): string | undefined {
    if (!this.pieces.has(id)) this.pieces.set(id, this.native.idToToken(id) ?? undefined);
    return this.pieces.get(id);
  }

  /** The id of a vocabulary piece, or undefined. */
  idOf(piece: string): number | undefined {
    return this.native.tokenToId(piece) ?? undefined;
  }

  /**
   * Token ids of each text, at most `maxLength` each: the first ones of a longer text, or the last ones if the
   * tokenizer's files say so.
   *
   * @param maxLength at least {@link Tokenizer.minimumLength}
   * @param options.specialTokens puts the special tokens around each text, which count; default true
   */
  async encode(
    texts: readonly string[],
    maxLength: number,
    options: { specialTokens?: boolean } = {},
  ): Promise<Int32Array[]> {
    return (await this.tokenize(texts, maxLength, options)).map(({ ids }) => ids);
  }

  /**
   * As {@link Tokenizer.encode}, and of which texts tokens were left out.
   * @param options.signal ends the work between two native calls
   * @throws SparseEncoderError `TOKENIZER_INVALID`, `ABORTED`
   */
  async tokenize(
    texts: readonly string[],
    maxLength: number,
    options: { specialTokens?: boolean; signal?: AbortSignal | undefined } = {},
  ): Promise<TokenizedText[]> {
    const framed = options.specialTokens ?? true;
    const { prefix, suffix } = framed ? this.frame : emptyFrame;
    const room = Math.max(0, maxLength - prefix.length - suffix.length);
    const fromEnd = this.definition.truncationSide === "left";
    const tokenized: TokenizedText[] = [];
    for (const group of groupsOf(texts, room)) {
      throwIfAborted(options.signal);
      // One token more than there is room for tells whether any was left out.
      for (const ids of await this.encodePart(group, room + 1, options.signal)) {
        const isCut = ids.length > room;
        const kept = isCut ? (fromEnd ? ids.slice(ids.length - room) : ids.slice(0, room)) : ids;
        tokenized.push({ ids: Int32Array.from([...prefix, ...kept, ...suffix]), isCut });
      }
    }
    return tokenized;
  }

  /** Where each token of a text stands in it, without special tokens. The text is tokenised whole. */
  async spansOf(text: string): Promise<TokenSpan[]> {
    const [encoding] = await this.encodingsOf([text]);
    const offsets = encoding!.getOffsets();
    const places = unitsOfCodePoints(text);
    return offsets.map(([start, end]) => ({
      start: places?.[start!] ?? start!,
      end: places?.[end!] ?? end!,
    }));
  }

  /**
   * Token ids of each pair of texts, at most `maxLength` each. A text that stands in several pairs is tokenised once.
   *
   * @param maxLength at least {@link Tokenizer.pairFrameLength}
   * @throws SparseEncoderError `TOKENIZER_INVALID`, `MODEL_UNSUPPORTED`, `INVALID_TEXT` as {@link cutPair}
   */
  async encodePairs(
    pairs: readonly TextPair[],
    maxLength: number,
    { truncation, signal }: { truncation: PairTruncation; signal?: AbortSignal | undefined },
  ): Promise<TokenizedText[]> {
    const frame = this.readPairFrame();
    const room = Math.max(0, maxLength - this.pairFrameLength);
    const ids = new Map<string, readonly number[]>();
    for (const group of groupsOf([...new Set(pairs.flat())], room)) {
      throwIfAborted(signal);
      // One token more than there is room for tells whether any was left out.
      const rows = await this.encodePart(group, room + 1, signal);
      for (const [place, text] of group.entries()) ids.set(text, rows[place]!);
    }
    const tokenized: TokenizedText[] = [];
    for (const [first, second] of pairs) {
      const [a, b] = [ids.get(first)!, ids.get(second)!];
      let lengths: PairLengths = { first: a.length, second: b.length };
      if (needsWholeLengths(lengths, room, truncation))
        lengths = await this.wholeLengths(first, second, signal);
      const kept = cutPair(lengths, room, truncation);
      const isCut = kept.first < a.length || kept.second < b.length;
      const row = this.framed(frame, this.part(a, kept.first), this.part(b, kept.second));
      tokenized.push({ ...row, isCut });
    }
    return tokenized;
  }

  private async wholeLengths(
    first: string,
    second: string,
    signal: AbortSignal | undefined,
  ): Promise<PairLengths> {
    const [a, b] = await this.encodePart([first, second], Number.MAX_SAFE_INTEGER, signal);
    return { first: a!.length, second: b!.length };
  }

  /** The tokens that are kept of a text. */
  private part(ids: readonly number[], length: number): readonly number[] {
    const { truncationSide } = this.definition;
    return truncationSide === "left" ? ids.slice(ids.length - length) : ids.slice(0, length);
  }

  private framed(frame: PairFrame, first: readonly number[], second: readonly number[]) {
    const { prefix, middle, suffix, typeStart } = frame;
    const ids = Int32Array.from([...prefix, ...first, ...middle, ...second, ...suffix]);
    const isTyped = typeStart !== undefined && this.definition.givesTypes;
    return { ids, typeStart: isTyped ? prefix.length + first.length + typeStart : ids.length };
  }

  /** Token ids of each text without special tokens, at most `room` each. */
  private async encodePart(
    texts: readonly string[],
    room: number,
    signal: AbortSignal | undefined,
  ): Promise<(readonly number[])[]> {
    const whole = wholeLength(room);
    const rules = { ...this.longTexts, fromEnd: this.definition.truncationSide === "left" };
    const longTexts = texts.map((text) =>
      text.length > whole ? new LongText(text, room, rules) : undefined,
    );
    const rows: (readonly number[])[] = [];
    let open = [...texts.keys()];
    while (open.length > 0) {
      const contents = await Promise.all(
        open.map(async (position) => (await longTexts[position]?.next()) ?? texts[position]!),
      );
      const tokens = await this.idsOf(contents, signal);
      open = open.filter((position, place) => {
        const long = longTexts[position];
        if (long?.accept(tokens[place]!) === false) return true;
        const found = long?.tokens ?? tokens[place]!;
        rows[position] = rules.fromEnd ? found.slice(-room || found.length) : found.slice(0, room);
        return false;
      });
    }
    return rows;
  }

  private async idsOf(texts: readonly string[], signal: AbortSignal | undefined): Promise<number[][]> {
    return (await this.encodingsOf(texts, signal)).map((encoding) => encoding.getIds());
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
        `${this.definition.file} cannot encode a text: ${shortMessage(cause)}`,
        { cause },
      );
    }
  }
}

/** The UTF-16 unit at which each code point of a text starts, and its end; undefined where both are counted alike. */
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

/** Texts of one native call: a few, and not too long together, since all are in memory at once. */
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
