import { isJsonObject, type JsonObject } from "./json-file.ts";
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

/**
 * Blanks before which a text can be cut without a change to the tokens before the cut; empty if there are none for
 * this tokenizer. Every part has to work on either side of the cut by itself: added tokens may not reach across it,
 * normalisers may not see across it, and words have to end there.
 *
 * @param definition a tokenizer in the format of `tokenizer.json`
 */
export function boundaryBlanks(definition: JsonObject): string {
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

/**
 * Where to cut a text that may be cut before `blanks`: at the last place closely before `limit`, else at the first behind
 * it, else at its end.
 */
export function cutPosition(text: string, limit: number, blanks: string): number {
  if (text.length <= limit || blanks === "") return text.length;
  for (let position = limit; position > Math.max(0, limit - farthestBack); position--) {
    if (isBoundary(text, position, blanks)) return position;
  }
  // Where a boundary is far away, a loop over characters would hold up the event loop.
  const candidates = new RegExp(`[\\p{L}\\p{N}\\p{P}][${blanks}]`, "gu");
  candidates.lastIndex = limit;
  for (let found = candidates.exec(text); found !== null; found = candidates.exec(text)) {
    const position = candidates.lastIndex - 1;
    if (isBoundary(text, position, blanks)) return position;
    candidates.lastIndex = position;
  }
  return text.length;
}

/**
 * Before a blank and behind a letter, digit or punctuation mark. Not behind characters that a normaliser may turn
 * into something with a blank in it, nor behind one that makes a single character of itself and the blank.
 */
function isBoundary(text: string, position: number, blanks: string): boolean {
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
