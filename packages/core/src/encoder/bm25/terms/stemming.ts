import type { Language } from "./language.ts";
import { plainForm } from "./letter-forms.ts";
import { loadSnowball, type Stemmer } from "./word-lists.ts";

/** Longer words are not words of a language, and stemmers may take long over them. */
const longestStemmed = 64;

/** Stems that are remembered: more than the words that make up nearly all of a text. */
const mostRemembered = 50_000;

/** Letters that are left of a word when an ending is cut off. */
const leastLeft = 3;

/** In scripts that write vowels as marks, two letters make a word. */
const leastLeftWithMarks = 2;

/** Hebrew writes the words for and, the, in, to, as, from and that, in one with the next word. */
const hebrewPrefixes = /^(?:וש|שה|וה|וב|ול|ומ|מה|כש|ה|ב|ל|כ|מ|ש|ו)(?=\p{L}{3})/u;
const hebrewPlural = /(?<=\p{L}{2})(?:ים|ות)$/u;

/** The stemmer of a language; undefined if its words are taken as they are. */
export async function stemmerOf(code: string, language: Language): Promise<Stemmer | undefined> {
  if (language.stemmer !== undefined) return remembering(await loadSnowball(language.stemmer));
  if (code === "he") return (word) => word.replace(hebrewPrefixes, "").replace(hebrewPlural, "");
  if (code === "id") return remembering(indonesianStem(withoutEnding(language.endings!)));
  return language.endings === undefined ? undefined : remembering(withoutEnding(language.endings));
}

/** Cuts off the longest of the endings, where enough of the word is left. */
function withoutEnding(list: string): Stemmer {
  const endings = plainForm(list)
    .split(" ")
    .sort((a, b) => b.length - a.length);
  return (word) => {
    const least = /\p{M}/u.test(word) ? leastLeftWithMarks : leastLeft;
    const ending = endings.find((one) => word.length - one.length >= least && word.endsWith(one));
    return ending === undefined ? word : word.slice(0, -ending.length);
  };
}

function indonesianStem(cut: Stemmer): Stemmer {
  return (word) => {
    const base = word.replace(/^(?:meng|meny|mem|men|me|di|ber|ter|peng|pem|pen|per|ke|se)(?=\p{L}{4})/u, "");
    const short = base.replace(/(?:nya|lah|kah|pun)$/u, "");
    const left = short.length >= 4 ? short : base;
    const stem = cut(left);
    return stem.length >= 4 ? stem : left;
  };
}

function remembering(stemmer: Stemmer): Stemmer {
  const stems = new Map<string, string>();
  return (word) => {
    if (word.length > longestStemmed) return word;
    const known = stems.get(word);
    if (known !== undefined) return known;
    const stem = stemmer(word);
    if (stems.size === mostRemembered) stems.clear();
    stems.set(word, stem);
    return stem;
  };
}
