import { describe, expect, it } from "vitest";
import { SparseVector } from "../vector/index.ts";
import { type CopyOptions, type CopyProgress, copyStore } from "./copy-store.ts";
import { MemoryStore } from "./memory/memory-store.ts";
import type { StoredDocument } from "./store.ts";

const document = (number: number): StoredDocument => ({
  id: `${number}`,
  text: `text ${number}`,
  metadata: { number, nested: { list: [number, null] } },
  vectors: { sparse: SparseVector.from({ [number % 9]: 1 + number }, 10), dense: Float32Array.of(1, number) },
});

async function filled(count: number): Promise<MemoryStore> {
  const store = new MemoryStore();
  await store.upsert(Array.from({ length: count }, (_, number) => document(number)));
  return store;
}

async function contentOf(store: MemoryStore): Promise<StoredDocument[]> {
  const documents: StoredDocument[] = [];
  for await (const one of store.iterate()) documents.push(one);
  return documents;
}

describe("copyStore", () => {
  it("copies everything, and says how far it has come", async () => {
    const from = await filled(25);
    const to = new MemoryStore();
    const progress: CopyProgress[] = [];
    const result = await copyStore(from, to, { batchSize: 10, onProgress: (step) => progress.push(step) });
    expect(result).toEqual({ documents: 25, copied: 25, skipped: 0 });
    expect(progress.map(({ done }) => done)).toEqual([10, 20, 25]);
    expect(await contentOf(to)).toEqual(await contentOf(from));
  });

  it("refuses options that are none, before it reads anything", async () => {
    const stores = [await filled(3), new MemoryStore()] as const;
    for (const options of [
      { onProgress: 5 },
      { signal: 5 },
      { batchSize: 0 },
      { sample: -1 },
      { sample: 1.5 },
    ] as unknown as CopyOptions[]) {
      const [name] = Object.keys(options);
      await expect(copyStore(...stores, options)).rejects.toMatchObject({
        code: "INVALID_ARGUMENT",
        message: expect.stringContaining(`copyStore: ${name} must be`),
      });
    }
    await expect(copyStore(...stores, { size: 5 } as CopyOptions)).rejects.toMatchObject({
      code: "UNKNOWN_OPTION",
    });
    expect(await stores[1].count()).toBe(0);
  });

  it("goes on after it was ended, and writes what is there no second time", async () => {
    const from = await filled(25);
    const to = new MemoryStore();
    const controller = new AbortController();
    const stopped = copyStore(from, to, {
      batchSize: 10,
      signal: controller.signal,
      onProgress: () => controller.abort(),
    });
    await expect(stopped).rejects.toMatchObject({ code: "ABORTED" });
    expect(await to.count()).toBe(10);
    expect(await copyStore(from, to)).toEqual({ documents: 25, copied: 15, skipped: 10 });
    expect(await contentOf(to)).toEqual(await contentOf(from));
  });

  it("replaces what differs and leaves other documents", async () => {
    const from = await filled(5);
    const to = new MemoryStore();
    await to.upsert([
      { ...document(3), text: "old" },
      { ...document(4), metadata: {} },
      { ...document(1), id: "other" },
    ]);
    expect(await copyStore(from, to)).toEqual({ documents: 5, copied: 5, skipped: 0 });
    expect(await to.count()).toBe(6);
    expect(await to.get(["3", "4"])).toEqual(await from.get(["3", "4"]));
  });

  it("deletes what the source does not have, if it is told to, and nothing before all is copied", async () => {
    const from = await filled(5);
    const to = await filled(30);
    const stopped = copyStore(from, to, {
      batchSize: 2,
      deleteStale: true,
      onProgress: () => {
        throw new Error("stop");
      },
    });
    await expect(stopped).rejects.toThrow("stop");
    expect(await to.count()).toBe(30);
    const progress: number[] = [];
    const result = await copyStore(from, to, {
      batchSize: 2,
      deleteStale: true,
      onProgress: ({ done }) => progress.push(done),
    });
    expect(result).toEqual({ documents: 5, copied: 0, skipped: 5, deleted: 25 });
    expect(progress).toEqual([2, 4, 5]);
    expect(await contentOf(to)).toEqual(await contentOf(from));
    const again = await copyStore(from, to, { deleteStale: true });
    expect(again).toEqual({ documents: 5, copied: 0, skipped: 5, deleted: 0 });
    const empty = await copyStore(new MemoryStore(), to, { deleteStale: true });
    expect([empty.deleted, await to.count()]).toEqual([5, 0]);
    await expect(copyStore(from, to, { deleteStale: 1 } as never)).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      message: expect.stringContaining("deleteStale must be true or false"),
    });
  });

  it("takes what made the vectors along, and refuses vectors of something else", async () => {
    const made = (fingerprint: string) => ({ dimension: 10, fingerprint });
    const from = await filled(3);
    await from.bindEncoder("sparse", made("one"));
    const to = new MemoryStore();
    await copyStore(from, to);
    expect(to.vectors.sparse).toEqual({ kind: "sparse", dimension: 10, encoder: "one" });
    await expect(to.bindEncoder("sparse", made("two"))).rejects.toMatchObject({ code: "STORE_MISMATCH" });
    const other = new MemoryStore();
    await other.bindEncoder("sparse", made("two"));
    await other.upsert([{ ...document(9), id: "other" }]);
    await expect(copyStore(from, other)).rejects.toMatchObject({ code: "STORE_MISMATCH" });
    expect(await other.count()).toBe(1);
  });

  it("finds that the vectors are compared in another way there", async () => {
    const from = await filled(5);
    const to = new MemoryStore({
      vectors: {
        sparse: { kind: "sparse", dimension: 10 },
        dense: { kind: "dense", dimension: 2, metric: "dot" },
      },
    });
    await expect(copyStore(from, to)).rejects.toMatchObject({
      code: "STORE_MISMATCH",
      message: expect.stringContaining("metric"),
    });
  });

  it("finds that documents are missing at the end", async () => {
    const to = new MemoryStore();
    const onProgress = () => void to.delete({ ids: ["0"] });
    await expect(copyStore(await filled(5), to, { batchSize: 2, onProgress })).rejects.toMatchObject({
      code: "STORE_MISMATCH",
      message: expect.stringContaining("hold 5 documents and holds 4"),
    });
  });

  it("refuses what cannot be meant", async () => {
    const store = new MemoryStore();
    await expect(copyStore(store, store)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    await expect(copyStore(store, new MemoryStore(), { batchSize: 0 })).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
    await expect(copyStore(store, new MemoryStore(), { batch: 1 } as object)).rejects.toMatchObject({
      code: "UNKNOWN_OPTION",
    });
  });
});
