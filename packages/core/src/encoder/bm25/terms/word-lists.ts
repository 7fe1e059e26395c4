import type { Language } from "./language.ts";

/** Cuts a word to its stem. */
export type Stemmer = (word: string) => string;

/** Lists of stop words by name, as the package `stopword` has them. */
type StopWordLists = Readonly<Record<string, readonly string[]>>;

/** The package `snowball-stemmers`. */
interface Snowball {
  newStemmer(language: string): { stem(word: string): string };
}

/** The stop words of a language. The lists are loaded when the first encoder needs one of them. */
export async function loadStopWords({ stopWords, stopList }: Language): Promise<readonly string[]> {
  if (stopWords !== undefined) return stopWords.split(" ");
  if (stopList === undefined) return [];
  return contentOf<StopWordLists>(await import("stopword"))[stopList]!;
}

/** Snowball's stemmer of that name. The package is loaded when the first encoder needs it. */
export async function loadSnowball(name: string): Promise<Stemmer> {
  const stemmer = contentOf<Snowball>(await import("snowball-stemmers")).newStemmer(name);
  return (word) => stemmer.stem(word);
}

/**
 * Node gives a CommonJS module as `default`; bundlers take the ES module of a package where there is one, which may have no
 * default export.
 */
function contentOf<Content>(module: { readonly default?: Content } & Content): Content {
  return module.default ?? module;
}
