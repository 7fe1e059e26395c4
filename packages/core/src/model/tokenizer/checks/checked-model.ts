import { received } from "../../../errors.ts";
import { isJsonObject, type JsonObject } from "../../json-file.ts";
import { checkedPart, type JsonPart, type PartChecks } from "./json-part.ts";

/** Ids are 32-bit numbers with a sign where they are used. */
export const highestId = 2 ** 31 - 1;
/**
 * Most UTF-16 units of a piece or an added token, several times the longest one. The library keeps pieces as a tree with a level per
 * character, and overflows the stack when it gives a deep one back.
 */
export const longestPiece = 4096;
/** Characters of a word that is looked up piece by piece: the time grows with their square. */
const longestWord = 1000;

const models: PartChecks = {
  WordPiece: (part) => ({
    vocab: idsByPiece(part),
    unk_token: part.text("unk_token"),
    continuing_subword_prefix: part.text("continuing_subword_prefix", 0),
    max_input_chars_per_word: part.count("max_input_chars_per_word", 1, longestWord),
  }),
  WordLevel: (part) => ({ vocab: idsByPiece(part), unk_token: part.text("unk_token") }),
  Unigram: (part) => {
    const vocab = scoredPieces(part);
    const unknown = part.json.unk_id ?? null;
    return {
      vocab,
      unk_id: unknown === null ? null : part.count("unk_id", 0, vocab.length - 1),
      ...part.flags(["byte_fallback"]),
    };
  },
  BPE: (part) => {
    if (typeof part.json.dropout === "number" && part.json.dropout > 0) {
      throw part.unsupported('has a "dropout", which gives a text other tokens each time');
    }
    const texts = ["unk_token", "continuing_subword_prefix", "end_of_word_suffix"].map(
      (key) => [key, (part.json[key] ?? null) === null ? null : part.text(key, 0)] as const,
    );
    const { continuing_subword_prefix: prefix, ...others } = Object.fromEntries(texts);
    return {
      vocab: idsByPiece(part),
      merges: checkedMerges(part, prefix ?? ""),
      dropout: null,
      continuing_subword_prefix: prefix,
      ...others,
      ...part.flags(["fuse_unk", "byte_fallback", "ignore_merges"]),
    };
  },
};

/** The vocabulary and its rules as the native library may see them. */
export function checkedModel(part: JsonPart): JsonObject {
  // Older files do not name the kind.
  if (part.json.type !== undefined) return checkedPart(part, models);
  const { vocab, merges } = part.json;
  const type = Array.isArray(vocab) ? "Unigram" : merges === undefined ? "WordPiece" : "BPE";
  return { type, ...models[type]!(part, 0) };
}

function idsByPiece(part: JsonPart): JsonObject {
  const { vocab } = part.json;
  if (!isJsonObject(vocab)) throw part.invalid(`must have ids by piece as "vocab", found ${received(vocab)}`);
  for (const [piece, id] of Object.entries(vocab)) {
    checkPiece(part, piece);
    if (Number.isSafeInteger(id) && (id as number) >= 0 && (id as number) <= highestId) continue;
    throw part.invalid(`gives ${received(piece)} the id ${received(id)}; ids go from 0 to ${highestId}`);
  }
  return vocab;
}

function scoredPieces(part: JsonPart): readonly unknown[] {
  const { vocab } = part.json;
  if (!Array.isArray(vocab) || vocab.length === 0) {
    throw part.invalid(`must have pieces with scores as "vocab", found ${received(vocab)}`);
  }
  for (const entry of vocab as unknown[]) {
    const [piece, score] = Array.isArray(entry) && entry.length === 2 ? (entry as unknown[]) : [];
    if (typeof piece === "string") checkPiece(part, piece);
    if (typeof piece === "string" && piece !== "" && Number.isFinite(score)) continue;
    throw part.invalid(`has ${received(entry)} in "vocab" in place of a piece with a score`);
  }
  return vocab;
}

function checkPiece(part: JsonPart, piece: string): void {
  if (piece.length <= longestPiece) return;
  throw part.invalid(`has a piece of ${piece.length} characters; at most ${longestPiece} are supported`);
}

/** Pairs of pieces; the library cuts a prefix off the second one without looking whether it is there. */
function checkedMerges(part: JsonPart, prefix: string): readonly unknown[] {
  const { merges } = part.json;
  if (!Array.isArray(merges)) throw part.invalid(`must have a list "merges", found ${received(merges)}`);
  for (const merge of merges as unknown[]) {
    const pair: unknown = typeof merge === "string" ? merge.split(" ") : merge;
    const isPair =
      Array.isArray(pair) &&
      pair.length === 2 &&
      pair.every((piece) => typeof piece === "string" && piece !== "");
    if (isPair && (pair[1] as string).startsWith(prefix)) continue;
    throw part.invalid(`has ${received(merge)} in "merges", which is not a pair of pieces`);
  }
  return merges;
}
