import type { DocumentBlock, FileText } from "./document-block.ts";

/** A part of a file that is found by itself. */
export interface Passage {
  readonly text: string;
  /** The headings above it, outermost first, between ` › `. */
  readonly heading: string;
  readonly page: number | undefined;
}

/** Characters of a passage: about 250 tokens, which most models take whole. */
const longestPassage = 1000;

/** Passages shorter than this join the text after them, unless a heading is between. */
const shortestPassage = 300;

/** Cuts a file at headings, and between them at paragraphs, sentences and words so that passages are not too long. */
export function passagesOf({ blocks }: FileText): Passage[] {
  const passages: Passage[] = [];
  const headings: { readonly level: number; readonly text: string }[] = [];
  let pending: DocumentBlock[] = [];
  const end = () => {
    const heading = headings.map(({ text }) => text).join(" › ");
    for (const part of joined(pending)) passages.push({ ...part, heading });
    pending = [];
  };
  for (const block of blocks) {
    if (block.level === 0) {
      pending.push(block);
      continue;
    }
    end();
    while (headings.length > 0 && headings.at(-1)!.level >= block.level) headings.pop();
    headings.push(block);
  }
  end();
  // A file of headings only is found by them.
  if (passages.length === 0 && headings.length > 0) {
    const text = blocks.map((block) => block.text).join("\n");
    return pieces(text).map((piece) => ({ text: piece, heading: "", page: undefined }));
  }
  return passages;
}

function joined(blocks: readonly DocumentBlock[]): { text: string; page: number | undefined }[] {
  const parts: { text: string; page: number | undefined }[] = [];
  for (const { text, page } of blocks) {
    const last = parts.at(-1);
    const isJoined =
      last !== undefined &&
      last.page === page &&
      last.text.length + text.length < longestPassage &&
      (last.text.length < shortestPassage || text.length < shortestPassage);
    if (isJoined) last.text += `\n${text}`;
    else parts.push(...pieces(text).map((piece) => ({ text: piece, page })));
  }
  return parts;
}

/** Cuts a text after sentences, else between words, else anywhere. */
function pieces(text: string): string[] {
  const parts: string[] = [];
  let rest = text;
  while (rest.length > longestPassage) {
    const start = rest.slice(0, longestPassage);
    const sentence = Math.max(
      ...[". ", "! ", "? ", "\n", "。"].map((end) => start.lastIndexOf(end) + end.length),
    );
    const word = start.lastIndexOf(" ");
    const cut =
      [sentence, word].find((position) => position > shortestPassage) ?? safeCut(rest, longestPassage);
    parts.push(rest.slice(0, cut).trim());
    rest = rest.slice(cut).trimStart();
  }
  return rest === "" ? parts : [...parts, rest];
}

/** A place near `position` that does not divide a surrogate pair. */
function safeCut(text: string, position: number): number {
  return /[\ud800-\udbff]$/.test(text.slice(0, position)) ? position - 1 : position;
}
