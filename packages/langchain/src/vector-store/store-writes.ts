import type { DocumentInterface } from "@langchain/core/documents";
import type { HybridRetriever, NewDocument } from "@sparse-encoder/core";
import { type DeleteTarget, type DocumentFilter, jsonFilter } from "@sparse-encoder/core/internal";
import { toNewDocuments } from "../document-mapping.ts";
import { type AddDocumentsOptions, addDocumentsOptions } from "./vector-store-options.ts";

/**
 * Adds documents of LangChain to the stores of a retriever.
 *
 * @param call the function as the user called it
 * @param vectors of the documents by position, by name of the vectors in the store
 * @returns their ids
 */
export async function addTo(
  retriever: HybridRetriever,
  call: string,
  documents: DocumentInterface[],
  options: AddDocumentsOptions | undefined,
  vectors?: (position: number) => NonNullable<NewDocument["vectors"]>,
): Promise<string[]> {
  const { ids, ...rest } = addDocumentsOptions.check(call, options);
  const added = toNewDocuments(call, documents, ids, vectors);
  await retriever.add(added, { ...rest, wording: { call, goOn } });
  return added.map(({ id }) => id);
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
