import { QdrantStore, SparseVector, type StoredDocument } from "@sparse-encoder/core";
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

  it("gives back vectors that the server scaled to length 1 as they were", async () => {
    await using store = await QdrantStore.open({ url: fake.url, vectors });
    await store.upsert([document("a")]);
    expect((await store.get(["a"]))[0]!.vectors.dense).toEqual(Float32Array.of(3, 4));
  });
});
