import { QdrantStore } from "@sparse-encoder/core/stores";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Refusal } from "../fakes/fake-server.ts";
import { FakeQdrant } from "../fakes/qdrant/fake-qdrant.ts";
import { smallDocument as document, smallVectors as vectors } from "../helpers/small-documents.ts";
import { qdrantCases } from "./qdrant-cases.ts";

let fake: FakeQdrant;
beforeEach(async () => {
  fake = await FakeQdrant.start();
});
afterEach(() => fake.stop());

let shared: FakeQdrant;
beforeAll(async () => {
  shared = await FakeQdrant.start();
});
afterAll(() => shared.stop());

qdrantCases("a fake of Qdrant's documented requests", () => ({ url: shared.url, prefix: "" }));

describe("QdrantStore", () => {
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

  it("waits as long as a server with too many requests asks for, also where its client reads no such time", async () => {
    await using store = await QdrantStore.open({ url: fake.url, vectors, retries: 1 });
    const busy = (wait: string) => new Refusal(429, "too many", "busy", { "retry-after": wait });
    const started = performance.now();
    fake.failures.push(busy("1"));
    expect(await store.count()).toBe(0);
    expect(performance.now() - started).toBeGreaterThan(950);
    fake.failures.push(busy(new Date(Date.now() + 1000).toUTCString()));
    expect(await store.count()).toBe(0);
    expect(fake.failures).toEqual([]);
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

  it("fuses in one request", async () => {
    await using store = await QdrantStore.open({ url: fake.url, vectors });
    await store.upsert([document("a")]);
    fake.requests.length = 0;
    const { sparse, dense } = document("").vectors;
    const searches = [
      { vector: "sparse", query: sparse! },
      { vector: "dense", query: dense! },
    ];
    const hits = await store.searchHybrid(searches, { fusion: { native: "rrf" } });
    expect(hits.map(({ id }) => id)).toEqual(["a"]);
    expect(fake.requests).toEqual(["POST /collections/documents/points/query"]);
  });
});
