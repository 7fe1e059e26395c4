import type { Scanned } from "./text-scan.ts";

/** Words before the pronoun I; behind others, I is a number: type I. */
const beforePronoun = new Set(
  (
    "do did can could should would will shall may might must am was have had if when where how what why who which that than as " +
    "and but so because whenever wherever once since while after before until or"
  ).split(" "),
);

/**
 * Whether a stop word is a name here, by its capitals: the A of "vitamin A" and the IT of "the IT department", but neither
 * the first word of a sentence nor one among other words in capitals.
 *
 * @param text where the words stand
 */
export function isCapitalName(
  text: string,
  previous: Scanned | undefined,
  { text: word, start, end }: Scanned,
  next: Scanned | undefined,
): boolean {
  if (!/^\p{Lu}+$/u.test(word)) return false;
  if (previous !== undefined && isBlank(text, previous.end, start)) return /\p{Ll}/u.test(previous.text);
  return word.length > 1 && next !== undefined && isBlank(text, end, next.start) && /\p{Ll}/u.test(next.text);
}

/** Whether an English I is the pronoun: first in a sentence that goes on, or behind such words as `can` and `when`. */
export function isPronounI(
  text: string,
  previous: Scanned | undefined,
  { text: word, start, end }: Scanned,
  next: Scanned | undefined,
): boolean {
  if (word !== "I" && word !== "i") return false;
  if (previous !== undefined && isBlank(text, previous.end, start)) {
    return beforePronoun.has(previous.text.toLowerCase());
  }
  return next !== undefined && isBlank(text, end, next.start);
}

function isBlank(text: string, start: number, end: number): boolean {
  return end > start && text.slice(start, end).trim() === "";
}
