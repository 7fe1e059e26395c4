import {
  copyStore,
  MemoryStore,
  MilvusStore,
  PostgresStore,
  type Store,
  type StoredDocument,
} from "@sparse-encoder/core";
import { expect, inject, it } from "vitest";
import { collectionVectors, randomCollection } from "./random-collection.ts";

async function contentOf(store: Store): Promise<StoredDocument[]> {
  const documents: StoredDocument[] = [];
  for await (const one of store.iterate({ batchSize: 2000 })) documents.push(one);
  return documents;
}

it("copies 11,429 documents from memory to Postgres, to Milvus and back, ended half-way once", async () => {
  const vectors = collectionVectors;
  const memory = new MemoryStore({ vectors });
  await memory.upsert([...randomCollection(11_429)]);
  await using postgres = await PostgresStore.open({ url: inject("postgres"), vectors, table: "moving" });
  await using milvus = await MilvusStore.open({ address: inject("milvus"), vectors, collection: "moving" });
  const controller = new AbortController();
  const stopped = copyStore(memory, postgres, {
    signal: controller.signal,
    onProgress: ({ done, total }) => {
      if (done > total / 2) controller.abort();
    },
  });
  await expect(stopped).rejects.toMatchObject({ code: "ABORTED" });
  const stored = await postgres.count();
  expect(stored).toBeGreaterThan(5000);
  expect(stored).toBeLessThan(11_429);
  expect(await copyStore(memory, postgres)).toEqual({
    documents: 11_429,
    copied: 11_429 - stored,
    skipped: stored,
  });
  expect((await copyStore(postgres, milvus)).copied).toBe(11_429);
  const back = new MemoryStore({ vectors });
  await copyStore(milvus, back);
  const [original, returned] = await Promise.all([contentOf(memory), contentOf(back)]);
  // One by one: a difference of all would be megabytes.
  expect(returned.length).toBe(original.length);
  for (const [position, document] of returned.entries()) expect(document).toEqual(original[position]);
});
