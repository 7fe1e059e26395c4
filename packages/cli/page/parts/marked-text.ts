import type { TextSegment } from "../api-types.ts";
import { element, withShare } from "../dom.ts";
import { weightText } from "../numbers.ts";

/** Characters from which on a text is set smaller, in a region that scrolls. */
const longText = 700;

/** A text whose words are marked as strongly as they weigh. */
export function markedText(segments: readonly TextSegment[], largest: number, label: string): HTMLElement {
  const paragraph = element("p", { class: "marked", dir: "auto" });
  for (const { text, token, weight = 0 } of segments) {
    if (token === undefined || weight <= 0) paragraph.append(text);
    else {
      const mark = element("mark", { title: `${token}: ${weightText(weight)}` }, text);
      paragraph.append(withShare(mark, weight / (largest || 1)));
    }
  }
  if ((paragraph.textContent ?? "").length <= longText) return paragraph;
  return element("div", { class: "long", role: "region", "aria-label": label, tabindex: 0 }, paragraph);
}

/** Characters of the longest term that is looked for in a script without spaces. */
const longestTerm = 8;

/** A text in which some words are marked, each as strongly as its term counts. */
export function highlightedText(text: string, shares: ReadonlyMap<string, number>): HTMLElement {
  const paragraph = element("p", { class: "passage", dir: "auto" });
  for (const part of text.split(/([\p{L}\p{N}\p{M}]+)/u).flatMap((word) => pieces(word, shares))) {
    const word = folded(part);
    const share = shares.get(word) ?? shares.get(stem(word, shares));
    paragraph.append(share === undefined ? part : withShare(element("mark", {}, part), share));
  }
  return paragraph;
}

/** A word; in a script without spaces, the terms that it is made of, and what lies between. */
function pieces(word: string, shares: ReadonlyMap<string, number>): string[] {
  if (!/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/u.test(word)) return [word];
  const characters = [...word];
  const found: string[] = [];
  let rest = "";
  for (let place = 0; place < characters.length; ) {
    const length = termLength(characters, place, shares);
    if (length === 0) rest += characters[place++]!;
    else {
      if (rest !== "") found.push(rest);
      rest = "";
      found.push(characters.slice(place, place + length).join(""));
      place += length;
    }
  }
  return rest === "" ? found : [...found, rest];
}

/** Characters of the longest term that begins here; 0 for none. */
function termLength(
  characters: readonly string[],
  place: number,
  shares: ReadonlyMap<string, number>,
): number {
  for (let length = Math.min(longestTerm, characters.length - place); length > 0; length--) {
    if (shares.has(folded(characters.slice(place, place + length).join("")))) return length;
  }
  return 0;
}

/** Without case and accents, as terms are written: `cafe` for `Café`. */
export function folded(word: string): string {
  return word.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
}

/** The longest term that a word begins with, of at least five letters: `flight` for `flights`. */
function stem(word: string, shares: ReadonlyMap<string, number>): string {
  for (let length = word.length - 1; length >= 5; length--) {
    const start = word.slice(0, length);
    if (shares.has(start)) return start;
  }
  return "";
}
