import { randomUUID } from "node:crypto";
import { Document, type DocumentInterface } from "@langchain/core/documents";
import { type Metadata, type NewDocument, SparseEncoderError } from "@sparse-encoder/core";
import { received } from "@sparse-encoder/core/internal";

/** A document as core finds it. */
interface Found {
  readonly id: string | undefined;
  readonly text: string;
  readonly metadata: Metadata;
}

/**
 * Documents for core. Ids are those of `ids`, else the documents' own, else new random ones.
 *
 * @param vectors of the documents, by name of the vectors in the store
 * @throws SparseEncoderError `INVALID_ARGUMENT`
 */
export function toNewDocuments(
  call: string,
  documents: readonly DocumentInterface[],
  ids: readonly string[] | undefined,
  vectors?: (position: number) => Readonly<Record<string, Float32Array>>,
): NewDocument[] {
  if (!Array.isArray(documents)) {
    throw new SparseEncoderError(
      "INVALID_ARGUMENT",
      `${call}: expected an array of documents, received ${received(documents)}.`,
    );
  }
  if (ids !== undefined) checkLength(call, "ids", ids, documents.length);
  return Array.from(documents, (document: Partial<DocumentInterface> | null | undefined, position) => ({
    // An id that is no string is refused by core, by position.
    id: ids === undefined ? (document?.id ?? randomUUID()) : ids[position]!,
    text: document?.pageContent as string,
    metadata: document?.metadata as Metadata | undefined,
    vectors: vectors?.(position),
  }));
}

/** Checks that there is one of `name` for each document. */
export function checkLength(call: string, name: string, values: unknown, documents: number): void {
  if (Array.isArray(values) && values.length === documents) return;
  const given = Array.isArray(values) ? `${values.length}` : received(values);
  throw new SparseEncoderError(
    "INVALID_ARGUMENT",
    `${call}: ${name} must be an array of one for each of the ${documents} documents, received ${given}.`,
  );
}

/** A document for LangChain. Its metadata are the caller's to change. */
export function toDocument({ id, text, metadata }: Found): Document {
  return new Document({
    pageContent: text,
    metadata: copy(metadata) as Record<string, unknown>,
    ...(id === undefined ? {} : { id }),
  });
}

/** Copies what JSON knows; anything else, which only other retrievers give, is kept as it is. */
function copy(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copy);
  if (typeof value !== "object" || value === null) return value;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, copy(part)]));
}
