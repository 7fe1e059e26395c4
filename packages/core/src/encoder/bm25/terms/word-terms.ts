import { isCapitalName, isPronounI } from "./capitals.ts";
import { compoundTerms, type Orthography } from "./compound.ts";
import { hangulTerms } from "./hangul.ts";
import { orthographyOf } from "./language.ts";
import { plainForm, withoutInvisible } from "./letter-forms.ts";
import { normalisedBlocks } from "./normalised-text.ts";
import { type Scanned, TextScanner } from "./text-scan.ts";
import { type TextRole, UnspacedTerms } from "./unspaced-terms.ts";
import type { Stemmer } from "./word-lists.ts";

const lettersOnly = /^[\p{L}\p{M}]+$/u;

/** Terms that are remembered for words as they are written: more than make up nearly all of a text. */
const mostRemembered = 50_000;

/** Takes a term of a text. */
type Emit = (term: string) => void;

/** The terms of a text: words as people type them. */
export class WordTerms {
  private readonly code: string;
  private readonly stem: Stemmer;
  private readonly orthography: Orthography;
  private readonly isStopWord: (word: string) => boolean;
  private readonly unspaced: UnspacedTerms;
  /** By the word as it is written; empty for a stop word. */
  private readonly remembered = new Map<string, string>();

  constructor(
    code: string,
    segmenter: Intl.Segmenter,
    stopWords: ReadonlySet<string>,
    stem: Stemmer | undefined,
  ) {
    const plain = new Set(Array.from(stopWords, plainForm));
    this.code = code;
    this.stem = stem ?? ((word) => word);
    this.orthography = orthographyOf(code);
    this.isStopWord = (word) => plain.has(word);
    this.unspaced = new UnspacedTerms(segmenter, this.isStopWord);
  }

  /** Gives the terms of a text, and pauses after each step. */
  *read(text: string, emit: Emit, role: TextRole): Iterable<void> {
    let normal = "";
    for (const block of normalisedBlocks(text, withoutInvisible)) {
      normal += block;
      yield;
    }
    const scanner = new TextScanner(normal);
    let previous: Scanned | undefined;
    let current = scanner.next();
    while (current !== undefined) {
      if (current.kind === "unspaced") scanner.moveTo(this.unspaced.window(normal, current, role, emit));
      const next = scanner.next();
      if (current.kind === "hangul") this.hangul(current.text, emit);
      else if (current.kind === "word") this.word(normal, previous, current, next, emit);
      previous = current;
      current = next;
      yield;
    }
  }

  /** Terms of one character are parts or marks of words, and do not make a text longer. */
  lengthOf(term: string): number {
    return term.length > 1 ? 1 : 0;
  }

  private hangul(text: string, emit: Emit): void {
    for (const term of hangulTerms(text)) if (!this.isStopWord(term)) emit(term);
  }

  private word(
    text: string,
    previous: Scanned | undefined,
    current: Scanned,
    next: Scanned | undefined,
    emit: Emit,
  ): void {
    if (!lettersOnly.test(current.text)) {
      compoundTerms(plainForm(this.lower(current.text)), this.orthography, (term, word) => {
        if (!word) emit(term);
        else if (!this.isStopWord(term)) emit(this.stem(term));
      });
      return;
    }
    if (this.code === "en" && isPronounI(text, previous, current, next)) return;
    const term = this.term(current.text);
    if (term !== "") emit(term);
    else if (isCapitalName(text, previous, current, next)) emit(plainForm(this.lower(current.text)));
  }

  /** The term of a word of letters; empty for a stop word. */
  private term(text: string): string {
    const known = this.remembered.get(text);
    if (known !== undefined) return known;
    const form = plainForm(this.lower(text));
    const term = this.isStopWord(form) ? "" : this.stem(form);
    if (this.remembered.size === mostRemembered) this.remembered.clear();
    this.remembered.set(text, term);
    return term;
  }

  private lower(text: string): string {
    return text.toLocaleLowerCase(this.code);
  }
}
