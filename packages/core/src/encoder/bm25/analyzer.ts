import snowball from "snowball-stemmers";
import { invalidArgument, received } from "../../errors.ts";
import { languageCodes, languageOf } from "./language.ts";

/** Turns a text into its terms, in order and with repeats. The same text must always give the same terms. */
export type Analyzer = (text: string) => readonly string[];

/** How the analyzers of this library make terms of texts. */
export interface AnalyzerOptions {
  /** ISO 639-1 code of the language, which decides stemmer and stop words. Default `en`. */
  readonly language?: string;
  /** Whether words are cut to their stems, where the language has a stemmer. Default true. */
  readonly stemming?: boolean;
  /** Words that are left out, in lower case. Default: those of the language. `[]` keeps all. */
  readonly stopWords?: readonly string[];
}

/** Names of {@link AnalyzerOptions}. */
export const analyzerOptionNames: readonly (keyof AnalyzerOptions)[] = ["language", "stemming", "stopWords"];

/** Scripts whose words do not stand apart. */
const unspaced =
  "\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Thai}\\p{Script=Lao}\\p{Script=Khmer}\\p{Script=Myanmar}";

/** Words of spaced scripts have two characters or more; the rest is single letters and digits, of no use in a search. */
const wordPattern = new RegExp(`[\\p{L}\\p{N}\\p{M}_]{2,}|[${unspaced}]`, "gu");
const unspacedPattern = new RegExp(`[${unspaced}]`, "u");

/** Longer words are no words of a language, and stemmers may take long over them. */
const longestStemmed = 64;

/** Stems that are remembered: more than the words that make up nearly all of a text. */
const rememberedStems = 50_000;

/**
 * The analyzer of a language: Unicode NFKC, lower case, runs of letters, digits and underscores of two or more, without
 * stop words, stemmed by Snowball. Runs in scripts without spaces (Chinese, Japanese, Thai and others) are cut into words
 * by the dictionaries of `Intl.Segmenter`.
 *
 * @throws SparseEncoderError `INVALID_ARGUMENT`
 */
export function createAnalyzer(options: AnalyzerOptions = {}): Analyzer {
  const { language: code = "en", stemming = true } = options;
  const language = typeof code === "string" ? languageOf(code) : undefined;
  if (language === undefined) {
    throw invalidArgument(
      `language must be one of ${languageCodes.join(", ")}, received ${received(code)}; for another one give an analyzer function.`,
    );
  }
  if (typeof stemming !== "boolean") {
    throw invalidArgument(`stemming must be true or false, received ${received(stemming)}.`);
  }
  const stopWords = new Set(checkStopWords(options.stopWords) ?? language.stopWords);
  const stem = stemming && language.stemmer !== undefined ? rememberingStemmer(language.stemmer) : undefined;
  const segmenter = new Intl.Segmenter(code, { granularity: "word" });
  return (text) => {
    const terms: string[] = [];
    for (const word of words(text.normalize("NFKC").toLocaleLowerCase(code), segmenter)) {
      if (!stopWords.has(word)) terms.push(stem === undefined ? word : stem(word));
    }
    return terms;
  };
}

function checkStopWords(stopWords: unknown): readonly string[] | undefined {
  if (stopWords === undefined) return undefined;
  if (!Array.isArray(stopWords) || !stopWords.every((word) => typeof word === "string")) {
    throw invalidArgument(`stopWords must be an array of strings, received ${received(stopWords)}.`);
  }
  return stopWords;
}

function* words(lowered: string, segmenter: Intl.Segmenter): Iterable<string> {
  for (const run of lowered.match(wordPattern) ?? []) {
    if (!unspacedPattern.test(run)) yield run;
    else for (const { segment, isWordLike } of segmenter.segment(run)) if (isWordLike) yield segment;
  }
}

function rememberingStemmer(name: string): (word: string) => string {
  const stemmer = snowball.newStemmer(name);
  const stems = new Map<string, string>();
  return (word) => {
    if (word.length > longestStemmed) return word;
    const known = stems.get(word);
    if (known !== undefined) return known;
    const stem = stemmer.stem(word);
    if (stems.size === rememberedStems) stems.clear();
    stems.set(word, stem);
    return stem;
  };
}
