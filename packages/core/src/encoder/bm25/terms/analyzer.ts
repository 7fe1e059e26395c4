import { invalidArgument, received } from "../../../errors.ts";
import { declareOptions, didYouMean, flag, oneOf, rule } from "../../../options/index.ts";
import { Bm25sTerms } from "./bm25s-terms.ts";
import { languageCodes, languageOf } from "./language.ts";
import { stemmerOf } from "./stemming.ts";
import type { TextRole } from "./unspaced-terms.ts";
import { loadStopWords } from "./word-lists.ts";
import { WordTerms } from "./word-terms.ts";

/** Turns a text into its terms, in order and with repeats. The same text must always give the same terms. */
export type Analyzer = (text: string) => readonly string[];

/** How the analyzers of this library make terms of texts. */
export interface AnalyzerOptions {
  /** ISO 639-1 code of the language, which decides stemmer and stop words. Default `en`. */
  readonly language?: string | undefined;
  /** Whether words are cut to their stems, where the language has a stemmer. Default true. */
  readonly stemming?: boolean | undefined;
  /** Words that are left out, in lower case. Default: the words of the language. `[]` keeps all. */
  readonly stopWords?: readonly string[] | undefined;
  /**
   * What a word is. `"words"`, the default: words as people type them, single letters and digits included, with the signs that
   * belong to them (C++, .NET, 7.3.2, U.S.A., N/A); a compound is kept whole and in its parts. `"bm25s"`: two or more letters,
   * digits and underscores, as in the libraries bm25s and scikit-learn, for figures that are compared with theirs.
   */
  readonly tokens?: "words" | "bm25s" | undefined;
}

/** The code of a language that is named in English, or with its region. */
function meantLanguage(value: unknown): string | undefined {
  if (typeof value !== "string") return undefined;
  const small = value.toLowerCase();
  const names = new Intl.DisplayNames("en", { type: "language" });
  return languageCodes.find(
    (code) => names.of(code)?.toLowerCase() === small || small.split(/[-_]/)[0] === code,
  );
}

/** The options of an analyzer, as a user gives them. */
export const analyzerOptions = declareOptions<AnalyzerOptions>()({
  language: rule((value, name) => {
    if (typeof value === "string" && languageOf(value) !== undefined) return value;
    throw invalidArgument(
      `${name} must be one of ${languageCodes.join(", ")}, received ${received(value)}; for another one give an analyzer function.${didYouMean(meantLanguage(value))}`,
    );
  }),
  stemming: flag(),
  stopWords: rule((value, name): readonly string[] => {
    if (Array.isArray(value) && value.every((word) => typeof word === "string")) return value;
    throw invalidArgument(`${name} must be an array of strings, received ${received(value)}.`);
  }),
  tokens: oneOf(["words", "bm25s"]),
});

/** Makes terms of texts. */
export interface TermSource {
  /**
   * Gives the terms of a text to `emit`, in order and with repeats, and pauses after each step of a few milliseconds at most,
   * so that other work has its turn.
   */
  read(text: string, emit: (term: string) => void, role: TextRole): Iterable<void>;
  /** What a term adds to the length of its text. */
  lengthOf(term: string): number;
}

/** Loads the word lists of a language and makes its analyzer. */
export async function openAnalyzer(options: AnalyzerOptions): Promise<TermSource> {
  const { language: code = "en", stemming = true, tokens = "words" } = options;
  const language = languageOf(code)!;
  const stopWords = new Set(options.stopWords ?? (await loadStopWords(language)));
  const stem = stemming ? await stemmerOf(code, language) : undefined;
  const segmenter = new Intl.Segmenter(code, { granularity: "word" });
  const Terms = tokens === "bm25s" ? Bm25sTerms : WordTerms;
  return new Terms(code, segmenter, stopWords, stem);
}

/** A function of the user's in place of an analyzer. */
export function customAnalyzer(analyzer: Analyzer): TermSource {
  return {
    *read(text, emit) {
      const terms: unknown = analyzer(text);
      if (!Array.isArray(terms) || !terms.every((term) => typeof term === "string")) {
        throw invalidArgument(`analyzer must give an array of strings, received ${received(terms)}.`);
      }
      for (const term of terms) emit(term);
      yield;
    },
    lengthOf: () => 1,
  };
}
