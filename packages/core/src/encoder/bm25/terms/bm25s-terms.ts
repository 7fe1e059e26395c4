import { normalisedBlocks } from "./normalised-text.ts";
import { segmentWindow, unspaced } from "./unspaced-words.ts";
import type { Stemmer } from "./word-lists.ts";

/** Longer words are not words; a search takes them in pieces. */
const longestWord = 4096;

/** Code units between two words that take a step of their own. */
const longGap = 64;

const anyWord = "\\p{L}\\p{N}\\p{M}_";
const pattern = new RegExp(
  `[${anyWord}]{2,${longestWord}}|[${unspaced}]|(?<gap>[^${anyWord}]{${longGap},${longestWord}})`,
  "gu",
);
const hasUnspaced = new RegExp(`[${unspaced}]`, "u");

/**
 * The terms of a text as the libraries bm25s and scikit-learn make them: NFKC, lower case, words of two or more letters,
 * digits and underscores. Runs in scripts without spaces are cut by the dictionaries of `Intl.Segmenter`.
 */
export class Bm25sTerms {
  private readonly code: string;
  private readonly segmenter: Intl.Segmenter;
  private readonly stopWords: ReadonlySet<string>;
  private readonly stem: Stemmer;

  constructor(
    code: string,
    segmenter: Intl.Segmenter,
    stopWords: ReadonlySet<string>,
    stem: Stemmer | undefined,
  ) {
    this.code = code;
    this.segmenter = segmenter;
    this.stopWords = stopWords;
    this.stem = stem ?? ((word) => word);
  }

  /** Gives the terms of a text, and pauses after each step. */
  *read(text: string, emit: (term: string) => void): Iterable<void> {
    let lowered = "";
    for (const block of normalisedBlocks(text, (part) => part)) {
      lowered += block.toLocaleLowerCase(this.code);
      yield;
    }
    const take = (word: string) => {
      if (!this.stopWords.has(word)) emit(this.stem(word));
    };
    const scanner = new RegExp(pattern);
    for (let match = scanner.exec(lowered); match !== null; match = scanner.exec(lowered)) {
      const [word] = match;
      if (match.groups!.gap === undefined) {
        if (!hasUnspaced.test(word)) take(word);
        else scanner.lastIndex = match.index + segmentWindow(word, this.segmenter, take);
      }
      yield;
    }
  }

  /** Every term counts. */
  lengthOf(): number {
    return 1;
  }
}
