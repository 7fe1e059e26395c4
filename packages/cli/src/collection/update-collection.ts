import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { NewDocument } from "@sparse-encoder/core";
import { messageOf } from "../command-error.ts";
import { documentId } from "../folder/documents-of-file.ts";
import { readDocuments } from "../folder/file-reader.ts";
import { type FoundFile, findFiles, type IndexedRoot } from "../folder/find-files.ts";
import type { Collection } from "./collection.ts";
import type { IndexedFile } from "./index-description.ts";
import { beginWriting, finishWriting, storeDocuments } from "./store-documents.ts";

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

/** Files that are stored together. */
const filesAtOnce = 32;

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
    for await (const file of findFiles(root, collection.folder ?? "")) {
      signal.throwIfAborted();
      seen.add(file.name);
      onFile?.(seen.size, file.name);
      try {
        const changed = await changedFile(collection, file, signal);
        if (changed === undefined) counts.unchanged++;
        else {
          counts[file.name in collection.description.files ? "changed" : "added"]++;
          batch.push(changed);
        }
      } catch (error) {
        signal.throwIfAborted();
        failed.push({ file: file.name, problem: messageOf(error) });
      }
      if (batch.length === filesAtOnce) await flush();
    }
  }
  await flush();
  const removed = await removeFiles(collection, roots, seen);
  await finishWriting(collection, isRepair, signal);
  return { ...counts, removed, failed, passages: await collection.store.count() };
}

async function changedFile(
  collection: Collection,
  file: FoundFile,
  signal: AbortSignal,
): Promise<ChangedFile | undefined> {
  const bytes = await readFile(file.path);
  const hash = createHash("sha256").update(bytes).digest("hex");
  const { files } = collection.description;
  const known = Object.hasOwn(files, file.name) ? files[file.name] : undefined;
  if (known?.hash === hash) return undefined;
  const documents = await readDocuments(file.name, bytes, signal);
  return { file, entry: { hash, passages: documents.length }, documents, before: known?.passages ?? 0 };
}

/** Stores files; the description names them when their passages are stored. */
async function storeFiles(
  collection: Collection,
  changes: readonly ChangedFile[],
  signal: AbortSignal,
): Promise<void> {
  await beginWriting(collection);
  await storeDocuments(
    collection,
    changes.flatMap(({ documents }) => documents),
    signal,
  );
  const surplus = changes.flatMap(({ file, entry, before }) =>
    Array.from({ length: Math.max(0, before - entry.passages) }, (_, past) =>
      documentId(file.name, entry.passages + past),
    ),
  );
  if (surplus.length > 0) await collection.delete(surplus);
  const { files, outdated } = collection.description;
  await collection.describe({
    files: { ...files, ...Object.fromEntries(changes.map(({ file, entry }) => [file.name, entry])) },
    outdated: outdated + changes.reduce((sum, { before }) => sum + before, 0),
  });
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
  await collection.delete(ids);
  await collection.describe({
    files: Object.fromEntries(Object.entries(files).filter(([name]) => !gone.includes(name))),
    outdated: collection.description.outdated + ids.length,
  });
  return gone.length;
}

/** A file that was sent: its name in the index, its contents and their passages. */
export interface SentFile {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly documents: readonly NewDocument[];
}

/** Takes up a file that was sent, in place of an earlier one of its name. */
export function addFile(
  collection: Collection,
  { name, bytes, documents }: SentFile,
  signal: AbortSignal,
): Promise<void> {
  return collection.exclusively(signal, async () => {
    const known = collection.description.files;
    const before = Object.hasOwn(known, name) ? known[name]!.passages : 0;
    const hash = createHash("sha256").update(bytes).digest("hex");
    const entry = { hash, passages: documents.length };
    await storeFiles(collection, [{ file: { path: name, name }, entry, documents, before }], signal);
    await finishWriting(collection, false, signal);
  });
}
