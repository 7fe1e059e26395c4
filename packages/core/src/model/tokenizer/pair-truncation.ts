import { SparseEncoderError } from "../../errors.ts";
import type { PairTruncation } from "../description.ts";

/** How many tokens are kept of each of two texts. */
export interface PairLengths {
  readonly first: number;
  readonly second: number;
}

/**
 * Cuts the token counts of two texts so that they fit into `room` together. Source: `truncate_encodings` of tokenizers.
 *
 * @param lengths tokens of both texts; a text of `room` tokens or more may count as `room`, unless {@link needsWholeLengths}
 * @throws SparseEncoderError `INVALID_TEXT` if the text that is not to be cut leaves no room for the other
 */
export function cutPair(lengths: PairLengths, room: number, truncation: PairTruncation): PairLengths {
  const { first, second } = lengths;
  if (first + second <= room) return lengths;
  if (truncation === "longest_first") return cutLongest(lengths, room);
  const whole = truncation === "only_first" ? second : first;
  if (whole >= room) {
    const [kept, cut] = truncation === "only_first" ? ["second", "first"] : ["first", "second"];
    throw new SparseEncoderError(
      "INVALID_TEXT",
      `The ${kept} text of a pair has ${whole} tokens or more, which leaves no room for the ${cut} one: a pair may have ${room} tokens beside the special ones. Shorten the ${kept} text, raise maxSeqLength, or load the model with truncation: "longest_first".`,
    );
  }
  return truncation === "only_first" ? { first: room - second, second } : { first, second: room - first };
}

/** True if the longer of two texts gets one token more than the other, so that it matters which one is longer. */
export function needsWholeLengths(lengths: PairLengths, room: number, truncation: PairTruncation): boolean {
  const areLong = lengths.first >= room && lengths.second >= room;
  return truncation === "longest_first" && areLong && room % 2 === 1;
}

function cutLongest({ first, second }: PairLengths, room: number): PairLengths {
  let shorter = Math.min(first, second);
  let longer = Math.max(shorter, room - shorter);
  if (shorter + longer > room) {
    shorter = Math.floor(room / 2);
    longer = shorter + (room % 2);
  }
  return first > second ? { first: longer, second: shorter } : { first: shorter, second: longer };
}
