import { SparseVector } from "@sparse-encoder/core";
import { createStore, type StoreBackend } from "@sparse-encoder/core/stores";
import { storeConformance } from "@sparse-encoder/core/testing";
import { describe, expect, it } from "vitest";
import { MapBackend } from "../../examples/map-backend.ts";

describe("the store of docs/writing-a-store.md", () => {
  for (const { name, run } of storeConformance(async (vectors) => createStore(new MapBackend(vectors)))) {
    it(name, run);
  }
});

describe("createStore", () => {
  const vectors = { sparse: { kind: "sparse", dimension: 4 } } as const;
  const documentOf = (id: string) => ({
    id,
    text: "",
    metadata: { id },
    vectors: { sparse: SparseVector.from({ 1: 1 }, 4) },
  });

  it("refuses what is not a backend, by the method that it lacks", () => {
    for (const backend of [undefined, null, 5, {}, { write() {} }] as unknown as StoreBackend[]) {
      expect(() => createStore(backend)).toThrow(/the backend needs a method/);
    }
    const { fields: _, ...withoutFields } = new MapBackend(vectors);
    const broken = Object.assign(Object.create(MapBackend.prototype), withoutFields) as StoreBackend;
    expect(() => createStore(broken)).toThrow(/fields of the backend must be a Map/);
  });

  it("orders the hits of a backend that does not order ties, and asks no more than it must", async () => {
    const asked: number[] = [];
    class Counting extends MapBackend {
      override rankSparse(query: Parameters<MapBackend["rankSparse"]>[0]) {
        asked.push(query.k);
        return super.rankSparse(query);
      }
    }
    const store = createStore(new Counting(vectors));
    await store.upsert(["d", "b", "c", "a"].map(documentOf));
    const hits = await store.searchSparse("sparse", SparseVector.from({ 1: 1 }, 4), { k: 1 });
    expect(hits.map(({ id }) => id)).toEqual(["a"]);
    expect(asked).toEqual([2, 8]);
  });

  it("refuses operators, hits and weights that the backend's capabilities exclude", async () => {
    class Limited extends MapBackend {
      override readonly capabilities = {
        sparse: true,
        dense: true,
        exact: true,
        durable: false,
        filters: new Set(["$eq", "$nin"]),
        maximumK: 5,
        maximumActiveDims: 2,
        negativeWeights: false,
      };
    }
    const store = createStore(new Limited(vectors));
    await store.upsert([documentOf("a")]);
    expect(await store.count({ filter: { id: "a", other: { $nin: ["b"] } } })).toBe(1);
    const query = SparseVector.from({ 1: 1 }, 4);
    for (const call of [
      store.count({ filter: { id: { $in: ["a"] }, other: { $exists: true } } }),
      store.count({ filter: { $or: [{ id: "a" }] } }),
      store.count({ filter: { $not: { id: "a" } } }),
      store.delete({ filter: { id: { $contains: "a" } } }),
      store.searchSparse("sparse", query, { filter: { id: { $lt: "a" } } }),
      store.searchSparse("sparse", query, { k: 6 }),
      store.searchSparse("sparse", SparseVector.from({ 0: 1, 1: 1, 2: 1 }, 4)),
      store.upsert([{ ...documentOf("b"), vectors: { sparse: SparseVector.from({ 1: -1 }, 4) } }]),
    ]) {
      await expect(call).rejects.toMatchObject({
        code: "STORE_UNSUPPORTED",
        message: expect.stringMatching(/^The map store /),
      });
    }
    expect(await store.count()).toBe(1);
    await store.close();
  });
});
