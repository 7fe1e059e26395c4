/**
 * A string of which the order by code points, and so by bytes of UTF-8, is the order of the given one by UTF-16 code
 * units. Most strings are their own key. The two orders differ where U+E000 to U+FFFF meet characters above them: those
 * get the highest character before them, and the two highest ones make room for that.
 */
export function toOrderKey(text: string): string {
  if (!/[\ud800-\uffff]/.test(text)) return text;
  return text
    .replace(/\u{10fffe}|\u{10ffff}/gu, (found) => (found === "\u{10fffe}" ? "\u{10fffe}1" : "\u{10fffe}2"))
    .replace(/[\ue000-\uffff]/gu, "\u{10ffff}$&");
}

/** Undoes {@link toOrderKey}. */
export function fromOrderKey(key: string): string {
  if (!/[\ud800-\uffff]/.test(key)) return key;
  return key
    .replace(/\u{10ffff}([\ue000-\uffff])/gu, "$1")
    .replace(/\u{10fffe}([12])/gu, (_, kind) => (kind === "1" ? "\u{10fffe}" : "\u{10ffff}"));
}
