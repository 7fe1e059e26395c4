import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { MemoryStore, type Store, type VectorSchema } from "@sparse-encoder/core";
import { storeConformance } from "@sparse-encoder/core/testing";
import { afterAll, describe, it } from "vitest";

const folders: string[] = [];
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), "memory-store-"));
  folders.push(folder);
  return folder;
}

/** Closes its store now and then before it answers, and opens it again: what it then says comes from the disk. */
async function openReopening(vectors: VectorSchema): Promise<Store> {
  const folder = await newFolder();
  let store = await MemoryStore.open(folder, { vectors, journalBytes: 20_000 });
  let calls = 0;
  return new Proxy(store, {
    get(_, name) {
      const value: unknown = Reflect.get(store, name, store);
      if (typeof value !== "function") return value;
      if (name === "count" || name === "searchSparse") {
        return async (...parameters: unknown[]) => {
          if (++calls % 16 === 1) {
            // Refused once the test has closed it.
            const isOpen = await store.count().then(
              () => true,
              () => false,
            );
            if (isOpen) {
              await store.close();
              store = await MemoryStore.open(folder, { vectors, journalBytes: 20_000 });
            }
          }
          return (Reflect.get(store, name, store) as (...all: unknown[]) => unknown).apply(store, parameters);
        };
      }
      return value.bind(store);
    },
  });
}

describe.each([
  ["in memory", async (vectors: VectorSchema) => new MemoryStore({ vectors })],
  ["in a folder", async (vectors: VectorSchema) => MemoryStore.open(await newFolder(), { vectors })],
  ["in a folder that is opened again and again", openReopening],
])("a memory store %s", (_, open) => {
  for (const { name, run } of storeConformance(open)) it(name, run);
});
