import path from "node:path";
import type { FileText } from "./document-block.ts";
import { htmlText } from "./html-text.ts";
import { markdownText } from "./markdown-text.ts";
import { plainFileText } from "./plain-file-text.ts";

/** Endings of the files that are read, and their form. */
const forms: Readonly<Record<string, "html" | "markdown" | "pdf" | "text">> = {
  ".md": "markdown",
  ".markdown": "markdown",
  ".txt": "text",
  ".text": "text",
  ".rst": "text",
  ".adoc": "text",
  ".html": "html",
  ".htm": "html",
  ".xhtml": "html",
  ".pdf": "pdf",
};

export const knownEndings: readonly string[] = Object.keys(forms);

/**
 * What a file says.
 * @param name of the file, whose ending tells the form
 * @throws Error for bytes that are not what the name says
 */
export async function readFileText(name: string, bytes: Uint8Array): Promise<FileText> {
  const form = forms[path.extname(name).toLowerCase()];
  if (form === undefined) throw new Error(`the ending is none of ${knownEndings.join(", ")}`);
  if (form === "pdf") {
    const { pdfText } = await import("./pdf-text.ts");
    return pdfText(bytes);
  }
  const text = decode(bytes);
  if (form === "html") return htmlText(text);
  return form === "markdown" ? markdownText(text) : plainFileText(text);
}

function decode(bytes: Uint8Array): string {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw new Error("it is not a text in UTF-8", { cause: error });
  }
  if (text.includes("\0")) throw new Error("it holds zero bytes: it is not a text");
  return text;
}
