/** Signs without a sound or place of their own: soft hyphens, word joiners, byte order marks. */
const invisible = /\u00ad|\u200d|\u2060|\ufeff/g;

/** The zero-width non-joiner: in Arabic script it parts words, in others it only shapes letters. */
const shaping = /(?<!\p{Script=Arabic})\u200c/gu;

/** What compatibility forms make letters of: ™ is not a word. */
const trademarks = /[™℠]/g;
const fractions = /(\p{Nd})(?=[¼-¾⅐-⅞])/gu;

/** Before the NFKC form of a text is made. */
export function withoutInvisible(text: string): string {
  return text.replace(invisible, "").replace(shaping, "").replace(trademarks, " ").replace(fractions, "$1 ");
}

const arabic = /\p{Script=Arabic}/u;
const arabicMarks = /[\u0640\u064b-\u065f\u0670]/g;
const hebrewMarks = /[\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7]/g;
const greek = /\p{Script=Greek}/u;
const otherDigit = /(?![0-9])\p{Nd}/gu;

/**
 * One form for the forms that a word is written in: without the vowels of Arabic and Hebrew and the accents of Greek, with
 * one kind of yeh, kaf, alef and sigma, and with digits 0 to 9.
 */
export function plainForm(word: string): string {
  if (/^[\x20-\x7e]*$/.test(word)) return word;
  let form = word.replace(otherDigit, digitOf);
  if (arabic.test(form)) {
    form = form
      .replace(arabicMarks, "")
      .replace(/[يىی]/g, "ي")
      .replace(/[كک]/g, "ك")
      .replace(/[أإآٱ]/g, "ا");
  } else if (greek.test(form)) {
    form = form
      .normalize("NFD")
      .replace(/[\u0300-\u036f]/g, "")
      .replace(/ς/g, "σ");
  } else if (hebrewMarks.test(form)) {
    form = form.replace(hebrewMarks, "");
  }
  return form;
}

/** Digits of a script stand in a row, and no other digits right before the zero. */
function digitOf(digit: string): string {
  const code = digit.codePointAt(0)!;
  let value = 0;
  while (value < 9 && /^\p{Nd}$/u.test(String.fromCodePoint(code - value - 1))) value++;
  return String(value);
}
