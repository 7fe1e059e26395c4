import lists from "stopword";

/** How texts of one language become terms. */
export interface Language {
  /** Name of its Snowball stemmer; undefined where there is none. */
  readonly stemmer: string | undefined;
  readonly stopWords: readonly string[];
}

/** The stop words of Lucene's English analyzer, by which BM25 figures are usually made. */
const english = (
  "a an and are as at be but by for if in into is it no not of on or such that the their then there these they this " +
  "to was will with"
).split(" ");

/** Snowball stemmer and stop word list (its name is the ISO 639-3 code) by ISO 639-1 code. */
const sources: Readonly<Record<string, readonly [stemmer: string | undefined, list: string | undefined]>> = {
  ar: ["arabic", "ara"],
  bg: [undefined, "bul"],
  bn: [undefined, "ben"],
  ca: ["catalan", "cat"],
  cs: ["czech", "ces"],
  da: ["danish", "dan"],
  de: ["german", "deu"],
  el: [undefined, "ell"],
  en: ["english", undefined],
  es: ["spanish", "spa"],
  eu: ["basque", "eus"],
  fa: [undefined, "fas"],
  fi: ["finnish", "fin"],
  fr: ["french", "fra"],
  ga: ["irish", "gle"],
  he: [undefined, "heb"],
  hi: [undefined, "hin"],
  hu: ["hungarian", "hun"],
  hy: ["armenian", "hye"],
  id: [undefined, "ind"],
  it: ["italian", "ita"],
  ja: [undefined, "jpn"],
  ko: [undefined, "kor"],
  nl: ["dutch", "nld"],
  no: ["norwegian", "nob"],
  pl: [undefined, "pol"],
  pt: ["portuguese", "por"],
  ro: ["romanian", "ron"],
  ru: ["russian", "rus"],
  sl: ["slovene", "slv"],
  sv: ["swedish", "swe"],
  ta: ["tamil", undefined],
  th: [undefined, "tha"],
  tr: ["turkish", "tur"],
  uk: [undefined, "ukr"],
  ur: [undefined, "urd"],
  vi: [undefined, "vie"],
  zh: [undefined, "zho"],
};

/** Codes of the languages that have a stemmer, stop words, or both. */
export const languageCodes: readonly string[] = Object.keys(sources);

/** The language of an ISO 639-1 code; undefined if it is not among {@link languageCodes}. */
export function languageOf(code: string): Language | undefined {
  if (!Object.hasOwn(sources, code)) return undefined;
  const [stemmer, list] = sources[code]!;
  const stopWords = list === undefined ? [] : lists[list]!;
  return { stemmer, stopWords: code === "en" ? english : stopWords };
}
