import type { Tokenizer as NativeTokenizer } from "tokenizers";
import { SparseEncoderError } from "../../errors.ts";
import { importNative } from "../../install/index.ts";
import { readJsonObject } from "../json-file.ts";
import { type Boundaries, boundariesOf, cutPosition } from "./text-boundary.ts";
import {
  readTokenizerDefinition,
  type TokenizerDefinition,
  type TokenizerOptions,
} from "./tokenizer-definition.ts";

/** Texts a native call: what each gives is copied on this thread, and the event loop is to run between. */
const textsPerCall = 8;

/** A text longer than this many characters per wanted token is first tried cut off. */
const charactersPerToken = 32;

/** A text that says what stands around every text: whatever the vocabulary, something of it is in. */
const frameProbe = "a 1 . я 中";

/**
 * Turns texts into token ids, cut to a maximum length. Runs off the main thread; any number of calls may be under way.
 *
 * Truncation is done here, not by the native tokenizer, whose setting is shared by all calls.
 */
export class Tokenizer {
  private readonly native: NativeTokenizer;
  private readonly definition: Omit<TokenizerDefinition, "json">;
  /** Where a text may be cut. */
  private readonly boundaries: Boundaries;
  /** The special tokens before and after every text. */
  private readonly prefix: readonly number[];
  private readonly suffix: readonly number[];
  private readonly pieces = new Map<number, string | undefined>();

  private constructor(
    native: NativeTokenizer,
    definition: Omit<TokenizerDefinition, "json">,
    boundaries: Boundaries,
    prefix: readonly number[],
    suffix: readonly number[],
  ) {
    this.native = native;
    this.definition = definition;
    this.boundaries = boundaries;
    this.prefix = prefix;
    this.suffix = suffix;
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
    });
  }

  private static async from({ json, ...definition }: TokenizerDefinition): Promise<Tokenizer> {
    // Imported here, so that a platform without its binary can use all that needs no tokenizer.
    const { Tokenizer: Native } = await importNative(
      "tokenizers",
      () => import(/* webpackIgnore: true */ /* @vite-ignore */ "tokenizers"),
    );
    try {
      const native = Native.fromString(JSON.stringify(json));
      const frame = await native.encode(frameProbe);
      const [ids, mask] = [frame.getIds(), frame.getSpecialTokensMask()];
      const start = mask.indexOf(0);
      const prefix = start < 0 ? ids : ids.slice(0, start);
      const suffix = start < 0 ? [] : ids.slice(mask.lastIndexOf(0) + 1);
      return new Tokenizer(native, definition, boundariesOf(json), prefix, suffix);
    } catch (cause) {
      throw new SparseEncoderError(
        "TOKENIZER_INVALID",
        `${definition.file} cannot be used as a tokenizer: ${(cause as Error).message}`,
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
    return Math.max(1, this.prefix.length + this.suffix.length);
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
    const framed = options.specialTokens ?? true;
    const prefix = framed ? this.prefix : [];
    const suffix = framed ? this.suffix : [];
    const room = Math.max(0, maxLength - prefix.length - suffix.length);
    const rows: Int32Array[] = [];
    for (let start = 0; start < texts.length; start += textsPerCall) {
      for (const ids of await this.encodePart(texts.slice(start, start + textsPerCall), room)) {
        rows.push(Int32Array.from([...prefix, ...ids, ...suffix]));
      }
    }
    return rows;
  }

  /** Token ids of each text without special tokens, at most `room` each. */
  private async encodePart(texts: readonly string[], room: number): Promise<number[][]> {
    // The native side takes Unicode text alone: a lone surrogate becomes U+FFFD.
    const whole = texts.map((text) => text.toWellFormed());
    const last = this.definition.truncationSide === "left";
    const start = room * charactersPerToken;
    const cuts = whole.map((text) => (last ? text.length : cutPosition(text, start, this.boundaries)));
    const rows = await this.idsOf(whole.map((text, position) => text.slice(0, cuts[position])));
    for (const [position, text] of whole.entries()) {
      // Few pieces for many characters, such as blanks: read on.
      let cut = cuts[position]!;
      for (let limit = 4 * start; cut < text.length && rows[position]!.length < room; limit *= 4) {
        const next = cutPosition(text, limit, this.boundaries);
        if (next === cut) continue;
        cut = next;
        rows[position] = (await this.idsOf([text.slice(0, cut)]))[0]!;
      }
    }
    return rows.map((ids) => {
      if (ids.length <= room) return ids;
      return last ? ids.slice(ids.length - room) : ids.slice(0, room);
    });
  }

  private async idsOf(texts: string[]): Promise<number[][]> {
    try {
      const encodings = await this.native.encodeBatch(texts, { addSpecialTokens: false });
      return encodings.map((encoding) => encoding.getIds());
    } catch (cause) {
      throw new SparseEncoderError(
        "TOKENIZER_INVALID",
        `${this.definition.file} cannot encode a text: ${(cause as Error).message}`,
        { cause },
      );
    }
  }
}
