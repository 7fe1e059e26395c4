import type { SparseEncoder } from "@sparse-encoder/core";
import { readCranfield } from "../examples/cranfield.ts";

/** Real text, cut into `count` pieces of `tokens` tokens, special ones included, within a few. */
export async function textsOfTokens(
  encoder: SparseEncoder,
  tokens: number,
  count: number,
): Promise<string[]> {
  const words = readCranfield()
    .documents.map(({ text }) => text)
    .join(" ")
    .split(/\s+/);
  const wordTokens = (await encoder.tokenize(words)).map((ids) => ids.length - 2);
  const texts: string[] = [];
  let start = 0;
  while (texts.length < count) {
    let end = start;
    for (let length = 2; length < tokens; end++) length += wordTokens[end % words.length]!;
    texts.push(
      Array.from({ length: end - start }, (_, offset) => words[(start + offset) % words.length]).join(" "),
    );
    start = end % words.length;
  }
  return texts;
}
