import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { Bm25Encoder, type NewDocument, type StoredDocument } from "@sparse-encoder/core";
import { messageOf } from "../command-error.ts";
import { documentId, documentsOfFile, encodedTextOf } from "../folder/documents-of-file.ts";
import { type FoundFile, findFiles, type IndexedRoot } from "../folder/find-files.ts";
import type { Collection } from "./collection.ts";
import { type IndexedFile, indexPaths, writeDescription } from "./index-description.ts";

/** What a run changed. */
export interface UpdateResult {
  readonly added: number;
  readonly changed: number;
  readonly unchanged: number;
  readonly removed: number;
  /** Files that could not be read, and why. */
  readonly failed: readonly { readonly file: string; readonly problem: string }[];
  /** Passages of the whole index. */
  readonly passages: number;
}

export interface UpdateOptions {
  readonly signal: AbortSignal;
  readonly onFile?: ((done: number, name: string) => void) | undefined;
}

/** Share of outdated passages from which on keyword statistics are made anew. */
const outdatedShare = 0.2;

/** Files that are stored together. */
const filesAtOnce = 32;

/** Passages whose keyword vectors are made together. */
const passagesAtOnce = 500;

/** A file that differs from what the index has of it. */
interface ChangedFile {
  readonly file: FoundFile;
  readonly entry: IndexedFile;
  readonly documents: readonly NewDocument[];
  /** Passages that the index has of it by now. */
  readonly before: number;
}

/** Brings an index up to date with folders: new and changed files are encoded, what vanished is deleted. */
export async function updateCollection(
  collection: Collection,
  roots: readonly IndexedRoot[],
  { signal, onFile }: UpdateOptions,
): Promise<UpdateResult> {
  const isRepair = collection.description.state === "writing";
  const counts = { added: 0, changed: 0, unchanged: 0 };
  const failed: { file: string; problem: string }[] = [];
  const seen = new Set<string>();
  let batch: ChangedFile[] = [];
  const flush = async () => {
    if (batch.length > 0) await storeFiles(collection, batch, signal);
    batch = [];
  };
  for (const root of roots) {
    for await (const file of findFiles(root, collection.folder)) {
      signal.throwIfAborted();
      seen.add(file.name);
      onFile?.(seen.size, file.name);
      try {
        const changed = await changedFile(collection, file);
        if (changed === undefined) counts.unchanged++;
        else {
          counts[file.name in collection.description.files ? "changed" : "added"]++;
          batch.push(changed);
        }
      } catch (error) {
        failed.push({ file: file.name, problem: messageOf(error) });
      }
      if (batch.length === filesAtOnce) await flush();
    }
  }
  await flush();
  const removed = await removeFiles(collection, roots, seen);
  await finish(collection, isRepair, signal);
  return { ...counts, removed, failed, passages: await collection.store.count() };
}

async function changedFile(collection: Collection, file: FoundFile): Promise<ChangedFile | undefined> {
  const bytes = await readFile(file.path);
  const hash = createHash("sha256").update(bytes).digest("hex");
  const { files } = collection.description;
  const known = Object.hasOwn(files, file.name) ? files[file.name] : undefined;
  if (known?.hash === hash) return undefined;
  const documents = await documentsOfFile(file.name, bytes);
  return { file, entry: { hash, passages: documents.length }, documents, before: known?.passages ?? 0 };
}

/** Stores files; the description names them when their passages are stored. */
async function storeFiles(
  collection: Collection,
  changes: readonly ChangedFile[],
  signal: AbortSignal,
): Promise<void> {
  await beginWriting(collection);
  const { keyword, retriever, store, folder } = collection;
  const documents = changes.flatMap((change) => change.documents);
  await keyword.update(
    documents.map(({ text, encodedText }) => encodedText ?? text),
    { signal },
  );
  // Numbers of new terms must be known before vectors that use them.
  await keyword.save(indexPaths(folder).keyword);
  await retriever.add(documents, { signal });
  const surplus = changes.flatMap(({ file, entry, before }) =>
    Array.from({ length: Math.max(0, before - entry.passages) }, (_, past) =>
      documentId(file.name, entry.passages + past),
    ),
  );
  if (surplus.length > 0) await store.delete({ ids: surplus });
  const { description } = collection;
  collection.description = {
    ...description,
    files: {
      ...description.files,
      ...Object.fromEntries(changes.map(({ file, entry }) => [file.name, entry])),
    },
    outdated: description.outdated + changes.reduce((sum, { before }) => sum + before, 0),
  };
  await writeDescription(folder, collection.description);
}

/** Deletes what the index has below these roots and the file system has no more. */
async function removeFiles(
  collection: Collection,
  roots: readonly IndexedRoot[],
  seen: ReadonlySet<string>,
): Promise<number> {
  const { files } = collection.description;
  const gone = Object.keys(files).filter(
    (name) => !seen.has(name) && roots.some((root) => name === root.name || name.startsWith(`${root.name}/`)),
  );
  if (gone.length === 0) return 0;
  await beginWriting(collection);
  const ids = gone.flatMap((name) =>
    Array.from({ length: files[name]!.passages }, (_, position) => documentId(name, position)),
  );
  await collection.store.delete({ ids });
  collection.description = {
    ...collection.description,
    files: Object.fromEntries(Object.entries(files).filter(([name]) => !gone.includes(name))),
    outdated: collection.description.outdated + ids.length,
  };
  return gone.length;
}

async function beginWriting(collection: Collection): Promise<void> {
  if (collection.description.state === "writing") return;
  collection.description = { ...collection.description, state: "writing" };
  await writeDescription(collection.folder, collection.description);
}

async function finish(collection: Collection, isRepair: boolean, signal: AbortSignal): Promise<void> {
  if (collection.description.state === "complete") return;
  const { documents } = collection.keyword.summary;
  if (isRepair || collection.description.outdated > outdatedShare * documents)
    await refitKeywords(collection, signal);
  collection.description = { ...collection.description, state: "complete" };
  await writeDescription(collection.folder, collection.description);
}

/** Counts all passages anew and makes their keyword vectors again; the other vectors stay. */
async function refitKeywords(collection: Collection, signal: AbortSignal): Promise<void> {
  const { store, folder } = collection;
  const fitted = new Bm25Encoder();
  await fitted.fit(encodedTexts(store.iterate()), { signal });
  await fitted.save(indexPaths(folder).keyword);
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
  collection.useKeywords(fitted);
  collection.description = { ...collection.description, outdated: 0 };
}

async function* encodedTexts(documents: AsyncIterable<StoredDocument>): AsyncGenerator<string> {
  for await (const document of documents) yield encodedText(document);
}

function encodedText({ text, metadata }: StoredDocument): string {
  const { title, heading } = metadata;
  return encodedTextOf(
    typeof title === "string" ? title : "",
    typeof heading === "string" ? heading : "",
    text,
  );
}
