import { describe, expect, it } from "vitest";
import { FakeStore } from "../../../../../test/fakes/fake-store.ts";
import { SparseEncoderError } from "../../errors.ts";
import type { HybridSearch, HybridSearchOptions, StoreHit } from "../../stores/index.ts";
import { FakeSparseEncoder } from "../../testing/fake-sparse-encoder.ts";
import { HybridRetriever } from "../hybrid-retriever.ts";
import type { RetrievalEvent } from "../retrieval-event.ts";

/** A fake that answers a hybrid search with what it is told, and keeps what it was asked. */
class FusingStore extends FakeStore {
  override readonly capabilities = {
    ...new FakeStore().capabilities,
    nativeFusions: new Set(["rrf"] as const),
    maximumK: 500,
  };
  readonly asked: [searches: readonly HybridSearch[], options: HybridSearchOptions][] = [];
  answer: () => StoreHit[] = () => [
    { id: "b", score: 0.5, text: "green", metadata: {} },
    { id: "a", score: 0.25, text: "red", metadata: { even: true } },
  ];

  async searchHybrid(searches: readonly HybridSearch[], options: HybridSearchOptions): Promise<StoreHit[]> {
    this.asked.push([searches, options]);
    return this.answer();
  }
}

const encoder = new FakeSparseEncoder();
const embed = async (texts: readonly string[]) => texts.map((text) => [text.length, 0]);

function retrieverOf(store: FakeStore, armOptions: object = {}) {
  const events: RetrievalEvent[] = [];
  const retriever = new HybridRetriever({
    arms: { sparse: { encoder, store, ...armOptions }, dense: { embed, store } },
    fusion: { native: "rrf", k: 7 },
    onEvent: (event) => events.push(event),
  });
  return { retriever, events };
}

async function codeOf(promise: Promise<unknown>): Promise<[code: string, message: string]> {
  const error = await promise.catch((thrown: unknown) => thrown);
  if (!SparseEncoderError.is(error)) throw new Error(`expected a SparseEncoderError, got ${String(error)}`);
  return [error.code, error.message];
}

describe("a fusion of the store", () => {
  it("asks the store once for all arms of a query, with its vectors, filters and weights", async () => {
    const store = new FusingStore();
    const { retriever, events } = retrieverOf(store, { k: 20, filter: { even: true } });
    const hits = await retriever.retrieve("red", {
      k: 1,
      filter: { year: 1 },
      weights: { dense: 3 },
    });
    expect(hits).toEqual([{ id: "b", text: "green", metadata: {}, score: 0.5, fusedScore: 0.5, arms: {} }]);
    expect(store.calls).toEqual([]);
    const [[searches, options]] = store.asked as [FusingStore["asked"][0]];
    expect(options).toMatchObject({ fusion: { native: "rrf", k: 7 }, k: 1 });
    expect(searches).toEqual([
      { vector: "dense", query: Float32Array.of(3, 0), k: 100, filter: { year: 1 }, weight: 3 },
      {
        vector: "sparse",
        query: await encoder.encodeQuery("red"),
        k: 20,
        filter: { $and: [{ even: true }, { year: 1 }] },
        weight: undefined,
      },
    ]);
    expect(events.map(({ type }) => type)).toEqual(["fusion", "retrieve"]);
  });

  it("asks for what the reranker wants, and reranks it", async () => {
    const store = new FusingStore();
    const { retriever } = retrieverOf(store);
    const hits = await retriever.retrieve("red", { k: 1, rerank: () => [0, 1], rerankK: 30 });
    expect(hits.map(({ id, score, fusedScore }) => [id, score, fusedScore])).toEqual([["a", 1, 0.25]]);
    expect(store.asked[0]![1].k).toBe(30);
  });

  it("leaves out an arm of weight 0, and one whose query is empty; searches nothing without any", async () => {
    const store = new FusingStore();
    const { retriever } = retrieverOf(store);
    await retriever.retrieve("red", { weights: { dense: 0 } });
    await retriever.retrieve("");
    expect(store.asked.map(([searches]) => searches.map(({ vector }) => vector))).toEqual([
      ["sparse"],
      ["sparse"],
    ]);
  });

  it("is refused by a store that has none, by name, and works by a fusion of this library then", async () => {
    const { retriever } = retrieverOf(new FakeStore());
    expect(await codeOf(retriever.retrieve("red"))).toEqual([
      "STORE_UNSUPPORTED",
      expect.stringContaining("fake store"),
    ]);
    expect(await retriever.retrieve("red", { fusion: "rrf" })).toEqual([]);
    const other = retrieverOf(new FusingStore()).retriever.retrieve("red", { fusion: { native: "dbsf" } });
    expect(await codeOf(other)).toEqual(["STORE_UNSUPPORTED", expect.stringContaining("it has rrf")]);
  });

  it("is refused where arms keep their vectors apart, have floors or times, or are to be explained", async () => {
    const store = new FusingStore();
    const apart = new HybridRetriever({
      arms: { sparse: { encoder, store }, dense: { embed, store: new FusingStore() } },
      fusion: { native: "rrf" },
    });
    const byFunction = new HybridRetriever({
      arms: { sparse: { encoder, store }, other: { retrieve: async () => [] } },
      fusion: { native: "rrf" },
    });
    const { retriever } = retrieverOf(store);
    for (const call of [
      apart.retrieve("red"),
      byFunction.retrieve("red"),
      retrieverOf(store, { minScore: 1 }).retriever.retrieve("red"),
      retrieverOf(store, { timeout: 1 }).retriever.retrieve("red"),
      retriever.retrieve("red", { explain: true }),
    ]) {
      expect((await codeOf(call))[0]).toBe("INVALID_ARGUMENT");
    }
    expect(store.asked).toEqual([]);
  });

  it("fails with ARM_FAILED and the store's error, and with the error of the deadline", async () => {
    const store = new FusingStore();
    const { retriever } = retrieverOf(store);
    const broken = new SparseEncoderError("STORE_FAILED", "The fake store failed.");
    store.answer = () => {
      throw broken;
    };
    await expect(retriever.retrieve("red")).rejects.toMatchObject({ code: "ARM_FAILED", cause: broken });
    await expect(retriever.retrieve("red", { onArmError: "degrade" })).rejects.toMatchObject({
      code: "ARM_FAILED",
    });
    store.searchHybrid = () => new Promise(() => {});
    await expect(retriever.retrieve("red", { timeout: 10 })).rejects.toMatchObject({ code: "TIMEOUT" });
  });
});
