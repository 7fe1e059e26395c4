import { describe, expect, it } from "vitest";
import { MemoryStore } from "../../stores/index.ts";
import { FakeSparseEncoder } from "../../testing/fake-sparse-encoder.ts";
import { HybridRetriever } from "../hybrid-retriever.ts";

const encoder = new FakeSparseEncoder();

async function filled() {
  const store = new MemoryStore();
  const retriever = new HybridRetriever({ arms: { sparse: { encoder, store } } });
  await retriever.add(
    Array.from({ length: 9 }, (_, n) => ({
      id: `${n}`,
      text: `red ${n}`,
      metadata: { n, even: n % 2 === 0 },
    })),
  );
  return { store, retriever };
}

const ids = (hits: readonly { id: string }[]) => hits.map(({ id }) => id);

describe("a blank text with a filter", () => {
  it.each(["", " ", "\n\t"])("finds what passes, by id and without scores: %j", async (text) => {
    const { retriever } = await filled();
    const hits = await retriever.retrieve(text, { filter: { n: { $gt: 4 } }, k: 3 });
    expect(hits.map(({ id, score, arms }) => [id, score, arms])).toEqual([
      ["5", 0, {}],
      ["6", 0, {}],
      ["7", 0, {}],
    ]);
    expect(hits[0]!.metadata).toEqual({ n: 5, even: false });
    expect(await retriever.retrieve(text, { filter: { n: 99 } })).toEqual([]);
  });

  it("heeds the filters of arms, and asks several stores", async () => {
    const { store } = await filled();
    const other = new MemoryStore();
    const retriever = new HybridRetriever({
      arms: { sparse: { encoder, store, filter: { even: true } }, other: { encoder, store: other } },
    });
    await other.upsert([{ id: "10", text: "blue", metadata: { n: 10 }, vectors: {} }]);
    const hits = await retriever.retrieve("", { filter: { n: { $gt: 4 } }, rerank: () => [] });
    expect(ids(hits)).toEqual(["10", "6", "8"]);
  });

  it("leaves the order to an arm that finds something by the blank text", async () => {
    const { store } = await filled();
    const retriever = new HybridRetriever({
      arms: {
        sparse: { encoder, store },
        list: { retrieve: async () => [[{ id: "7" }, { id: "5" }]] },
      },
    });
    expect(ids(await retriever.retrieve("", { filter: { n: { $gt: 4 } } }))).toEqual(["7", "5"]);
  });

  it("does not mean a text of unknown words, or a call without a filter", async () => {
    const { store, retriever } = await filled();
    // An encoder that knows no word of the text.
    const embed = async (texts: readonly string[]) => texts.map(() => [0]);
    const words = new HybridRetriever({ arms: { words: { embed, store } } });
    expect(await words.retrieve("xyzzy", { filter: { even: true } })).toEqual([]);
    expect(await retriever.retrieve("")).toEqual([]);
  });
});
