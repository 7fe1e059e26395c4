import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { MemoryStore, type Store, type StoredDocument } from "@sparse-encoder/core";
import { copyStore, PostgresStore } from "@sparse-encoder/core/stores";
import { expect, inject, it } from "vitest";
import { openMilvus } from "./engines.ts";
import { randomCollection, collectionVectors as vectors } from "./random-collection.ts";

const count = 11_429;
const batchSize = 500;

async function contentOf(store: Store): Promise<StoredDocument[]> {
  const documents: StoredDocument[] = [];
  for await (const one of store.iterate({ batchSize: 2000 })) documents.push(one);
  return documents;
}

/** Copies by another process, which is killed when more than half is there; gives what it said last. */
async function copyAndKill(url: string, table: string): Promise<number> {
  const writer = fileURLToPath(new URL("copy-writer.ts", import.meta.url));
  const child = spawn(process.execPath, ["--import", "tsx", writer, url, table, `${count}`], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exit = once(child, "exit");
  let done = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    done = Number(line);
    if (done > count / 2) child.kill("SIGKILL");
  }
  expect(await exit).toEqual([null, "SIGKILL"]);
  return done;
}

it("copies 11,429 documents from memory to Postgres, to Milvus and back, its process killed half-way", async () => {
  const { url } = inject("servers").postgres;
  const done = await copyAndKill(url, "moving");
  expect(done).toBeLessThan(count);

  const memory = new MemoryStore({ vectors });
  await memory.upsert([...randomCollection(count)]);
  await using postgres = await PostgresStore.open({ url, vectors, table: "moving" });
  const { documents, copied, skipped } = await copyStore(memory, postgres, { batchSize });
  expect([documents, copied + skipped]).toEqual([count, count]);
  // What was acknowledged is there, and batches are there as a whole or not at all.
  expect(skipped).toBeGreaterThanOrEqual(done);
  expect(skipped).toBeLessThan(count);
  expect(skipped % batchSize).toBe(0);

  await using milvus = await openMilvus({ vectors, collection: "moving" });
  // Ended in another way, by its signal, and made again.
  const controller = new AbortController();
  const stopped = copyStore(postgres, milvus, {
    signal: controller.signal,
    onProgress: (progress) => {
      if (progress.done > count / 2) controller.abort();
    },
  });
  await expect(stopped).rejects.toMatchObject({ code: "ABORTED" });
  const stored = await milvus.count();
  expect(stored).toBeGreaterThan(count / 2);
  expect(await copyStore(postgres, milvus)).toEqual({
    documents: count,
    copied: count - stored,
    skipped: stored,
  });

  const back = new MemoryStore({ vectors });
  await copyStore(milvus, back);
  const [original, returned] = await Promise.all([contentOf(memory), contentOf(back)]);
  // One by one: a difference of all would be megabytes.
  expect(returned.length).toBe(original.length);
  for (const [position, document] of returned.entries()) expect(document).toEqual(original[position]);
});
