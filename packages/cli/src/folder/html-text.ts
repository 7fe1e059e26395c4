import { Parser } from "htmlparser2";
import type { DocumentBlock, FileText } from "./document-block.ts";

/** Elements whose text nobody reads. */
const hiddenElements = new Set([
  "script",
  "style",
  "noscript",
  "template",
  "svg",
  "math",
  "iframe",
  "object",
  "select",
]);

/** Elements that begin and end a block. */
const blockElements = new Set(
  (
    "address article aside blockquote body br caption dd details dialog div dl dt fieldset figcaption figure footer form " +
    "h1 h2 h3 h4 h5 h6 header hr html legend li main nav ol p pre section summary table tbody td tfoot th thead title tr ul"
  ).split(" "),
);

/** The text of a page, block by block, in the order in which it is read. */
export function htmlText(html: string): FileText {
  const reader = new BlockReader();
  const parser = new Parser({
    onopentag: (name) => reader.open(name),
    onclosetag: (name) => reader.close(name),
    ontext: (text) => reader.add(text),
  });
  parser.end(html);
  reader.endBlock();
  return { title: reader.title, blocks: reader.blocks };
}

class BlockReader {
  readonly blocks: DocumentBlock[] = [];
  title: string | undefined;
  private text = "";
  private level = 0;
  private hidden = 0;
  private isTitle = false;
  private isVerbatim = false;

  open(name: string): void {
    if (hiddenElements.has(name)) this.hidden++;
    if (!blockElements.has(name)) return;
    this.endBlock();
    this.isTitle = name === "title";
    this.isVerbatim ||= name === "pre";
    this.level = headingLevel(name) || this.level;
  }

  close(name: string): void {
    if (hiddenElements.has(name)) this.hidden = Math.max(0, this.hidden - 1);
    if (!blockElements.has(name)) return;
    this.endBlock();
    this.isTitle = false;
    if (name === "pre") this.isVerbatim = false;
    if (headingLevel(name) > 0) this.level = 0;
  }

  add(text: string): void {
    if (this.hidden === 0) this.text += text;
  }

  endBlock(): void {
    const text = this.isVerbatim ? this.text.trim() : this.text.replace(/\s+/g, " ").trim();
    this.text = "";
    if (text === "") return;
    if (this.isTitle) this.title ??= text;
    else this.blocks.push({ text, level: this.level });
  }
}

function headingLevel(name: string): number {
  return /^h[1-6]$/.test(name) ? Number(name[1]) : 0;
}
