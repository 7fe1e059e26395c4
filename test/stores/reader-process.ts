// A process that reads a store which another one writes, until it is killed. Argument: the folder. Writes a line of JSON for
// each state that it saw: when it began to look, when it was done, a digest of all documents, and what was wrong, if anything.
import { createHash } from "node:crypto";
import { writeSync } from "node:fs";
import { exhaustiveSearch, MemoryStore, type SparseVector, type StoredDocument } from "@sparse-encoder/core";
import { contentOf, randomOf, sparseOf } from "./crash-history.ts";

const [folder, seed] = process.argv.slice(2);
const random = randomOf(Number(seed));
let store: MemoryStore | undefined;

/** Opens the store anew now and then, and refreshes it otherwise. */
async function look(): Promise<MemoryStore> {
  if (store === undefined || random(8) === 0) {
    await store?.close();
    store = await MemoryStore.open(folder!, { readOnly: true });
  } else {
    await store.refresh();
  }
  return store;
}

/** Searches find what a search through the same documents finds. */
async function problemOf(opened: MemoryStore, documents: readonly StoredDocument[]): Promise<string | null> {
  const query = sparseOf(random);
  const hits = await opened.searchSparse("sparse", query, { k: 15 });
  const all = documents.map(({ id, vectors }) => [id, vectors.sparse as SparseVector] as const);
  const expected = JSON.stringify(exhaustiveSearch(all, query, { topK: 15 }));
  const found = JSON.stringify(hits.map(({ id, score }) => ({ id, score })));
  return found === expected ? null : `found ${found}, not ${expected}`;
}

for (;;) {
  const begin = Date.now();
  let problem: string | null = null;
  let digest = "";
  try {
    const opened = await look();
    const end = Date.now();
    const documents: StoredDocument[] = [];
    for await (const document of opened.iterate()) documents.push(document);
    digest = createHash("sha256").update(contentOf(documents)).digest("hex");
    problem = await problemOf(opened, documents);
    writeSync(1, `${JSON.stringify({ begin, end, digest, problem })}\n`);
  } catch (error) {
    writeSync(
      1,
      `${JSON.stringify({ begin, end: Date.now(), digest, problem: String((error as Error).stack) })}\n`,
    );
  }
  await new Promise((resolve) => setTimeout(resolve, random(20)));
}
