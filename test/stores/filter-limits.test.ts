import {
  type Filter,
  MemoryStore,
  SparseVector,
  type Store,
  type StoredDocument,
} from "@sparse-encoder/core";
import { OpenSearchStore, QdrantStore } from "@sparse-encoder/core/stores";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FakeOpenSearch } from "../fakes/opensearch/fake-opensearch.ts";
import { FakeQdrant } from "../fakes/qdrant/fake-qdrant.ts";

const vectors = { sparse: { kind: "sparse", dimension: 3000 } } as const;
const documents = Array.from(
  { length: 6 },
  (_, number): StoredDocument => ({
    id: `d${number}`,
    text: "",
    metadata: { number, name: "x".repeat(120 + number), tags: ["a", `t${number}`] },
    vectors: { sparse: SparseVector.from({ 1: 1 + number }, 3000) },
  }),
);

let openSearch: FakeOpenSearch;
let qdrant: FakeQdrant;
const stores: Record<string, () => Promise<Store>> = {
  memory: async () => new MemoryStore({ vectors }),
  // Both are fakes that enforce the limits of the real servers.
  opensearch: () => OpenSearchStore.open({ url: openSearch.url, vectors, retries: 0 }),
  qdrant: () => QdrantStore.open({ url: qdrant.url, vectors, retries: 0 }),
};
beforeEach(async () => {
  openSearch = await FakeOpenSearch.start();
  qdrant = await FakeQdrant.start();
});
afterEach(async () => {
  await openSearch.stop();
  await qdrant.stop();
});

const numbers = (count: number, from = 0) => Array.from({ length: count }, (_, number) => from + number);

/** The filter inside a number of `$not` and `$or`. */
function nested(filter: Filter, depth: number): Filter {
  return depth === 0 ? filter : { $not: { $or: [nested(filter, depth - 2), { number: -1 }] } };
}

/** Filters that are long or deep, and how many of the six documents pass. */
const filters: Record<string, [Filter, number]> = {
  "$in of 70,000 values": [{ number: { $in: numbers(70_000, 3) } }, 3],
  "$nin of 70,000 values": [{ number: { $nin: numbers(70_000, 3) } }, 3],
  "$or of empty lists": [{ $or: [{ number: { $in: [] } }, { name: { $in: [] } }] }, 0],
  "$and of empty lists": [{ $and: [{ number: { $nin: [] } }, { $not: { name: { $in: [] } } }] }, 6],
  "$or of 2,000 values": [{ $or: numbers(2000, 2).map((number) => ({ number })) }, 4],
  "$or of values, lists and fields": [
    {
      $or: [
        ...numbers(2000, 5).map((number) => ({ number })),
        { number: { $in: [0] } },
        { absent: { $exists: true } },
      ],
    },
    2,
  ],
  "$and of 2,000 exclusions": [{ $and: numbers(2000, 2).map((number) => ({ number: { $ne: number } })) }, 2],
  "exclusions of 70,000 values beside others": [
    { $and: [{ number: { $nin: numbers(70_000, 4) } }, { number: { $gt: 0 } }, { tags: "a" }] },
    3,
  ],
  "comparisons with long strings": [{ name: { $gt: "x".repeat(121), $lte: "x".repeat(124) } }, 3],
  "conditions 30 deep": [nested({ number: { $gte: 3 } }, 30), 3],
};

describe.each(Object.keys(stores))("a long filter of the %s store", (name) => {
  it.each(Object.keys(filters))("%s", async (kind) => {
    const [filter, passing] = filters[kind]!;
    await using store = await stores[name]!();
    await store.upsert(documents);
    expect(await store.count({ filter })).toBe(passing);
    const hits = await store.searchSparse("sparse", SparseVector.from({ 1: 1 }, 3000), { filter });
    expect(hits).toHaveLength(passing);
    expect(await store.delete({ filter })).toBe(passing);
  });
});

describe("a filter that an engine cannot take is refused before the request", () => {
  const refused = async (call: Promise<unknown>, message: string) =>
    expect(call).rejects.toMatchObject({
      code: "STORE_UNSUPPORTED",
      message: expect.stringContaining(message),
    });

  it("by opensearch: more than 1,024 clauses, dims of the query included", async () => {
    await using store = await stores.opensearch!();
    await store.upsert(documents);
    const comparisons = (count: number): Filter => ({
      $or: numbers(count).map((number) => ({ number: { $gt: number } })),
    });
    expect(await store.count({ filter: comparisons(1024) })).toBe(5);
    await refused(store.count({ filter: comparisons(1025) }), "1025 of the filter");
    const query = (dims: number) => SparseVector.from(new Map(numbers(dims).map((dim) => [dim, 1])), 3000);
    expect(await store.searchSparse("sparse", query(1023))).toHaveLength(6);
    await refused(store.searchSparse("sparse", query(1024)), "1024 active dims of the query");
    const filter = comparisons(1000);
    expect(await store.searchSparse("sparse", query(23), { filter })).toHaveLength(5);
    await refused(
      store.searchSparse("sparse", query(24), { filter }),
      "1001 of the filter and 24 active dims",
    );
    await refused(store.delete({ filter: comparisons(1025) }), "1025 of the filter");
  });

  it("by qdrant: conditions that nest deeper than its parser goes, and too many values", async () => {
    await using store = await stores.qdrant!();
    await store.upsert(documents);
    /** Each level is a list of two conditions in a negation. */
    const deep = (depth: number): Filter =>
      depth === 0 ? { number: 1 } : { number: { $gte: 0 }, $not: deep(depth - 1) };
    await using memory = await stores.memory!();
    await memory.upsert(documents);
    expect(await store.count({ filter: deep(28) })).toBe(await memory.count({ filter: deep(28) }));
    await refused(store.count({ filter: deep(30) }), "levels of a request");
    await refused(store.count({ filter: { $or: [{ number: { $in: numbers(1_000_001) } }] } }), "1000001");
  });

  it("by all stores: a field that leads deeper than metadata may nest", async () => {
    for (const open of Object.values(stores)) {
      await using store = await open();
      const path = (length: number) => Array.from({ length }, (_, level) => `n${level}`).join(".");
      expect(await store.count({ filter: { [path(64)]: 1 } })).toBe(0);
      await expect(store.count({ filter: { [path(65)]: 1 } })).rejects.toMatchObject({
        code: "INVALID_FILTER",
        message: expect.stringContaining("65 names"),
      });
    }
  });
});
