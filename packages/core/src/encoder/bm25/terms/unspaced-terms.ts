import type { Scanned } from "./text-scan.ts";
import { segmentWindow } from "./unspaced-words.ts";

/** Whether a text is a document or a search query: a query leaves out what would find too much. */
export type TextRole = "document" | "query";

const otherIdeograph = /^\p{Script=Han}$/u;
const katakana = /^[\p{Script=Katakana}ー]+$/u;

/** Katakana words of fewer letters keep a long vowel at their end: カー is another word than カ. */
const leastKatakana = 4;

/** Takes a term of a script without spaces. */
type Emit = (term: string) => void;

/**
 * Terms of texts in scripts without spaces: the words of a dictionary and, since dictionaries cut a word otherwise in
 * another sentence, every two ideographs in a row. A document also has each ideograph; a query has only those that are
 * words, or stems of words (食 of 食べる), so that 黄山 does not find 华山.
 */
export class UnspacedTerms {
  private readonly segmenter: Intl.Segmenter;
  private readonly isStopWord: (word: string) => boolean;

  constructor(segmenter: Intl.Segmenter, isStopWord: (word: string) => boolean) {
    this.segmenter = segmenter;
    this.isStopWord = isStopWord;
  }

  /**
   * Gives the terms of a window of a run.
   * @returns where in the text the next window begins
   */
  window(text: string, { text: window, start }: Scanned, role: TextRole, emit: Emit): number {
    const length = segmentWindow(window, this.segmenter, (word) => this.word(word, role, emit));
    let before = characterBefore(text, start);
    for (const character of text.slice(start, start + length)) {
      const ideographic = isIdeograph(character);
      if (ideographic) {
        if (role === "document" && !this.isStopWord(character)) emit(character);
        if (before !== "") emit(before + character);
      }
      before = ideographic ? character : "";
    }
    return start + length;
  }

  /** Words of one and two ideographs are among the terms of their run already, but for those of one in a query. */
  private word(word: string, role: TextRole, emit: Emit): void {
    // The commonest words of a document by far, without the work below.
    if (
      role === "document" &&
      word.length <= 2 &&
      isCommonIdeograph(word, 0) &&
      isCommonIdeograph(word, word.length - 1)
    ) {
      return;
    }
    if (this.isStopWord(word)) return;
    const characters = [...word];
    const ideographs = characters.filter(isIdeograph);
    if (ideographs.length === characters.length) {
      if (characters.length > 2 || (characters.length === 1 && role === "query")) emit(word);
      return;
    }
    emit(katakana.test(word) && characters.length >= leastKatakana ? word.replace(/ー$/u, "") : word);
    const [stem] = ideographs;
    if (role === "query" && ideographs.length === 1 && !this.isStopWord(stem!)) emit(stem!);
  }
}

/** The ideograph right before a place; empty if there is none. */
function characterBefore(text: string, place: number): string {
  const last = Array.from(text.slice(Math.max(0, place - 2), place)).at(-1);
  return last !== undefined && isIdeograph(last) ? last : "";
}

function isIdeograph(character: string): boolean {
  return isCommonIdeograph(character, 0) || (character >= "\u2e80" && otherIdeograph.test(character));
}

/** Whether a character is of the block of nearly all ideographs, which takes no pattern. */
function isCommonIdeograph(text: string, place: number): boolean {
  const code = text.charCodeAt(place);
  return code >= 0x4e00 && code <= 0x9fff;
}
