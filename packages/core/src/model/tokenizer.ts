import { Tokenizer as NativeTokenizer } from "tokenizers";
import { SparseEncoderError } from "../errors.ts";

/** Texts a native call: small batches spread work without holding many encodings at once. */
const textsPerCall = 32;

/**
 * A text longer than this many characters per wanted token is first tried cut off. The longest words of real
 * text are far shorter; text that needs more, such as megabytes of blanks, is read on.
 */
const charactersPerToken = 32;

/**
 * Turns texts into token ids, special tokens included, cut on the right to a maximum length. Runs off the main
 * thread; any number of calls may be under way.
 *
 * Truncation is done here, not by the native tokenizer, whose setting is shared by all calls.
 */
export class Tokenizer {
  private readonly native: NativeTokenizer;
  private readonly suffix: readonly number[];
  private readonly specialTokens: number;
  private readonly pieces = new Map<number, string | undefined>();

  private constructor(native: NativeTokenizer, specialTokens: number, suffix: readonly number[]) {
    this.native = native;
    this.specialTokens = specialTokens;
    this.suffix = suffix;
  }

  /** @throws SparseEncoderError `TOKENIZER_INVALID` */
  static async load(file: string): Promise<Tokenizer> {
    try {
      const native = NativeTokenizer.fromFile(file);
      native.disableTruncation();
      native.disablePadding();
      // What the tokenizer puts around every text.
      const frame = await native.encode("a");
      const mask = frame.getSpecialTokensMask();
      const trailing = mask.length - 1 - mask.lastIndexOf(0);
      const suffix = trailing === 0 ? [] : frame.getIds().slice(-trailing);
      return new Tokenizer(native, mask.filter((special) => special === 1).length, suffix);
    } catch (cause) {
      throw new SparseEncoderError(
        "TOKENIZER_INVALID",
        `${file} cannot be used as a tokenizer: ${(cause as Error).message}`,
        { cause },
      );
    }
  }

  /** Number of entries, added tokens included. */
  get vocabularySize(): number {
    return this.native.getVocabSize(true);
  }

  /** Shortest maximum length that leaves room for the special tokens around a text. */
  get minimumLength(): number {
    return Math.max(1, this.specialTokens);
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

  /** Token ids of each text, at most `maxLength` each. */
  async encode(texts: readonly string[], maxLength: number): Promise<Int32Array[]> {
    const rows: Int32Array[] = [];
    for (let start = 0; start < texts.length; start += textsPerCall) {
      rows.push(...(await this.encodePart(texts.slice(start, start + textsPerCall), maxLength)));
    }
    return rows;
  }

  private async encodePart(texts: readonly string[], maxLength: number): Promise<Int32Array[]> {
    const limit = maxLength * charactersPerToken;
    const encodings = await this.native.encodeBatch(texts.map((text) => cutAtBlank(text, limit)));
    return Promise.all(
      encodings.map(async (encoding, position) => {
        const text = texts[position]!;
        let ids = encoding.getIds();
        // Pieces near the cut may differ from those of the whole text; so many more than needed cannot.
        for (let cut = limit; cut < text.length && ids.length < 2 * maxLength; ) {
          cut *= 4;
          ids = (await this.native.encode(cutAtBlank(text, cut))).getIds();
        }
        return this.truncate(ids, maxLength);
      }),
    );
  }

  private truncate(ids: readonly number[], maxLength: number): Int32Array {
    if (ids.length <= maxLength) return Int32Array.from(ids);
    const row = new Int32Array(maxLength);
    const kept = maxLength - this.suffix.length;
    for (let position = 0; position < kept; position++) row[position] = ids[position]!;
    row.set(this.suffix, kept);
    return row;
  }
}

/**
 * At most `limit` characters, cut before a blank if there is one, so that no word is split. The native side
 * takes Unicode text alone: a lone surrogate becomes U+FFFD.
 */
function cutAtBlank(text: string, limit: number): string {
  if (text.length <= limit) return text.toWellFormed();
  const blank = text.lastIndexOf(" ", limit);
  return text.slice(0, blank > 0 ? blank : limit).toWellFormed();
}
