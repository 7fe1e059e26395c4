import { Document, type DocumentInterface } from "@langchain/core/documents";
import type { Metadata, NewDocument } from "@sparse-encoder/core";
import { invalidArgument, jsonMetadata, received, risingId } from "@sparse-encoder/core/internal";

/** A document as core finds it. */
interface Found {
  readonly id: string | undefined;
  readonly text: string;
  readonly metadata: Metadata;
}

/**
 * Documents for core. Their ids are `ids`, else the ids of the documents, else new ids that rise in the order of the documents.
 * Metadata are stored as JSON.
 *
 * @param call the function as the user called it
 * @param vectors of the documents by position, by name of the vectors in the store
 * @throws SparseEncoderError `INVALID_ARGUMENT`, `INVALID_DOCUMENT`
 */
export function toNewDocuments(
  call: string,
  documents: readonly DocumentInterface[],
  ids: readonly string[] | undefined,
  vectors?: (position: number) => NonNullable<NewDocument["vectors"]>,
): NewDocument[] {
  if (!Array.isArray(documents)) {
    throw invalidArgument(`${call}: expected an array of documents, received ${received(documents)}.`);
  }
  if (ids !== undefined) checkLength(call, "ids", ids, documents.length);
  return Array.from(documents, (document: Partial<DocumentInterface> | null | undefined, position) => ({
    // Ids and texts that are not strings are refused by core, by position.
    id: ids === undefined ? (document?.id ?? risingId()) : ids[position]!,
    text: document?.pageContent as string,
    metadata: jsonMetadata(`document ${position}`, document?.metadata),
    vectors: vectors?.(position),
  }));
}

/** Numbers as a vector of core, which refuses by name what are not numbers. */
export function toVector(numbers: number[]): Float32Array {
  return Array.isArray(numbers) || ArrayBuffer.isView(numbers) ? Float32Array.from(numbers) : numbers;
}

/** Checks that an array has one value for each document. */
export function checkLength(call: string, name: string, values: unknown, documents: number): void {
  if (Array.isArray(values) && values.length === documents) return;
  const count = Array.isArray(values) ? `${values.length}` : received(values);
  throw invalidArgument(
    `${call}: ${name} must be an array of one for each of the ${documents} documents, received ${count}.`,
  );
}

/** Documents of texts. */
export function documentsOf(
  texts: string[],
  metadatas: object[] | object,
): { pageContent: string; metadata: Record<string, unknown> }[] {
  if (!Array.isArray(texts)) {
    throw invalidArgument(`fromTexts: texts must be an array of strings, received ${received(texts)}.`);
  }
  if (Array.isArray(metadatas)) checkLength("fromTexts", "metadatas", metadatas, texts.length);
  return texts.map((pageContent, position) => ({
    pageContent,
    metadata: (Array.isArray(metadatas) ? metadatas[position] : metadatas) as Record<string, unknown>,
  }));
}

/** A document for LangChain. Its metadata are the caller's to change. */
export function toDocument({ id, text, metadata }: Found): Document {
  return new Document({
    pageContent: text,
    metadata: copy(metadata) as Record<string, unknown>,
    ...(id === undefined ? {} : { id }),
  });
}

/** Copies JSON. Any other value, which only retrievers of other packages give, is kept as it is. */
function copy(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copy);
  if (typeof value !== "object" || value === null) return value;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, copy(part)]));
}
