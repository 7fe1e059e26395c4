import type { Tokenizer as NativeTokenizer } from "tokenizers";
import { SparseEncoderError, shortMessage } from "../../errors.ts";
import { importNative } from "../../install/index.ts";
import type { PairTruncation } from "../description.ts";
import { readJsonObject } from "../json-file.ts";
import { checkTokenizer } from "./checks/checked-tokenizer.ts";
import { emptyFrame, type PairFrame, type TextFrame } from "./checks/text-frame.ts";
import { ContentTokenizer } from "./content-tokenizer.ts";
import { cutPair, needsWholeLengths, type PairLengths } from "./pair-truncation.ts";
import { boundariesOf } from "./text-boundary.ts";
import { Condenser, condenseRules } from "./text-condenser.ts";
import type { TokenSpan } from "./token-span.ts";
import type { SpecialTokenName } from "./tokenizer-class.ts";
import {
  readTokenizerDefinition,
  type TokenizerDefinition,
  type TokenizerOptions,
} from "./tokenizer-definition.ts";

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

/**
 * Turns texts into token ids, cut to a maximum length. Runs off the main thread; any number of calls may be under way.
 *
 * Truncation is done here, not by the native tokenizer, whose setting is shared by all calls.
 */
export class Tokenizer {
  private readonly native: NativeTokenizer;
  private readonly definition: Omit<TokenizerDefinition, "json">;
  private readonly content: ContentTokenizer;
  /** The special tokens before and after every text. */
  private readonly frame: TextFrame;
  private readonly readPairFrame: () => PairFrame;
  private readonly pieces = new Map<number, string | undefined>();

  private constructor(
    native: NativeTokenizer,
    definition: Omit<TokenizerDefinition, "json">,
    content: ContentTokenizer,
    frame: TextFrame,
    readPairFrame: () => PairFrame,
  ) {
    this.readPairFrame = readPairFrame;
    this.native = native;
    this.definition = definition;
    this.content = content;
    this.frame = frame;
  }

  /**
   * The tokenizer of a model folder, as transformers 5 builds it from `tokenizer.json`, `tokenizer_config.json`,
   * `vocab.txt` and so on.
   *
   * @param options.lowercase lower-cases every text before anything else; default false
   * @param options.settings override `tokenizer_config.json`; default none
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
      const fromEnd = definition.truncationSide === "left";
      const longTexts = { boundaries: boundariesOf(checked), condenser, fromEnd };
      const content = new ContentTokenizer(native, longTexts, definition.file);
      return new Tokenizer(native, definition, content, frame, pairFrame);
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
   * As {@link Tokenizer.encode}, and whether tokens of a text were left out.
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
    const rows = await this.content.encode(texts, room, options.signal);
    return rows.map((ids) => {
      const kept = this.part(ids, Math.min(ids.length, room));
      return { ids: Int32Array.from([...prefix, ...kept, ...suffix]), isCut: ids.length > room };
    });
  }

  /** Where each token of a text stands in it, without special tokens. The text is tokenised whole. */
  spansOf(text: string): Promise<TokenSpan[]> {
    return this.content.spansOf(text);
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
    const texts = [...new Set(pairs.flat())];
    const rows = await this.content.encode(texts, room, signal);
    const ids = new Map(texts.map((text, place) => [text, rows[place]!]));
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
    const [a, b] = await this.content.lengths([first, second], signal);
    return { first: a!, second: b! };
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
}
