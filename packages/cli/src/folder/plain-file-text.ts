import type { FileText } from "./document-block.ts";

/** The paragraphs of a plain text, which blank lines separate. */
export function plainFileText(text: string): FileText {
  const blocks = text
    .split(/\r?\n[ \t]*(?:\r?\n[ \t]*)+/)
    .map((paragraph) => paragraph.replace(/\s+/g, " ").trim())
    .filter((paragraph) => paragraph !== "")
    .map((paragraph) => ({ text: paragraph, level: 0 }));
  return { title: undefined, blocks };
}
