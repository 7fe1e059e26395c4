import { unspaced, windowLength } from "./unspaced-words.ts";

/** Longest word, and longest part of one, in code units, as in Lucene's tokenizer; what is longer is cut. */
const longestWord = 255;

/** Parts of a compound that are looked at together. */
const mostParts = 32;

/** Code units between two words that take a step of their own. */
const longGap = 64;
const longestGap = 4096;

const anyWord = "\\p{L}\\p{N}\\p{M}_";
const word = `[[${anyWord}]--[${unspaced}\\p{Script=Hangul}]]`;
const joint = "[.'’＇\\-‐‑⁄\\/&@:,]";

/**
 * A run of a script without spaces; a word in Hangul, whose particles also stand behind words in other scripts; or a word:
 * letters and digits, parts joined by single signs, a dot before (.NET), plus signs or a hash behind (C++, C#).
 */
const pattern = new RegExp(
  `(?<unspaced>[${unspaced}]{1,${windowLength + 1}})|(?<hangul>\\p{Script=Hangul}{1,${longestWord}})|` +
    `(?:(?<![${anyWord}.])\\.)?${word}{1,${longestWord}}(?:${joint}${word}{1,${longestWord}}){0,${mostParts - 1}}` +
    `(?:\\+\\+|\\+(?!${word})|#(?!${word}))?|` +
    `(?<gap>[^${anyWord}]{${longGap},${longestGap}}(?=[^${anyWord}]))`,
  "gv",
);

/** A word or run of a text, as it is written there. */
export interface Scanned {
  /** `unspaced` is the next window of a run, and one code unit more if the run goes on. */
  readonly kind: "unspaced" | "hangul" | "word" | "gap";
  readonly text: string;
  /** Where it begins and ends, in code units. */
  readonly start: number;
  readonly end: number;
}

/** Reads the words and runs of a text in NFKC form, in order. A step takes bounded time; for that, long gaps come too. */
export class TextScanner {
  // A pattern for each scan: its place in the text is a state.
  private readonly pattern = new RegExp(pattern);
  private readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  /** The next one; undefined at the end. */
  next(): Scanned | undefined {
    const match = this.pattern.exec(this.text);
    if (match === null) return undefined;
    const { unspaced: run, hangul, gap } = match.groups!;
    const kind =
      run !== undefined ? "unspaced" : hangul !== undefined ? "hangul" : gap !== undefined ? "gap" : "word";
    return { kind, text: match[0], start: match.index, end: match.index + match[0].length };
  }

  /** Goes on from another place than the end of the last one. */
  moveTo(place: number): void {
    this.pattern.lastIndex = place;
  }
}
