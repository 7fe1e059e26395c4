import { Bm25Encoder, type NewDocument, type StoredDocument } from "@sparse-encoder/core";
import { encodedTextOf } from "../folder/documents-of-file.ts";
import type { Collection } from "./collection.ts";

/** Share of outdated passages from which on keyword statistics are made anew. */
const outdatedShare = 0.2;

/** Passages whose keyword vectors are made together. */
const passagesAtOnce = 500;

/** Says in the description that the index is being changed, before anything is. */
export async function beginWriting(collection: Collection): Promise<void> {
  if (collection.description.state === "complete") await collection.describe({ state: "writing" });
}

/** Counts documents for the keyword arm, and stores them with the vectors of all arms. */
export async function storeDocuments(
  collection: Collection,
  documents: readonly NewDocument[],
  signal: AbortSignal,
): Promise<void> {
  await collection.keyword.update(
    documents.map(({ text, encodedText: encoded }) => encoded ?? text),
    { signal },
  );
  // Numbers of new terms must be known before vectors that use them.
  await collection.saveKeywords();
  await collection.add(documents, signal);
}

/** Makes keyword statistics anew if need be, and says in the description that the index is complete. */
export async function finishWriting(
  collection: Collection,
  isRepair: boolean,
  signal: AbortSignal,
): Promise<void> {
  const { state, outdated } = collection.description;
  if (state === "complete") return;
  const isOutdated = outdated > outdatedShare * collection.keyword.summary.documents;
  if (isRepair || isOutdated) await refitKeywords(collection, signal);
  await collection.describe({ state: "complete" });
}

/** Adds documents, in place of the documents with the same ids. */
export function addDocuments(
  collection: Collection,
  documents: readonly NewDocument[],
  signal: AbortSignal,
): Promise<void> {
  return collection.exclusively(signal, async () => {
    await beginWriting(collection);
    const before = await collection.store.get(documents.map(({ id }) => id));
    await storeDocuments(collection, documents, signal);
    const replaced = before.filter((document) => document !== undefined).length;
    await collection.describe({ outdated: collection.description.outdated + replaced });
    await finishWriting(collection, false, signal);
  });
}

/** Deletes documents by their ids; gives how many there were. */
export function deleteDocuments(
  collection: Collection,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<number> {
  return collection.exclusively(signal, async () => {
    await beginWriting(collection);
    const deleted = await collection.delete(ids);
    await collection.describe({ outdated: collection.description.outdated + deleted });
    await finishWriting(collection, false, signal);
    return deleted;
  });
}

/** Counts all passages anew and makes their keyword vectors again; the other vectors stay. */
async function refitKeywords(collection: Collection, signal: AbortSignal): Promise<void> {
  const { store } = collection;
  const fitted = new Bm25Encoder();
  await fitted.fit(encodedTexts(store.iterate()), { signal });
  await collection.useKeywords(fitted);
  let batch: StoredDocument[] = [];
  const flush = async () => {
    const vectors = await fitted.encodeDocument(batch.map(encodedText), { signal });
    await store.upsert(
      batch.map((document, row) => ({
        ...document,
        vectors: { ...document.vectors, keyword: vectors.row(row) },
      })),
    );
    batch = [];
  };
  for await (const document of store.iterate()) {
    batch.push(document);
    if (batch.length === passagesAtOnce) await flush();
  }
  if (batch.length > 0) await flush();
  await collection.describe({ outdated: 0 });
}

async function* encodedTexts(documents: AsyncIterable<StoredDocument>): AsyncGenerator<string> {
  for await (const document of documents) yield encodedText(document);
}

/** What was encoded of a document: passages of files have their headings before them, other documents are as they were given. */
export function encodedText({ text, metadata }: StoredDocument): string {
  const { file, title, heading } = metadata;
  if (typeof file !== "string") return text;
  return encodedTextOf(
    typeof title === "string" ? title : "",
    typeof heading === "string" ? heading : "",
    text,
  );
}
