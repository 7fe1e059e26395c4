/** C0 and C1 control characters other than tab and line feed, DEL, and marks that change the direction of text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this looks for
const unsafe = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** A text of unknown origin for a terminal: control characters, which could move the cursor or worse, become `\u{…}`. */
export function plainText(text: string): string {
  return text.replace(unsafe, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`);
}

/** As {@link plainText}, on one line and at most `width` code points long. */
export function oneLine(text: string, width: number): string {
  const characters = [
    ...plainText(text.slice(0, width * 8))
      .replace(/\s+/g, " ")
      .trim(),
  ];
  return characters.length > width ? `${characters.slice(0, width - 1).join("")}…` : characters.join("");
}
