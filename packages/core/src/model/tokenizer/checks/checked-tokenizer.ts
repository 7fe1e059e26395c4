import type { JsonObject } from "../../json-file.ts";
import { checkedModel, highestId, longestPiece } from "./checked-model.ts";
import { checkedNormalizer, checkedPreTokenizer } from "./checked-text-parts.ts";
import { JsonPart } from "./json-part.ts";
import { emptyFrame, frameOf, type PairFrame, pairFrameOf, type TextFrame } from "./text-frame.ts";

/** Added tokens that a tokenizer may have: more than any is known to have. 300,000 take 19 s and 600 MB to load. */
const mostAddedTokens = 100_000;

/** A tokenizer whose parts were checked. */
export interface CheckedTokenizer {
  /** What the native library gets to see: known kinds, checked values, and nothing else. */
  readonly json: JsonObject;
  /** Special tokens around every text. */
  readonly frame: TextFrame;
  /**
   * What stands around two texts. Read when it is asked for: most models never see a pair.
   * @throws SparseEncoderError `TOKENIZER_INVALID` or `MODEL_UNSUPPORTED`
   */
  readonly pairFrame: () => PairFrame;
}

/**
 * Checks everything in a `tokenizer.json` that the native library takes on trust. An error in there would end the process, not
 * the call.
 *
 * @param json without truncation and padding, which are left out
 * @throws SparseEncoderError `TOKENIZER_INVALID`, or `MODEL_UNSUPPORTED` for kinds and patterns that are not known or that could
 *   take steps without end
 */
export function checkTokenizer(json: JsonObject, file: string): CheckedTokenizer {
  const whole = new JsonPart(json, file, "the tokenizer");
  const part = (key: string) =>
    (json[key] ?? null) === null ? undefined : new JsonPart(json[key], file, key);
  const [normalizer, preTokenizer, postProcessor] = ["normalizer", "pre_tokenizer", "post_processor"].map(
    part,
  );
  return {
    json: {
      version: "1.0",
      truncation: null,
      padding: null,
      added_tokens: json.added_tokens === undefined ? [] : addedTokens(whole),
      normalizer: normalizer === undefined ? null : checkedNormalizer(normalizer),
      pre_tokenizer: preTokenizer === undefined ? null : checkedPreTokenizer(preTokenizer),
      post_processor: null,
      decoder: null,
      model: checkedModel(new JsonPart(json.model, file, "model")),
    },
    frame: postProcessor === undefined ? emptyFrame : frameOf(postProcessor),
    pairFrame: () =>
      postProcessor === undefined ? { ...emptyFrame, middle: [], typeStart: 0 } : pairFrameOf(postProcessor),
  };
}

function addedContent(token: JsonPart): string {
  const content = token.text("content");
  if (content.length <= longestPiece) return content;
  throw token.invalid(`has ${content.length} characters; at most ${longestPiece} are supported`);
}

function addedTokens(whole: JsonPart): JsonObject[] {
  return whole.list("added_tokens", mostAddedTokens).map((token) => ({
    id: token.count("id", 0, highestId),
    content: addedContent(token),
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: true,
    special: false,
    ...token.flags(["single_word", "lstrip", "rstrip", "normalized", "special"]),
  }));
}
