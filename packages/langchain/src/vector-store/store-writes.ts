import type { DocumentInterface } from "@langchain/core/documents";
import type { AddOptions, HybridRetriever, NewDocument } from "@sparse-encoder/core";
import {
  chunkMetadata,
  type DeleteTarget,
  type DocumentFilter,
  DocumentSplitter,
  goOnSplit,
  invalidArgument,
  jsonFilter,
  removeOldChunks,
  type SplitSettings,
} from "@sparse-encoder/core/internal";
import { toNewDocuments } from "../document-mapping.ts";
import { type AddDocumentsOptions, addDocumentsOptions } from "./vector-store-options.ts";

/** How documents become what is stored. */
interface Writing {
  /** The encoders of the store. */
  readonly encoders: readonly unknown[];
  /** Whether documents are split, where the call does not say. */
  readonly split: SplitSettings | false | undefined;
  /** Vectors of the documents by position, by name of the vectors in the store. */
  readonly vectors?: (position: number) => NonNullable<NewDocument["vectors"]>;
}

/**
 * Adds documents of LangChain to the stores of a retriever.
 *
 * @param call the function as the user called it
 * @returns the ids of what is stored
 */
export async function addTo(
  retriever: HybridRetriever,
  call: string,
  documents: DocumentInterface[],
  options: AddDocumentsOptions | undefined,
  writing: Writing,
): Promise<string[]> {
  const { ids, split: ownSplit, ...rest } = addDocumentsOptions.check(call, options);
  const split = ownSplit ?? writing.split ?? false;
  const added = toNewDocuments(call, documents, ids, writing.vectors);
  if (split === false) {
    await retriever.add(added, { ...rest, wording: { call, goOn } });
    return added.map(({ id }) => id);
  }
  if (writing.vectors !== undefined)
    throw invalidArgument(
      `${call} takes one vector per document, so it cannot split documents; leave split out.`,
    );
  const splitter = new DocumentSplitter(call, writing.encoders, split);
  return addPieces(retriever, added, splitter, { ...rest, wording: { call, goOn: goOnSplit("document") } });
}

async function addPieces(
  retriever: HybridRetriever,
  documents: readonly NewDocument[],
  splitter: DocumentSplitter,
  options: AddOptions,
): Promise<string[]> {
  const pieces: NewDocument[] = [];
  const counts = new Map<string, number>();
  for (const [position, document] of documents.entries()) {
    const chunks = await splitter.split(document, position, options.signal);
    for (const { id, text, place } of chunks)
      pieces.push({ id, text, metadata: chunkMetadata(document.metadata, place) });
    counts.set(document.id, chunks.length);
  }
  await retriever.add(pieces, options);
  await removeOldChunks(retriever, counts, options.signal);
  return pieces.map(({ id }) => id);
}

/** What core deletes for what LangChain is to delete. */
export function jsonTarget(target: { ids: string[] } | { filter: DocumentFilter } | undefined): DeleteTarget {
  if (typeof target !== "object" || target === null || !("filter" in target)) return target as DeleteTarget;
  return { ...target, filter: jsonFilter(target.filter)! };
}

/** Says how to go on after a call that failed. Documents without ids would be stored twice if all were added again. */
function goOn(stored: number): string {
  if (stored === 0) return "No document is stored.";
  return `The first ${stored} documents are stored; add only the others, from position ${stored} on.`;
}
