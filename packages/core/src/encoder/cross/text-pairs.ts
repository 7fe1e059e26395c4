import { received, SparseEncoderError } from "../../errors.ts";
import type { TextPair } from "../../model/index.ts";

/** True for one pair of texts, not a list of pairs. */
export function isSinglePair(pairs: TextPair | readonly TextPair[]): pairs is TextPair {
  return Array.isArray(pairs) && pairs.length > 0 && typeof pairs[0] === "string";
}

/** @throws SparseEncoderError `INVALID_TEXT`, naming the position */
export function checkPairs(call: string, pairs: unknown): asserts pairs is readonly TextPair[] {
  if (!Array.isArray(pairs)) {
    throw new SparseEncoderError(
      "INVALID_TEXT",
      `${call}: expected an array of pairs of texts, such as [[query, document]], received ${received(pairs)}.`,
    );
  }
  // An index loop: holes of a sparse array count too.
  for (let position = 0; position < pairs.length; position++) {
    const pair: unknown = pairs[position];
    if (Array.isArray(pair) && pair.length === 2 && pair.every((text) => typeof text === "string")) continue;
    throw new SparseEncoderError(
      "INVALID_TEXT",
      `${call}: the pair at position ${position} must be two strings, received ${received(pair)}.`,
    );
  }
}
