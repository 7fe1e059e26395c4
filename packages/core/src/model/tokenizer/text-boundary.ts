import { isJsonObject, type JsonObject } from "../json-file.ts";
import { normalizersOf } from "./tokenizer-parts.ts";

/** Normalisers that work on a character and the marks behind it, and never across a blank. */
const localNormalizers = [
  "BertNormalizer",
  "Lowercase",
  "NFC",
  "NFD",
  "NFKC",
  "NFKD",
  "Nmt",
  "Precompiled",
  "Prepend",
  "Strip",
  "StripAccents",
];

/** Normalisers that do something at the start or the end of a text. */
const edgeNormalizers = ["Prepend", "Strip"];

/** Where a text can be cut without a change to the tokens of what is kept. */
export interface Boundaries {
  /** Blanks before which it can; empty if there are none for this tokenizer. */
  readonly blanks: string;
  /** True if it can between two Chinese characters, because each is a word. */
  readonly ideographs: boolean;
  /** True if the tokens of what stands behind a cut stay the same, too. */
  readonly bothSides: boolean;
}

/**
 * The boundaries that a tokenizer allows. Every part has to work on either side of the cut by itself: added tokens may not reach
 * across it, normalisers may not see across it, and words have to end there.
 *
 * @param definition a tokenizer in the format of `tokenizer.json`
 */
export function boundariesOf(definition: JsonObject): Boundaries {
  const blanks = boundaryBlanks(definition);
  const normalizers = normalizersOf(definition.normalizer);
  const { added_tokens: added } = definition;
  const hasIdeograph = (token: unknown) => isJsonObject(token) && ideograph.test(String(token.content));
  return {
    blanks,
    ideographs:
      blanks !== "" &&
      normalizers.some(
        ({ type, handle_chinese_chars: split }) => type === "BertNormalizer" && split !== false,
      ) &&
      !(Array.isArray(added) && added.some(hasIdeograph)),
    bothSides: blanks !== "" && !normalizers.some(({ type }) => edgeNormalizers.includes(String(type))),
  };
}

/** The basic block of Chinese characters: no normaliser turns one into another. */
const ideograph = /[\u4e00-\u9fff]/;

function boundaryBlanks(definition: JsonObject): string {
  const normalizers = normalizersOf(definition.normalizer);
  const { pre_tokenizer: words, added_tokens: added } = definition;
  const first = isJsonObject(words) && Array.isArray(words.pretokenizers) ? words.pretokenizers[0] : words;
  if (!normalizers.every(isLocal) || !isJsonObject(first) || !endsWordsAtBlanks(first)) return "";
  const spansBlanks = (token: unknown) => isJsonObject(token) && /\S\s/.test(String(token.content));
  if (Array.isArray(added) && added.some(spansBlanks)) return "";
  // Tables of SentencePiece decide by themselves what becomes of a line break, and Metaspace lets it stand in a word.
  const spacesOnly =
    first.type === "Metaspace" || normalizers.some(({ type }) => type === "Precompiled" || type === "Nmt");
  return spacesOnly ? " " : " \t\n\r";
}

/** A boundary is looked for among this many characters. */
const farthest = 4096;

/** The last boundary of a text, closely before its end; undefined if there is none. */
export function lastBoundary(text: string, boundaries: Boundaries): number | undefined {
  if (boundaries.blanks === "") return undefined;
  for (let position = text.length - 1; position > Math.max(0, text.length - farthest); position--) {
    if (isBoundary(text, position, boundaries)) return position;
  }
  return undefined;
}

/** The first boundary of a text, closely behind its start, for what comes behind it; undefined if there is none. */
export function firstBoundary(text: string, boundaries: Boundaries): number | undefined {
  if (!boundaries.bothSides) return undefined;
  for (let position = 1; position < Math.min(text.length, farthest); position++) {
    if (isBoundary(text, position, boundaries)) return position;
  }
  return undefined;
}

/**
 * Between two Chinese characters, or before a blank and behind a letter, digit or punctuation mark. Not behind characters
 * that a normaliser may turn into something with a blank in it, nor behind one that makes a single character of itself and
 * the blank.
 */
function isBoundary(text: string, position: number, { blanks, ideographs }: Boundaries): boolean {
  if (ideographs && ideograph.test(text[position - 1]!) && ideograph.test(text[position]!)) return true;
  if (!blanks.includes(text[position]!)) return false;
  const before = text[position - 1]!;
  return /[\p{L}\p{N}\p{P}]/u.test(before) && before.normalize("NFKC") === before && before !== "\u0d4e";
}

function isLocal({ type, pattern }: JsonObject): boolean {
  if (type !== "Replace") return typeof type === "string" && localNormalizers.includes(type);
  if (!isJsonObject(pattern)) return false;
  return pattern.Regex === " {2,}" || (typeof pattern.String === "string" && !/\s/.test(pattern.String));
}

function endsWordsAtBlanks({ type, use_regex: regex, split }: JsonObject): boolean {
  if (type === "ByteLevel") return regex !== false;
  if (type === "Metaspace") return split !== false;
  return type === "BertPreTokenizer" || type === "Whitespace" || type === "WhitespaceSplit";
}
