import { invalidArgument, received } from "../../errors.ts";

/**
 * Checks that two lists of finite numbers have the same length, at least 1.
 * @throws SparseEncoderError `INVALID_ARGUMENT`
 */
export function checkLabelled(
  call: string,
  name: string,
  labels: ArrayLike<number>,
  scores: ArrayLike<number>,
): void {
  if (labels.length !== scores.length) {
    throw invalidArgument(
      `${call}: ${name} and scores must have the same length, received ${labels.length} and ${scores.length}.`,
    );
  }
  if (labels.length === 0) throw invalidArgument(`${call}: ${name} and scores must not be empty.`);
  for (const [what, list] of [
    [name, labels],
    ["scores", scores],
  ] as const) {
    for (let position = 0; position < list.length; position++) {
      if (Number.isFinite(list[position])) continue;
      throw invalidArgument(
        `${call}: ${what} must be finite numbers, received ${received(list[position])} at position ${position}.`,
      );
    }
  }
}

/**
 * Checks that labels are 0 or 1, one per score.
 * @throws SparseEncoderError `INVALID_ARGUMENT`
 */
export function checkBinary(call: string, labels: ArrayLike<number>, scores: ArrayLike<number>): void {
  checkLabelled(call, "labels", labels, scores);
  for (let position = 0; position < labels.length; position++) {
    if (labels[position] === 0 || labels[position] === 1) continue;
    throw invalidArgument(
      `${call}: labels must be 0 or 1, received ${received(labels[position])} at position ${position}.`,
    );
  }
}
