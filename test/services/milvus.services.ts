import { MilvusStore } from "@sparse-encoder/core/stores";
import { storeConformance } from "@sparse-encoder/core/testing";
import { describe, expect, inject, it } from "vitest";
import { openMilvus } from "./engines.ts";

const { milvus } = inject("servers");
let collections = 0;
const nextCollection = () => `c${process.pid}_${collections++}`;

describe(`MilvusStore on ${milvus.what}`, () => {
  for (const { name, run } of storeConformance((vectors) =>
    openMilvus({ vectors, collection: nextCollection() }),
  )) {
    it(name, run);
  }
});

describe("MilvusStore", () => {
  const vectors = {
    sparse: { kind: "sparse", dimension: 10 },
    dense: { kind: "dense", dimension: 2 },
  } as const;

  it("refuses collections of others, other vectors, another model, and bad names", async () => {
    const collection = nextCollection();
    await (await openMilvus({ collection, vectors, model: "one" })).close();
    const codeOf = (options: object) =>
      openMilvus({ collection, ...options }).then(
        () => undefined,
        (error: { code: string }) => error.code,
      );
    expect(await codeOf({})).toBeUndefined();
    expect(await codeOf({ model: "two" })).toBe("STORE_MISMATCH");
    expect(await codeOf({ vectors: { sparse: { kind: "sparse", dimension: 11 } } })).toBe("STORE_MISMATCH");
    expect(await codeOf({ vectors: { other: { kind: "sparse", dimension: 10 } } })).toBe("STORE_MISMATCH");
    expect(await codeOf({ collection: nextCollection() })).toBe("INVALID_ARGUMENT");
    for (const name of ['x"; drop', "a-b", "a b", "é", "a".repeat(201)]) {
      expect(await codeOf({ collection: name, vectors })).toBe("INVALID_ARGUMENT");
    }
  });

  it("refuses what is longer than Milvus takes before it stores any of the call", async () => {
    await using store = await openMilvus({ vectors, collection: nextCollection() });
    const document = (id: string, text: string, metadata = {}) => ({ id, text, metadata, vectors: {} });
    for (const bad of [
      document("b", "é".repeat(40_000)),
      document("b", "", { long: "x".repeat(70_000) }),
      document("b", "", { many: Array.from({ length: 5000 }, (_, n) => n) }),
    ]) {
      await expect(store.upsert([document("a", "a"), bad])).rejects.toMatchObject({
        code: "STORE_UNSUPPORTED",
      });
    }
    expect(await store.count()).toBe(0);
    const deep = store.searchDense("dense", Float32Array.of(1, 0), { k: 20_000 });
    await expect(deep).rejects.toMatchObject({
      code: "STORE_UNSUPPORTED",
      message: expect.stringContaining("16383"),
    });
  });

  it("keeps NUL and lone surrogates in texts and metadata", async () => {
    await using store = await openMilvus({ vectors, collection: nextCollection() });
    const text = "a\0b\u001ac\ud800";
    await store.upsert([{ id: "i\0d", text, metadata: { [text]: [text] }, vectors: {} }]);
    expect(await store.get(["i\0d"])).toEqual([
      { id: "i\0d", text, metadata: { [text]: [text] }, vectors: {} },
    ]);
    expect(await store.count({ filter: { [text]: text } })).toBe(1);
  });

  it.runIf(milvus.isLite)(
    "refuses a partition, which Milvus Lite takes without a word and does not make",
    async () => {
      const call = openMilvus({ vectors, collection: nextCollection(), partition: "tenant" });
      await expect(call).rejects.toMatchObject({ code: "STORE_UNSUPPORTED" });
    },
  );

  it("says that nobody answers at an address, without the token", async () => {
    const call = MilvusStore.open({
      address: "127.0.0.1:1",
      token: "ada:s3cret",
      vectors,
      retries: 0,
      timeout: 2000,
    });
    const error = await call.catch((thrown: Error) => thrown);
    expect(error).toMatchObject({ code: "STORE_FAILED", message: expect.stringContaining("milvus") });
    expect(`${(error as Error).message} ${(error as Error).stack} ${(error as Error).cause}`).not.toContain(
      "s3cret",
    );
  });
});
