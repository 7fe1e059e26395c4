import type { TextSegment } from "./api.ts";
import { element, withShare } from "./dom.ts";
import { weightText } from "./numbers.ts";

/** A text whose words are marked as strongly as they weigh. */
export function markedText(segments: readonly TextSegment[], largest: number): HTMLElement {
  const paragraph = element("p", { class: "marked" });
  for (const { text, token, weight = 0 } of segments) {
    if (token === undefined || weight <= 0) paragraph.append(text);
    else {
      const mark = element("mark", { title: `${token}: ${weightText(weight)}` }, text);
      paragraph.append(withShare(mark, weight / (largest || 1)));
    }
  }
  return paragraph;
}

/** A text in which some words are marked, each as strongly as its term counts. */
export function highlightedText(text: string, shares: ReadonlyMap<string, number>): HTMLElement {
  const paragraph = element("p", { class: "passage" });
  for (const part of text.split(/([\p{L}\p{N}]+)/u)) {
    const word = part.toLowerCase();
    const share = shares.get(word) ?? shares.get(stem(word, shares));
    paragraph.append(share === undefined ? part : withShare(element("mark", {}, part), share));
  }
  return paragraph;
}

/** The longest term that a word begins with, of at least five letters: `flight` for `flights`. */
function stem(word: string, shares: ReadonlyMap<string, number>): string {
  for (let length = word.length - 1; length >= 5; length--) {
    const start = word.slice(0, length);
    if (shares.has(start)) return start;
  }
  return "";
}
