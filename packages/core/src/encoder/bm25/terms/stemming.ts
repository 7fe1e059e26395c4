import type { Language } from "./language.ts";
import { plainForm } from "./letter-forms.ts";
import { loadSnowball, type Stemmer } from "./word-lists.ts";

/** Longer words are not words of a language, and stemmers may take long over them. */
const longestStemmed = 64;

/** Stems that are remembered: more than the words that make up nearly all of a text. */
const mostRemembered = 50_000;

/** Letters that are left of a word when an ending is cut off; in scripts that write vowels as marks, two make a word. */
const leastLeft = 3;
const leastLeftWithMarks = 2;

/** Times a stemmer is applied to what it gave. */
const mostRepeats = 4;

/** Hebrew writes the words for and, the, in, to, as, from and that in one with the next word. */
const hebrewPrefixes = /^(?:(?:וש|שה|וה|וב|ול|ומ|מה|כש|ב|ל|כ|מ|ש|ו)(?=\p{L}{3})|ה(?=\p{L}{2}))/u;
const hebrewPlural = /(?<=\p{L}{2})(?:ים|ות)$/u;

const indonesianPrefixes = /^(?:meng|meny|mem|men|me|di|ber|ter|peng|pem|pen|per|ke|se)(?=\p{L}{4})/u;

/** Changes of words that are not endings, by language. They come first. */
const ownForms: Readonly<Record<string, Stemmer>> = {
  // Nouns make their last consonants slender: leabhar, leabhair.
  ga: (word) => word.replace(/ai([bcdfghlmnprst]+)$/u, "a$1"),
  he: (word) => word.replace(hebrewPrefixes, "").replace(hebrewPlural, ""),
  id: (word) => word.replace(indonesianPrefixes, ""),
  // Vowels that only the short form has: будинок, будинки.
  uk: (word) => word.replace(/(?<=\p{L}{2})(?:ок|ець)$/u, (ending) => (ending === "ок" ? "к" : "ц")),
};

/** The stemmer of a language; undefined if its words are taken as they are. */
export async function stemmerOf(code: string, language: Language): Promise<Stemmer | undefined> {
  const { stemmer, endings, repeated = false } = language;
  const steps: Stemmer[] = [];
  if (ownForms[code] !== undefined) steps.push(ownForms[code]);
  if (endings !== undefined) steps.push(withoutEnding(endings, language.leastLeft));
  if (stemmer !== undefined) {
    const snowball = await loadSnowball(stemmer);
    steps.push(repeated ? untilStable(snowball) : snowball);
  }
  if (steps.length === 0) return undefined;
  return remembering((word) => steps.reduce((stem, step) => step(stem), word));
}

/** Cuts off the longest of the endings, where enough of the word is left. */
function withoutEnding(list: string, least: number | undefined): Stemmer {
  const endings = plainForm(list)
    .split(" ")
    .sort((a, b) => b.length - a.length);
  return (word) => {
    const left = least ?? (/\p{M}/u.test(word) ? leastLeftWithMarks : leastLeft);
    const ending = endings.find((one) => word.length - one.length >= left && word.endsWith(one));
    return ending === undefined ? word : word.slice(0, -ending.length);
  };
}

function untilStable(stemmer: Stemmer): Stemmer {
  return (word) => {
    let stem = word;
    for (let count = 0; count < mostRepeats; count++) {
      const next = stemmer(stem);
      if (next === stem) break;
      stem = next;
    }
    return stem;
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
