import { describe, expect, it, vi } from "vitest";
import { FakeStore } from "../../../../../test/fakes/fake-store.ts";
import type { SparseEncoderErrorCode } from "../../errors.ts";
import { MemoryStore } from "../../stores/index.ts";
import { FakeSparseEncoder } from "../../testing/fake-sparse-encoder.ts";
import { SparseVector } from "../../vector/index.ts";
import { HybridRetriever } from "../hybrid-retriever.ts";

const encoder = new FakeSparseEncoder();
const embedLengths = async (texts: readonly string[]) => texts.map((text) => [text.length, 1]);
const texts = ["red apple", "green pear", "blue sky over the sea"];

async function filled() {
  const store = new MemoryStore();
  const embed = vi.fn(embedLengths);
  const retriever = new HybridRetriever({
    arms: { sparse: { encoder, store }, dense: { embed, store } },
  });
  await retriever.add(texts.map((text) => ({ id: text, text, metadata: { length: text.length } })));
  embed.mockClear();
  return { store, embed, retriever };
}

const ids = (hits: readonly { id: string }[]) => hits.map(({ id }) => id);

async function refused(call: Promise<unknown>, code: SparseEncoderErrorCode, message: string | RegExp) {
  await expect(call).rejects.toMatchObject({
    code,
    message: typeof message === "string" ? expect.stringContaining(message) : expect.stringMatching(message),
  });
}

describe("a query by vectors", () => {
  it("asks only the arms that have one, and no encoder", async () => {
    const { retriever, embed } = await filled();
    const vector = await encoder.encodeQuery("pear");
    const [hit, ...others] = await retriever.retrieve({ vectors: { sparse: vector } });
    expect([hit!.id, others, Object.keys(hit!.arms)]).toEqual(["green pear", [], ["sparse"]]);
    for (const dense of [[21, 1], Float32Array.of(21, 1), Float64Array.of(21, 1)]) {
      const found = await retriever.retrieve({ vectors: { dense } }, { k: 1 });
      expect([ids(found), Object.keys(found[0]!.arms)]).toEqual([["blue sky over the sea"], ["dense"]]);
    }
    expect(embed).not.toHaveBeenCalled();
  });

  it("gives what the text gives, arm by arm, one query or many", async () => {
    const { retriever, embed } = await filled();
    const dense = (await embedLengths(["green pear"]))[0]!;
    const expected = await retriever.retrieve("green pear", { explain: true });
    embed.mockClear();
    const queries = [{ text: "green pear", vectors: { dense } }, "green pear"];
    expect(await retriever.retrieve(queries[0]!, { explain: true })).toEqual(expected);
    expect(embed).not.toHaveBeenCalled();
    expect(await retriever.retrieveMany(queries, { explain: true })).toEqual([expected, expected]);
    expect(embed.mock.calls.map(([given]) => given)).toEqual([["green pear"]]);
    const outcomes = await retriever.retrieveEach(
      queries.map((query) => ({ query, options: { explain: true } })),
    );
    expect(outcomes).toEqual([expected, expected].map((value) => ({ status: "fulfilled", value })));
  });

  it("finds nothing by zeros, and keeps what was given", async () => {
    const { retriever } = await filled();
    expect(await retriever.retrieve({ vectors: { dense: [0, 0] } })).toEqual([]);
    expect(await retriever.retrieve({ vectors: { sparse: SparseVector.from({}, 4096) } })).toEqual([]);
  });

  it("is refused with names and numbers that cannot be meant", async () => {
    const { retriever } = await filled();
    const call = (query: unknown, options = {}) => retriever.retrieve(query as never, options);
    await refused(call({}), "INVALID_TEXT", "the query needs a text, or vectors of arms");
    await refused(call({ text: 5 }), "INVALID_TEXT", "the text of the query must be a string, received 5");
    await refused(call({ text: "a", vector: [1] }), "UNKNOWN_OPTION", "unknown option 'vector'");
    await refused(call({ vectors: { other: [1] } }), "UNKNOWN_OPTION", "Valid options: dense, sparse");
    await refused(call({ vectors: { dense: [1, Number.NaN] } }), "INVALID_VECTOR", "holds NaN at 1");
    await refused(call({ vectors: { dense: "text" } }), "INVALID_VECTOR", "for the arm dense");
    await refused(call({ vectors: [1] }), "INVALID_ARGUMENT", "map names of arms to vectors");
    await refused(
      call({ vectors: { dense: [1, 1] } }, { weights: { dense: 0 } }),
      "INVALID_ARGUMENT",
      "have weight 0",
    );
    const rerank = (_: string, candidates: readonly unknown[]) => candidates.map(() => 1);
    await refused(call({ vectors: { dense: [1, 1] } }, { rerank }), "INVALID_TEXT", "rerank needs the text");
    const list = new HybridRetriever({ arms: { list: { retrieve: async () => [[]] } } });
    await refused(list.retrieve({ vectors: { list: [1] } }), "INVALID_ARGUMENT", "takes no vector");
  });
});

describe("arms of one call", () => {
  it("are added, with a store or as a function, and are gone afterwards", async () => {
    const { retriever, store } = await filled();
    const web = { retrieve: async () => [[{ id: "w", text: "from the web" }]], weight: 9 };
    const lengths = { embed: embedLengths, store, vector: "dense" };
    const hits = await retriever.retrieve("apple", { arms: { web, lengths } });
    expect(hits[0]!.id).toBe("w");
    expect(Object.keys(hits.find(({ id }) => id === "red apple")!.arms)).toEqual([
      "dense",
      "lengths",
      "sparse",
    ]);
    expect(ids(await retriever.retrieve("apple"))).not.toContain("w");
  });

  it("give an arm another encoder, another search or another store", async () => {
    const { retriever, store } = await filled();
    const only = (arm: string) => ({
      weights: Object.fromEntries(["dense", "sparse"].map((one) => [one, one === arm ? 1 : 0])),
    });
    const long = async (queries: readonly string[]) => queries.map(() => [21, 1]);
    const [other] = await retriever.retrieve("apple", { ...only("dense"), arms: { dense: { embed: long } } });
    expect(other!.id).toBe("blue sky over the sea");
    const search = { retrieve: async () => [[{ id: "x", text: "x" }]] };
    expect(ids(await retriever.retrieve("apple", { ...only("sparse"), arms: { sparse: search } }))).toEqual([
      "x",
    ]);
    const empty = { arms: { sparse: { store: new MemoryStore() } }, ...only("sparse") };
    expect(await retriever.retrieve("apple", empty)).toEqual([]);
    const renamed = { arms: { sparse: { store, vector: "sparse", k: 1 } }, ...only("sparse") };
    expect(ids(await retriever.retrieve("apple", renamed))).toEqual(["red apple"]);
  });

  it("are refused if they are not whole, or are whole twice", async () => {
    const { retriever } = await filled();
    const call = (arms: unknown) => retriever.retrieve("a", { arms: arms as never });
    await refused(call({ other: { k: 5 } }), "UNKNOWN_OPTION", "Valid options: dense, sparse");
    await refused(
      call({ other: { embed: embedLengths } }),
      "INVALID_ARGUMENT",
      "The arm other needs a store",
    );
    await refused(
      call({ sparse: { retrieve: 5 } }),
      "INVALID_ARGUMENT",
      "retrieve of the arm sparse must be a function",
    );
    await refused(
      call({ sparse: { embed: embedLengths, encoder } }),
      "INVALID_ARGUMENT",
      "encoder and embed",
    );
    await refused(call([]), "INVALID_ARGUMENT", "arms must map names of arms");
  });
});

describe("advice in the error of an arm", () => {
  const failing = (error: Error) => ({
    retrieve: async () => {
      throw error;
    },
  });
  const other = { retrieve: async () => [[]] };
  const messageOf = async (arms: Record<string, { retrieve: () => Promise<never[][]> }>, options = {}) => {
    const error = await new HybridRetriever({ arms }).retrieve("q", options).catch((thrown: Error) => thrown);
    return (error as Error).message;
  };

  it("names onArmError for a failure that may pass, where another arm can answer", async () => {
    expect(await messageOf({ a: failing(new Error("no connection")), other })).toMatch(
      /no connection\. With onArmError/,
    );
    expect(await messageOf({ a: failing(new Error("no connection")) })).not.toContain("onArmError");
  });

  it("does not for faults of the set-up, which pass with no other arm", async () => {
    const store = new FakeStore();
    const widths = { embed: async () => [[1, Number.NaN]], store };
    const error = await new HybridRetriever({ arms: { widths, other } })
      .retrieve("q")
      .catch((thrown: Error) => thrown);
    expect((error as Error).message).toMatch(/^The arm widths failed: .*NaN/);
    expect((error as Error).message).not.toContain("onArmError");
  });

  it("says what a program that wraps the retriever says", async () => {
    const arms = { a: failing(new Error("down")), other };
    expect(await messageOf(arms, { wording: { call: "query", armAdvice: "" } })).toBe(
      "The arm a failed: down.",
    );
    const slow = { a: { retrieve: () => new Promise<never>(() => {}) } };
    expect(await messageOf(slow, { timeout: 5, wording: { call: "query" } })).toBe(
      "query took longer than its 5 ms.",
    );
  });
});
