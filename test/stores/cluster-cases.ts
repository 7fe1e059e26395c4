import { SparseVector, type Store } from "@sparse-encoder/core";
import { afterEach, beforeEach, expect, it } from "vitest";
import { Refusal } from "../fakes/fake-server.ts";
import type { FakeOpenSearch } from "../fakes/opensearch/fake-opensearch.ts";
import { codeOf, smallDocument as document, smallVectors as vectors } from "../helpers/small-documents.ts";

/** Tests of a store on a cluster, whichever of the two engines it is. */
export function clusterCases<Fake extends FakeOpenSearch>(
  start: () => Promise<Fake>,
  openAt: (options: object) => Promise<Store>,
): void {
  let fake: Fake;
  beforeEach(async () => {
    fake = await start();
  });
  afterEach(() => fake.stop());

  it("refuses indexes of others, other vectors, another model, and bad names", async () => {
    const openCode = (options: object) => codeOf(openAt({ url: fake.url, ...options }));
    expect(await openCode({})).toBe("INVALID_ARGUMENT");
    expect(await openCode({ vectors, model: "one" })).toBeUndefined();
    expect(await openCode({ model: "two" })).toBe("STORE_MISMATCH");
    expect(await openCode({ vectors: { sparse: { kind: "sparse", dimension: 11 } } })).toBe("STORE_MISMATCH");
    fake.indexes.set("others", { meta: undefined, properties: {}, documents: new Map() });
    expect(await openCode({ index: "others" })).toBe("STORE_MISMATCH");
    for (const index of ["", "a/b", "..", "A", "a b", "a*", "a,b", "_all", "é", "a".repeat(201)]) {
      expect(await openCode({ index, vectors })).toBe("INVALID_ARGUMENT");
    }
  });

  it("goes on at another node while one is down, and refuses addresses that are not", async () => {
    await using store = await openAt({
      url: ["http://127.0.0.1:1", fake.url],
      vectors,
      retries: 3,
    });
    for (let call = 0; call < 4; call++) expect(await store.count()).toBe(0);
    for (const url of [[], [fake.url, 5], "localhost:9200", ["https://ada:s3cret@localhost"]]) {
      const error = await openAt({ url, vectors }).catch((e: Error) => e);
      expect(error).toMatchObject({
        code: "INVALID_ARGUMENT",
        message: expect.stringContaining("or a list of such addresses"),
      });
      expect((error as Error).message).not.toContain("s3cret");
    }
  });

  it("sends the items of a bulk again that were refused for want of capacity, and no others", async () => {
    await using store = await openAt({ url: fake.url, vectors });
    fake.itemFailures.push({ 1: 429, 3: 429 }, { 0: 429 });
    await store.upsert(["a", "b", "c", "d", "e"].map((id) => document(id)));
    expect(fake.bulks).toEqual([5, 2, 1]);
    expect(await store.count()).toBe(5);
  }, 20_000);

  it("waits as long as a cluster with too many requests asks for", async () => {
    await using store = await openAt({ url: fake.url, vectors, retries: 1 });
    const started = performance.now();
    fake.failures.push(new Refusal(429, "too many", "busy", { "retry-after": "1" }));
    expect(await store.count()).toBe(0);
    expect(performance.now() - started).toBeGreaterThan(950);
  }, 20_000);

  it("says which part of a bulk was stored when an item is refused for good", async () => {
    await using store = await openAt({ url: fake.url, vectors });
    fake.itemFailures.push({ 1: 400 });
    await expect(store.upsert(["a", "b", "c"].map((id) => document(id)))).rejects.toMatchObject({
      code: "STORE_FAILED",
      message: expect.stringContaining("2 of 3 documents were stored"),
    });
    fake.itemFailures.push({ 0: 429 }, { 0: 429 });
    await using hasty = await openAt({ url: fake.url, retries: 0 });
    await expect(hasty.upsert([document("d")])).rejects.toMatchObject({ code: "STORE_FAILED" });
  });

  it("gives no answer of a part of the shards", async () => {
    await using store = await openAt({ url: fake.url, vectors });
    fake.failedShards.push(1);
    await expect(store.count()).rejects.toMatchObject({ code: "STORE_FAILED" });
    fake.failedShards.push(1);
    const search = store.searchSparse("sparse", SparseVector.from({ 1: 1 }, 10));
    await expect(search).rejects.toMatchObject({
      code: "STORE_FAILED",
      message: expect.stringContaining("shards"),
    });
    fake.failedShards.push(1);
    await expect(store.get(["a"])).rejects.toMatchObject({ code: "STORE_FAILED" });
  });

  it("says that the password is wrong, without it", async () => {
    fake.password = "right";
    const auth = { username: "admin", password: "s3cret" };
    const error = await openAt({ url: fake.url, vectors, auth }).catch((e: Error) => e);
    expect(error).toMatchObject({ code: "STORE_FAILED", message: expect.stringContaining("auth") });
    expect(`${(error as Error).message} ${(error as Error).stack} ${(error as Error).cause}`).not.toContain(
      "s3cret",
    );
    await (await openAt({ url: fake.url, vectors, auth: { ...auth, password: "right" } })).close();
  });
}
