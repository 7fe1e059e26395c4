import { CommandError } from "../command-error.ts";

/** A line, numbered from 1. */
export interface TextLine {
  readonly number: number;
  readonly text: string;
}

/** UTF-16 code units of the longest line that is read; beyond it a file without line ends would fill the memory. */
const longestLine = 1 << 26;

/**
 * The lines of UTF-8 bytes, without their ends; a byte order mark is passed over.
 * @param path for messages
 * @throws CommandError if the bytes are not UTF-8, hold a zero byte, or have a line that is too long
 */
export async function* textLines(
  bytes: AsyncIterable<Uint8Array>,
  path: string,
): AsyncGenerator<TextLine, void, undefined> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let rest = "";
  let number = 0;
  const decode = (chunk?: Uint8Array) => {
    try {
      const text = chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true });
      if (!text.includes("\0")) return text;
    } catch {
      // Falls through to the error that names the line.
    }
    throw new CommandError(
      `${path} is not a text file: there are bytes that are not UTF-8 text after line ${number}. ` +
        "Unpack or convert the file first; .gz and .zst are unpacked by their names.",
    );
  };
  for await (const chunk of bytes) {
    const lines = (rest + decode(chunk)).split("\n");
    rest = lines.pop()!;
    if (rest.length > longestLine) {
      throw new CommandError(
        `${path}, line ${number + lines.length + 1} is longer than ${longestLine} characters.`,
      );
    }
    for (const line of lines) yield { number: ++number, text: line.replace(/\r$/, "") };
  }
  rest += decode();
  if (rest !== "") yield { number: number + 1, text: rest.replace(/\r$/, "") };
}
