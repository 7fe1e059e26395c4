import { marked } from "marked";
import type { FileText } from "./document-block.ts";
import { htmlText } from "./html-text.ts";

/** The text of a Markdown file without its front matter, whose `title` is used. */
export function markdownText(markdown: string): FileText {
  const [whole = "", matter = ""] = /^---\r?\n([\s\S]*?)\r?\n---\r?\n/.exec(markdown) ?? [];
  const title = /^title:\s*["']?(.+?)["']?\s*$/m.exec(matter)?.[1];
  const { blocks } = htmlText(marked.parse(markdown.slice(whole.length), { async: false }));
  return { title, blocks };
}
