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

/** Where a text can be cut without a change to the tokens before the cut. */
export interface Boundaries {
  /** Blanks before which it can; empty if there are none for this tokenizer. */
  readonly blanks: string;
  /** True if it can between two Chinese characters, because each is a word. */
  readonly ideographs: boolean;
}

/**
 * The boundaries that a tokenizer allows. Every part has to work on either side of the cut by itself: added tokens may not reach across it,
 * normalisers may not see across it, and words have to end there.
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
  };
}

/** The basic block of Chinese characters, none of which a normaliser turns into another. */
const ideograph = /[\u4e00-\u9fff]/;

function boundaryBlanks(definition: JsonObject): string {
  const normalizers = normalizersOf(definition.normalizer);
  const { pre_tokenizer: words, added_tokens: added } = definition;
  const first = isJsonObject(words) && Array.isArray(words.pretokenizers) ? words.pretokenizers[0] : words;
  if (!normalizers.every(isLocal) || !isJsonObject(first) || !endsWordsAtBlanks(first)) return "";
  const spansBlanks = (token: unknown) => isJsonObject(token) && /\S\s/.test(String(token.content));
  if (Array.isArray(added) && added.some(spansBlanks)) return "";
  // Tables of SentencePiece decide by themselves what becomes of a line break, and Metaspace lets it stand in a word.
  const spaceAlone =
    first.type === "Metaspace" || normalizers.some(({ type }) => type === "Precompiled" || type === "Nmt");
  return spaceAlone ? " " : " \t\n\r";
}

/** A boundary before the limit is looked for among this many characters. */
const farthestBack = 4096;

/** Where to cut a text: at the last place closely before `limit`, else at the first behind it, else at its end. */
export function cutPosition(text: string, limit: number, boundaries: Boundaries): number {
  const { blanks, ideographs } = boundaries;
  if (text.length <= limit || blanks === "") return text.length;
  for (let position = limit; position > Math.max(0, limit - farthestBack); position--) {
    if (isBoundary(text, position, boundaries)) return position;
  }
  // Where a boundary is far away, a loop over characters would hold up the event loop.
  const pair = ideographs ? `|${ideograph.source}(?=${ideograph.source})` : "";
  const candidates = new RegExp(`[\\p{L}\\p{N}\\p{P}](?=[${blanks}])${pair}`, "gu");
  candidates.lastIndex = limit;
  for (let found = candidates.exec(text); found !== null; found = candidates.exec(text)) {
    const position = candidates.lastIndex;
    if (isBoundary(text, position, boundaries)) return position;
  }
  return text.length;
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
