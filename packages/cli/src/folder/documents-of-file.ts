import type { NewDocument } from "@sparse-encoder/core";
import { passagesOf } from "./passages.ts";
import { readFileText } from "./read-file-text.ts";

/**
 * The passages of a file as documents: `name#1`, `name#2`, … What is encoded has title and headings before the text.
 *
 * @param name of the file in the index
 */
export async function documentsOfFile(name: string, bytes: Uint8Array): Promise<NewDocument[]> {
  const content = await readFileText(name, bytes);
  const first = content.blocks.find(({ level }) => level > 0);
  const title = content.title ?? first?.text ?? name.slice(name.lastIndexOf("/") + 1);
  return passagesOf(content).map(({ text, heading, page }, position) => ({
    id: documentId(name, position),
    text: text.toWellFormed(),
    encodedText: encodedTextOf(title, heading, text).toWellFormed(),
    metadata: {
      file: name.toWellFormed(),
      title: title.toWellFormed(),
      ...(heading !== "" && { heading: heading.toWellFormed() }),
      ...(page !== undefined && { page }),
    },
  }));
}

export function documentId(name: string, position: number): string {
  return `${name.toWellFormed()}#${position + 1}`;
}

/** What is encoded for a passage. */
export function encodedTextOf(title: string, heading: string, text: string): string {
  const parts = [...new Set([title, heading, text])];
  return parts.filter((part) => part !== "").join("\n");
}
