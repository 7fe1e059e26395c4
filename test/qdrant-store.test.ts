import { distributionScore, QdrantStore, SparseVector, type StoredDocument } from "@sparse-encoder/core";
import { storeConformance } from "@sparse-encoder/core/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FakeQdrant } from "./fake-qdrant.ts";

let fake: FakeQdrant;
beforeEach(async () => {
  fake = await FakeQdrant.start();
});
afterEach(() => fake.stop());

const vectors = {
  sparse: { kind: "sparse", dimension: 10 },
  dense: { kind: "dense", dimension: 2 },
} as const;

const document = (id: string, text = ""): StoredDocument => ({
  id,
  text,
  metadata: { year: 1 },
  vectors: { sparse: SparseVector.from({ 1: 1 }, 10), dense: Float32Array.of(3, 4) },
});

describe("QdrantStore on a fake of Qdrant's documented requests", () => {
  for (const { name, run } of storeConformance((given) =>
    QdrantStore.open({ url: fake.url, vectors: given }),
  )) {
    it(name, run);
  }
});

describe("QdrantStore", () => {
  it("refuses collections of others, other vectors, another model, and bad names", async () => {
    const codeOf = (options: object) =>
      QdrantStore.open({ url: fake.url, ...options }).then(
        () => undefined,
        (error: { code: string }) => error.code,
      );
    expect(await codeOf({})).toBe("INVALID_ARGUMENT");
    expect(await codeOf({ vectors, model: "one" })).toBeUndefined();
    expect(await codeOf({ model: "two" })).toBe("STORE_MISMATCH");
    expect(await codeOf({ vectors: { sparse: { kind: "sparse", dimension: 11 } } })).toBe("STORE_MISMATCH");
    fake.collections.set("others", { vectors: {}, sparse: new Set(), metadata: null, points: new Map() });
    expect(await codeOf({ collection: "others" })).toBe("STORE_MISMATCH");
    for (const collection of ["", "a/b", "..", "a b", "é", "a?b", "a".repeat(201)]) {
      expect(await codeOf({ collection, vectors })).toBe("INVALID_ARGUMENT");
    }
  });

  it("tries again what may pass, and no more often than it may", async () => {
    await using store = await QdrantStore.open({ url: fake.url, vectors, retries: 2 });
    fake.failures.push(503, 429);
    await store.upsert([document("a")]);
    expect(await store.count()).toBe(1);
    fake.failures.push(503, 503, 503);
    await expect(store.count()).rejects.toMatchObject({ code: "STORE_FAILED" });
    expect(fake.failures).toEqual([]);
    fake.failures.push(400, 400);
    await expect(store.count()).rejects.toMatchObject({ code: "STORE_FAILED" });
    expect(fake.failures).toEqual([400]);
  }, 20_000);

  it("says that the key is wrong, without it", async () => {
    fake.apiKey = "right";
    const error = await QdrantStore.open({ url: fake.url, vectors, apiKey: "s3cret" }).catch((e: Error) => e);
    expect(error).toMatchObject({ code: "STORE_FAILED", message: expect.stringContaining("apiKey") });
    expect(`${(error as Error).message} ${(error as Error).stack} ${(error as Error).cause}`).not.toContain(
      "s3cret",
    );
    await (await QdrantStore.open({ url: fake.url, vectors, apiKey: "right" })).close();
  });

  it("stays below the limit of a body", async () => {
    await using store = await QdrantStore.open({ url: fake.url, vectors });
    await store.upsert(Array.from({ length: 60 }, (_, n) => document(`${n}`, "x".repeat(1 << 20))));
    expect(await store.count()).toBe(60);
    expect(
      fake.requests.filter((request) => request === "PUT /collections/documents/points").length,
    ).toBeGreaterThan(3);
  }, 60_000);

  describe("fuses by itself", () => {
    /** Ranks a, b, c by `sparse` (3, 2, 1) and c, b, a by `dense` (cosines 1, 0.8, 0.6). */
    async function filled() {
      const store = await QdrantStore.open({ url: fake.url, vectors });
      const cosines: Record<string, [number, number]> = { a: [0.6, 0.8], b: [0.8, 0.6], c: [1, 0] };
      const documents = Object.entries(cosines).map(
        ([id, [x, y]], position): StoredDocument => ({
          id,
          text: `text ${id}`,
          metadata: { position },
          vectors: { sparse: SparseVector.from({ 1: 3 - position }, 10), dense: Float32Array.of(x, y) },
        }),
      );
      await store.upsert(documents);
      return store;
    }
    const sparse = { vector: "sparse", query: SparseVector.from({ 1: 1 }, 10) };
    const dense = { vector: "dense", query: Float32Array.of(1, 0) };
    const scoresOf = (hits: { id: string; score: number }[]) => hits.map(({ id, score }) => [id, score]);

    it("by ranks in one request, as rrf of this library does", async () => {
      await using store = await filled();
      fake.requests.length = 0;
      const hits = await store.searchHybrid([sparse, { ...dense, k: 2 }], {
        fusion: { native: "rrf", k: 10 },
        k: 2,
      });
      expect(fake.requests).toEqual(["POST /collections/documents/points/query"]);
      // a 1/11 (the dense search gives 2 hits, c and b), b 1/12 + 1/12, c 1/13 + 1/11.
      expect(hits).toEqual([
        { id: "c", score: Math.fround(1 / 13 + 1 / 11), text: "text c", metadata: { position: 2 } },
        { id: "b", score: Math.fround(2 / 12), text: "text b", metadata: { position: 1 } },
      ]);
      const byDefault = await store.searchHybrid([sparse], { fusion: { native: "rrf" } });
      expect(scoresOf(byDefault)).toEqual([
        ["a", Math.fround(1 / 61)],
        ["b", Math.fround(1 / 62)],
        ["c", Math.fround(1 / 63)],
      ]);
    });

    it("with weights and filters of each search", async () => {
      await using store = await filled();
      const hits = await store.searchHybrid(
        [
          { ...sparse, weight: 2, filter: { position: { $lt: 2 } } },
          { ...dense, filter: { position: 2 } },
        ],
        { fusion: { native: "rrf", k: 10 } },
      );
      // Sparse a, b at half a rank each; dense c alone.
      expect(scoresOf(hits)).toEqual([
        ["a", Math.fround(1 / 10.5)],
        ["b", Math.fround(1 / 11)],
        ["c", Math.fround(1 / 11)],
      ]);
    });

    it("by the distribution of scores, as distributionScore of this library does", async () => {
      await using store = await filled();
      const hits = await store.searchHybrid([sparse, dense], { fusion: { native: "dbsf" } });
      const rankings = {
        sparse: await store.searchSparse("sparse", sparse.query),
        dense: await store.searchDense("dense", dense.query),
      };
      for (const { id, score } of distributionScore()(rankings)) {
        expect(hits.find((hit) => hit.id === id)!.score).toBeCloseTo(score, 6);
      }
      // Of 3, 2, 1 the deviation is 1: (3 + 1) / 6 for the first. Of 1, 0.8, 0.6 it is 0.2: the same. So all have 1.
      for (const { score } of hits) expect(score).toBeCloseTo(1, 6);
      expect(hits.map(({ id }) => id).sort()).toEqual(["a", "b", "c"]);
    });

    it("and refuses what it cannot, by name", async () => {
      await using store = await filled();
      const refuse = async (code: string, message: string, ...call: Parameters<typeof store.searchHybrid>) =>
        expect(store.searchHybrid(...call)).rejects.toMatchObject({
          code,
          message: expect.stringContaining(message),
        });
      const rrf = { fusion: { native: "rrf" } } as const;
      await refuse("STORE_UNSUPPORTED", "qdrant", [sparse], { fusion: { native: "weighted" } });
      await refuse("STORE_UNSUPPORTED", "dbsf", [{ ...sparse, weight: 2 }], { fusion: { native: "dbsf" } });
      await refuse("INVALID_ARGUMENT", "native", [sparse], { fusion: { native: "max" as "rrf" } });
      await refuse("INVALID_ARGUMENT", "k", [sparse], { fusion: { native: "rrf", k: 0 } });
      await refuse("UNKNOWN_OPTION", "k", [sparse], { fusion: { native: "dbsf", k: 1 } });
      await refuse("INVALID_ARGUMENT", "at least one", [], rrf);
      await refuse("INVALID_ARGUMENT", "weight", [{ ...sparse, weight: 0 }], rrf);
      await refuse("INVALID_ARGUMENT", "no vectors are named", [{ ...sparse, vector: "other" }], rrf);
      await refuse("INVALID_VECTOR", "dimensions", [{ ...dense, query: Float32Array.of(1) }], rrf);
      await refuse("UNKNOWN_OPTION", "limit", [{ ...sparse, limit: 1 } as typeof sparse], rrf);
      const nothing = { vector: "sparse", query: SparseVector.from({}, 10) };
      expect(await store.searchHybrid([nothing], rrf)).toEqual([]);
    });
  });

  it("gives back vectors that the server scaled to length 1 as they were", async () => {
    await using store = await QdrantStore.open({ url: fake.url, vectors });
    await store.upsert([document("a")]);
    expect((await store.get(["a"]))[0]!.vectors.dense).toEqual(Float32Array.of(3, 4));
  });
});
