import { MockLLM } from "@llamaindex/core/llms/mock";
import { MemoryStore, max, rrf } from "@sparse-encoder/core";
import {
  HybridRetriever,
  type HybridRetrieverOptions,
  type HybridVectorStore,
} from "@sparse-encoder/llamaindex";
import {
  BaseRetriever,
  type MetadataFilters,
  MetadataMode,
  type NodeWithScore,
  type QueryBundle,
  RetrieverQueryEngine,
  Settings,
  SimilarityPostprocessor,
  TextNode,
  VectorStoreIndex,
  VectorStoreQueryMode,
} from "llamaindex";
import { beforeEach, describe, expect, it } from "vitest";
import { fakeEmbeddings, fakeVectorStore } from "./stores.ts";

/** Gives the same list to every query, as the same objects. */
class ListRetriever extends BaseRetriever {
  readonly list: NodeWithScore[];
  readonly queries: QueryBundle[] = [];
  failure: Error | undefined;

  constructor(scores: Record<string, number | undefined>) {
    super();
    this.list = Object.entries(scores).map(([id, score]) => ({ node: nodeOf(id), score }));
  }

  async _retrieve(query: QueryBundle): Promise<NodeWithScore[]> {
    this.queries.push(query);
    if (this.failure !== undefined) throw this.failure;
    return this.list;
  }
}

function nodeOf(id: string): TextNode {
  return new TextNode({ id_: id, text: `text of ${id}`, metadata: { letter: id } });
}

const lists = (...scores: Record<string, number | undefined>[]) =>
  scores.map((one) => new ListRetriever(one));

async function fused(options: HybridRetrieverOptions): Promise<Record<string, number>> {
  const found = await new HybridRetriever({ similarityTopK: 100, ...options }).retrieve("query");
  return Object.fromEntries(found.map(({ node, score }) => [node.id_, score!]));
}

function expectScores(actual: Record<string, number>, expected: Record<string, number>): void {
  expect(Object.keys(actual)).toEqual(Object.keys(expected));
  for (const [id, score] of Object.entries(expected)) expect(actual[id], id).toBeCloseTo(score, 12);
}

describe("the fusion modes of the Python library, worked by hand", () => {
  const two = () => lists({ a: 0.9, b: 0.7, c: 0.5 }, { b: 12, d: 8, a: 4 });

  it("reciprocal_rerank: the sum of 1 / (60 + rank), ranks from 0, without weights", async () => {
    const expected = { b: 1 / 61 + 1 / 60, a: 1 / 60 + 1 / 62, d: 1 / 61, c: 1 / 62 };
    expectScores(await fused({ retrievers: two(), mode: "reciprocal_rerank" }), expected);
    expectScores(
      await fused({ retrievers: two(), mode: "reciprocal_rerank", weights: [0.9, 0.1] }),
      expected,
    );
    expectScores(await fused({ retrievers: two(), mode: "reciprocal_rerank", rankBase: 1 }), {
      b: 1 / 62 + 1 / 61,
      a: 1 / 61 + 1 / 63,
      d: 1 / 62,
      c: 1 / 63,
    });
  });

  it("reciprocal_rerank ranks by score, whatever the order of a list", async () => {
    const retrievers = lists({ c: 0.5, a: 0.9, b: 0.7 });
    expectScores(await fused({ retrievers, mode: "reciprocal_rerank" }), { a: 1 / 60, b: 1 / 61, c: 1 / 62 });
  });

  it("relative_score: scaled from least to most, weighted by w / sum of w", async () => {
    // a: 1 and 0, b: 0.5 and 1, c: 0, d: 0.5
    expectScores(await fused({ retrievers: two(), mode: "relative_score" }), {
      b: 0.5 * 0.5 + 0.5 * 1,
      a: 0.5 * 1,
      d: 0.5 * 0.5,
      c: 0,
    });
    expectScores(await fused({ retrievers: two(), mode: "relative_score", weights: [3, 1] }), {
      a: 0.75,
      b: 0.75 * 0.5 + 0.25,
      d: 0.25 * 0.5,
      c: 0,
    });
  });

  it("dist_based_score: scaled from mean - 3 sigma to mean + 3 sigma, sigma of a population, not cut", async () => {
    // First list: mean 0.7, sigma sqrt(0.08 / 3). Second: mean 8, sigma sqrt(32 / 3).
    const first = (score: number) => (score - 0.7) / (6 * Math.sqrt(0.08 / 3)) + 0.5;
    const second = (score: number) => (score - 8) / (6 * Math.sqrt(32 / 3)) + 0.5;
    const scores = await fused({ retrievers: two(), mode: "dist_based_score", weights: [0.6, 0.4] });
    expectScores(scores, {
      b: 0.6 * first(0.7) + 0.4 * second(12),
      a: 0.6 * first(0.9) + 0.4 * second(4),
      d: 0.4 * 0.5,
      c: 0.6 * first(0.5),
    });
    // One high score in twenty lies beyond mean + 3 sigma.
    const outlier = Object.fromEntries(
      Array.from({ length: 20 }, (_, place) => [`n${place}`, place === 0 ? 20 : 0]),
    );
    const [top] = Object.values(await fused({ retrievers: lists(outlier), mode: "dist_based_score" }));
    expect(top).toBeCloseTo((20 - 1) / (6 * Math.sqrt(19)) + 0.5, 12);
    expect(top).toBeGreaterThan(1);
  });

  it("simple: the largest score, without weights", async () => {
    const expected = { b: 12, d: 8, a: 4, c: 0.5 };
    expectScores(await fused({ retrievers: two(), mode: "simple" }), expected);
    expectScores(await fused({ retrievers: two(), mode: "simple", weights: [5, 1] }), expected);
  });

  it.each(["relative_score", "dist_based_score"] as const)(
    "%s: equal scores are 1 if they are above 0, else 0, and so is a single one",
    async (mode) => {
      const retrievers = lists({ b: 3, a: 3 }, { c: 0.2 }, { d: -1, a: -1 }, { e: 0 }, {});
      expectScores(await fused({ retrievers, mode }), { a: 0.2, b: 0.2, c: 0.2, d: 0, e: 0 });
    },
  );

  it("ties come by id, and a missing score counts 0", async () => {
    expectScores(await fused({ retrievers: lists({ z: 1 }, { a: 1 }), mode: "simple" }), { a: 1, z: 1 });
    expectScores(await fused({ retrievers: lists({ a: undefined, b: 1 }), mode: "simple" }), { b: 1, a: 0 });
  });

  it("takes fusions of core too", async () => {
    expectScores(await fused({ retrievers: two(), mode: rrf({ k: 1 }), weights: [1, 1] }), {
      b: 0.5 * (1 / 3 + 1 / 2),
      a: 0.5 * (1 / 2 + 1 / 4),
      d: 0.5 / 3,
      c: 0.5 / 4,
    });
    expectScores(await fused({ retrievers: two(), mode: max(), weights: [1, 0] }), {
      a: 0.9,
      b: 0.7,
      c: 0.5,
    });
  });
});

describe("HybridRetriever", () => {
  it("gives two nodes by default, as LlamaIndex does, and as many as it is told", async () => {
    const retriever = new HybridRetriever({ retrievers: lists({ a: 3, b: 2, c: 1 }), mode: "simple" });
    expect((await retriever.retrieve("q")).map(({ node }) => node.id_)).toEqual(["a", "b"]);
    expect((await retriever.retrieve("q", { similarityTopK: 3 })).length).toBe(3);
  });

  it("fuses lists of any length", async () => {
    const long = Object.fromEntries(Array.from({ length: 250 }, (_, place) => [`n${place}`, 250 - place]));
    const retriever = new HybridRetriever({ retrievers: lists(long), mode: "simple", similarityTopK: 240 });
    expect((await retriever.retrieve("q")).length).toBe(240);
  });

  it("changes neither nodes nor the lists of its retrievers", async () => {
    const [one, two] = lists({ a: 1, b: 2 }, { b: 5, c: 4 });
    const before = structuredClone(
      [one!, two!].map(({ list }) => list.map(({ node, score }) => [node.toJSON(), score])),
    );
    const retriever = new HybridRetriever({
      retrievers: [one!, two!],
      similarityTopK: 3,
      nodePostprocessors: [
        {
          postprocessNodes: async (nodes) => {
            for (const found of nodes) found.score = 0;
            return nodes.reverse();
          },
        },
      ],
    });
    const found = await retriever.retrieve("q");
    expect([one!, two!].map(({ list }) => list.map(({ node, score }) => [node.toJSON(), score]))).toEqual(
      before,
    );
    // The nodes are the nodes that were found, not copies.
    expect(found.find(({ node }) => node.id_ === "a")!.node).toBe(one!.list[0]!.node);
  });

  it("applies postprocessors in turn to all fused nodes, with the query", async () => {
    const seen: unknown[] = [];
    const retriever = new HybridRetriever({
      retrievers: lists({ a: 0.9, b: 0.8, c: 0.1 }),
      mode: "simple",
      similarityTopK: 1,
      nodePostprocessors: [
        new SimilarityPostprocessor({ similarityCutoff: 0.5 }),
        {
          postprocessNodes: async (nodes, query) => {
            seen.push(query, nodes.length);
            return nodes.toReversed();
          },
        },
      ],
    });
    expect((await retriever.retrieve("q")).map(({ node }) => node.id_)).toEqual(["b"]);
    expect(seen).toEqual(["q", 2]);
  });

  it("hands queries on whole, of text and of parts", async () => {
    const [child] = lists({ a: 1 });
    const retriever = new HybridRetriever({ retrievers: [child!] });
    const query: QueryBundle = { query: [{ type: "text", text: "q" }], embeddings: [1, 2] };
    await retriever.retrieve(query);
    expect(child!.queries).toEqual([query]);
  });

  it("fails with a retriever, or goes on without it and tells", async () => {
    const [one, two] = lists({ a: 1 }, { b: 1 });
    two!.failure = new Error("no connection");
    const retrievers = [one!, two!];
    await expect(new HybridRetriever({ retrievers }).retrieve("q")).rejects.toMatchObject({
      code: "ARM_FAILED",
      message: expect.stringContaining("no connection"),
      cause: two!.failure,
    });
    const events: string[] = [];
    const degraded = new HybridRetriever({
      retrievers,
      onArmError: "degrade",
      onEvent: ({ type }) => events.push(type),
    });
    expect((await degraded.retrieve("q")).map(({ node }) => node.id_)).toEqual(["a"]);
    expect(events).toContain("armFailed");
  });

  it("ends with the signal and with the timeout, even if a retriever hangs", async () => {
    const retrievers = lists({}, { a: 1 });
    retrievers[0]!._retrieve = () => new Promise(() => {});
    const controller = new AbortController();
    const call = new HybridRetriever({ retrievers }).retrieve("q", { signal: controller.signal });
    setImmediate(() => controller.abort());
    await expect(call).rejects.toMatchObject({ name: "AbortError", code: "ABORTED" });
    await expect(new HybridRetriever({ retrievers, timeout: 5 }).retrieve("q")).rejects.toMatchObject({
      code: "TIMEOUT",
    });
    const aborted = new HybridRetriever({ retrievers }).retrieve("q", { signal: AbortSignal.abort() });
    await expect(aborted).rejects.toMatchObject({ code: "ABORTED" });
  });

  it.each<[string, object, RegExp]>([
    ["no retrievers", { retrievers: [] }, /at least one retriever/],
    ["what is no retriever", { retrievers: [{}] }, /at least one retriever/],
    ["weights of another number", { weights: [1] }, /one number.* a retriever, 2 in all/],
    ["weights that are all 0", { weights: [0, 0] }, /not all 0/],
    ["a negative weight", { weights: [1, -1] }, /at least 0/],
    ["an unknown mode", { mode: "rrf" }, /reciprocal_rerank, relative_score, dist_based_score, simple/],
    ["another rank base", { rankBase: 2 }, /rankBase must be 0 or 1/],
    ["a k of 0", { similarityTopK: 0 }, /k must be/],
    ["an unknown option", { topK: 5 }, /similarityTopK/],
    ["another error policy", { onArmError: "ignore" }, /onArmError/],
  ])("refuses %s", (_, options, message) => {
    expect(() => new HybridRetriever({ retrievers: lists({}, {}), ...options })).toThrow(message);
  });

  it.each<[string, object, string, RegExp]>([
    ["an unknown option", { k: 5 }, "UNKNOWN_OPTION", /signal, filters, alpha, similarityTopK/],
    ["an alpha beyond 1", { alpha: 2 }, "INVALID_ARGUMENT", /from 0 to 1/],
    ["alpha for three", { alpha: 0.5 }, "INVALID_ARGUMENT", /here are 3. Use weights/],
    ["a wrong filter", { filters: { filters: [{ key: "a", operator: "~" }] } }, "INVALID_FILTER", /'~'/],
  ])("refuses %s in a call", async (_, options, code, message) => {
    const retriever = new HybridRetriever({ retrievers: lists({}, {}, {}) });
    await expect(retriever.retrieve("q", options)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
  });

  it("refuses alpha where the mode has no weights", async () => {
    const retriever = new HybridRetriever({ retrievers: lists({}, {}), mode: "simple" });
    await expect(retriever.retrieve("q", { alpha: 0.5 })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });
});

const colours = ["red", "green", "blue", "black", "white"];
const filterOf = (colour: string): MetadataFilters => ({
  filters: [{ key: "colour", operator: "==", value: colour }],
});

async function painted(): Promise<HybridVectorStore> {
  const vectorStore = fakeVectorStore(new MemoryStore());
  await vectorStore.add(
    Array.from(
      { length: 100 },
      (_, place) =>
        new TextNode({
          id_: `n${String(place).padStart(2, "0")}`,
          text: `house number ${place} ${colours[place % 5]}`,
          metadata: { colour: colours[place % 5], number: place },
        }),
    ),
  );
  return vectorStore;
}

describe("HybridRetriever over stores and indexes", () => {
  let vectorStore: HybridVectorStore;

  beforeEach(async () => {
    vectorStore = await painted();
    Settings.embedModel = fakeEmbeddings().embedModel;
    Settings.llm = new MockLLM({ responseMessage: "It is number 7.", timeBetweenToken: 0 });
  });

  it("lets filters through to stores, to retrievers of indexes, and to any other", async () => {
    const index = await VectorStoreIndex.fromVectorStore(vectorStore);
    const [list] = lists(Object.fromEntries(colours.map((colour) => [colour, 1])));
    for (const [place, { node }] of list!.list.entries())
      node.metadata = { colour: colours[place], number: place };
    const ofIndex = index.asRetriever({
      mode: VectorStoreQueryMode.SPARSE,
      similarityTopK: 100,
      filters: { filters: [{ key: "number", operator: "<", value: 50 }] },
    });
    const ofStore = vectorStore.asRetriever({
      mode: "default",
      similarityTopK: 100,
      filters: {
        filters: [
          { key: "number", operator: "<", value: 10 },
          { key: "number", operator: ">=", value: 90 },
        ],
        condition: "or",
      },
    });
    const numbers = async (child: BaseRetriever, filters?: MetadataFilters) =>
      (
        await new HybridRetriever({ retrievers: [child], similarityTopK: 100 }).retrieve("house", {
          ...(filters === undefined ? {} : { filters }),
        })
      )
        .map(({ node }) => node.metadata.number as number)
        .sort((a, b) => a - b);
    expect(await numbers(list!, filterOf("red"))).toEqual([0]);
    expect(await numbers(ofIndex, filterOf("red"))).toEqual([0, 5, 10, 15, 20, 25, 30, 35, 40, 45]);
    expect(await numbers(ofStore, filterOf("red"))).toEqual([0, 5, 90, 95]);
    // Nothing of a call stays.
    expect((await numbers(ofIndex)).length).toBe(50);
    expect((await numbers(ofStore)).length).toBe(20);
  });

  it("gives alpha to retrievers of mode hybrid, of the store or of an index, else to two retrievers", async () => {
    const index = await VectorStoreIndex.fromVectorStore(vectorStore);
    const top = { similarityTopK: 20 };
    const ids = (found: NodeWithScore[]) => found.map(({ node }) => node.id_);
    const direct = async (alpha: number) =>
      (
        await vectorStore.query({
          queryStr: "house 7 blue",
          mode: VectorStoreQueryMode.HYBRID,
          alpha,
          ...top,
        })
      ).ids;
    const children = [
      [vectorStore.asRetriever({ mode: "hybrid", ...top })],
      [index.asRetriever({ mode: VectorStoreQueryMode.HYBRID, customParams: { alpha: 0.9 }, ...top })],
    ];
    const orders = new Set<string>();
    for (const alpha of [0, 0.5, 1]) {
      const expected = await direct(alpha);
      orders.add(expected.join());
      for (const retrievers of children) {
        const retriever = new HybridRetriever({ retrievers, mode: "simple", ...top });
        expect(ids(await retriever.retrieve("house 7 blue", { alpha }))).toEqual(expected);
      }
    }
    expect(orders.size).toBe(3);
    const two = new HybridRetriever({
      retrievers: [
        vectorStore.asRetriever({ mode: "default", similarityTopK: 100 }),
        vectorStore.asRetriever({ mode: "sparse", similarityTopK: 100 }),
      ],
      ...top,
    });
    for (const alpha of [0, 0.5, 1]) {
      expect(ids(await two.retrieve("house 7 blue", { alpha }))).toEqual(await direct(alpha));
    }
  });

  it("sends each event once a retrieval", async () => {
    const index = await VectorStoreIndex.fromVectorStore(vectorStore);
    const retriever = new HybridRetriever({
      retrievers: [
        vectorStore.asRetriever(),
        index.asRetriever(),
        new HybridRetriever({ retrievers: [vectorStore.asRetriever()] }),
      ],
    });
    const events: [string, number][] = [];
    const start = ({ detail }: { detail: object }) => events.push(["start", Object.keys(detail).length]);
    const end = ({ detail }: { detail: { nodes: unknown[] } }) => events.push(["end", detail.nodes.length]);
    Settings.callbackManager.on("retrieve-start", start);
    Settings.callbackManager.on("retrieve-end", end);
    try {
      await retriever.retrieve("house", { filters: filterOf("red") });
      await new Promise(setImmediate);
      expect(events).toEqual([
        ["start", 2],
        ["end", 2],
      ]);
      await new RetrieverQueryEngine(retriever).retrieve("house");
      await new Promise(setImmediate);
      expect(events.length).toBe(4);
    } finally {
      Settings.callbackManager.off("retrieve-start", start);
      Settings.callbackManager.off("retrieve-end", end);
    }
  });

  it("keeps 50 retrievals with different options apart", async () => {
    const index = await VectorStoreIndex.fromVectorStore(vectorStore);
    const retriever = new HybridRetriever({
      retrievers: [
        vectorStore.asRetriever({ mode: "default", similarityTopK: 100 }),
        index.asRetriever({ mode: VectorStoreQueryMode.SPARSE, similarityTopK: 100 }),
      ],
    });
    const call = (place: number) =>
      retriever.retrieve(`house number ${place}`, {
        filters: filterOf(colours[place % 5]!),
        alpha: (place % 7) / 6,
        similarityTopK: 1 + (place % 9),
        ...(place % 10 === 3 ? { signal: AbortSignal.abort() } : {}),
      });
    const plain = (result: PromiseSettledResult<NodeWithScore[]>) =>
      result.status === "rejected"
        ? result.reason.code
        : result.value.map(({ node, score }) => [node.id_, node.metadata.colour, score]);
    const together = await Promise.allSettled(Array.from({ length: 50 }, (_, place) => call(place)));
    for (const [place, result] of together.entries()) {
      const [alone] = await Promise.allSettled([call(place)]);
      expect(plain(result)).toEqual(plain(alone!));
      if (place % 10 === 3) expect(plain(result)).toBe("ABORTED");
      else expect(plain(result).length).toBe(1 + (place % 9));
    }
  });

  it("answers in query engines, as a tool and in chats", async () => {
    const index = await VectorStoreIndex.fromVectorStore(vectorStore);
    const retriever = new HybridRetriever({ retrievers: [vectorStore.asRetriever({ similarityTopK: 50 })] });
    const best = (await retriever.retrieve("house number 7")).map(({ node }) => node.id_);
    const sources = (nodes: NodeWithScore[] | undefined) => nodes?.map(({ node }) => node.id_);

    const engine = new RetrieverQueryEngine(retriever);
    const answer = await engine.query({ query: "house number 7" });
    expect(answer.message.content).toBe("It is number 7.");
    expect(sources(answer.sourceNodes)).toEqual(best);

    const tool = index.asQueryTool({ retriever, metadata: { name: "houses", description: "Finds houses." } });
    expect(await tool.call({ query: "house number 7" })).toMatchObject({ content: "It is number 7." });

    const chat = index.asChatEngine({ retriever });
    const reply = await chat.chat({ message: "house number 7" });
    expect(reply.message.content).toBe("It is number 7.");
    expect(sources(reply.sourceNodes)).toEqual(best);
  });
});

describe("VectorStoreRetriever", () => {
  it("needs no index and no settings, and gives what was stored last", async () => {
    const vectorStore = await painted();
    const retriever = vectorStore.asRetriever({ similarityTopK: 1 });
    expect(retriever.mode).toBe("hybrid");
    expect((await retriever.retrieve("number 7"))[0]!.node.id_).toBe("n07");
    await vectorStore.add([new TextNode({ id_: "n07", text: "house number 7 pink" })]);
    const [found] = await retriever.retrieve("number 7 pink");
    expect(found!.node.getContent(MetadataMode.NONE)).toBe("house number 7 pink");
  });

  it("lets the options of a call go before its own", async () => {
    const vectorStore = await painted();
    const retriever = vectorStore.asRetriever({ mode: "hybrid", alpha: 0, similarityTopK: 3 });
    const direct = await vectorStore.query({
      queryStr: "house blue",
      mode: VectorStoreQueryMode.HYBRID,
      alpha: 1,
      similarityTopK: 5,
    });
    const found = await retriever.retrieve("house blue", { alpha: 1, similarityTopK: 5 });
    expect(found.map(({ node, score }) => [node.id_, score])).toEqual(
      direct.ids.map((id, place) => [id, direct.similarities[place]]),
    );
    await expect(retriever.retrieve("house", { topK: 1 } as never)).rejects.toMatchObject({
      code: "UNKNOWN_OPTION",
    });
    await expect(retriever.retrieve("house", { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: "ABORTED",
    });
  });
});
