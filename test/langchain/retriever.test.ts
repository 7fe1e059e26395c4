import { readFileSync } from "node:fs";
import { Document, type DocumentInterface } from "@langchain/core/documents";
import { BaseRetriever } from "@langchain/core/retrievers";
import { BaseDocumentCompressor } from "@langchain/core/retrievers/document_compressors";
import type { RunnableConfig } from "@langchain/core/runnables";
import { RunnableLambda } from "@langchain/core/runnables";
import { HybridRetriever as CoreHybridRetriever, MemoryStore, rrf } from "@sparse-encoder/core";
import { FakeDenseEmbedder, FakeSparseEncoder } from "@sparse-encoder/core/testing";
import {
  createRetrieverTool,
  DenseEmbeddings,
  type DocumentScores,
  HybridRetriever,
  type HybridRetrieverArm,
  type HybridRetrieverInput,
  SparseEmbeddings,
} from "@sparse-encoder/langchain";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { refused } from "./vector-store-cases.ts";

const encoder = new FakeSparseEncoder();
const denseEncoder = new FakeDenseEmbedder({ dimension: 64 });
const sparse = new SparseEmbeddings({ encoder });
const dense = new DenseEmbeddings({ encoder: denseEncoder });
const store = new MemoryStore();
const arms = { sparse: { embeddings: sparse, store }, dense: { embeddings: dense, store } };

/** Document n holds the word `word<n>` and `red`. */
const count = 60;
beforeAll(async () => {
  const core = new CoreHybridRetriever({
    arms: { sparse: { encoder, store }, dense: { encoder: denseEncoder, store } },
  });
  await core.add(
    Array.from({ length: count }, (_, n) => ({
      id: `${n}`,
      text: `red word${n}`,
      metadata: { n, even: n % 2 === 0 },
    })),
  );
});

const ids = (documents: readonly DocumentInterface[]) => documents.map(({ id }) => id);
const make = (input: Partial<HybridRetrieverInput> = {}) =>
  new HybridRetriever({ arms, k: 3, ...input } as HybridRetrieverInput);

/** A LangChain retriever that gives a list, whatever is asked. */
class ListRetriever extends BaseRetriever {
  override lc_namespace = ["test"];
  readonly configs: (Partial<RunnableConfig> | undefined)[] = [];
  private readonly list: DocumentInterface[];

  constructor(list: DocumentInterface[]) {
    super();
    this.list = list;
  }

  override invoke(query: string, config?: Partial<RunnableConfig>): Promise<DocumentInterface[]> {
    this.configs.push(config);
    return super.invoke(query, config);
  }

  override async _getRelevantDocuments(): Promise<DocumentInterface[]> {
    return this.list;
  }
}

const never = () => new Promise<never>(() => {});
const hanging = () => {
  const retriever = new ListRetriever([]);
  retriever._getRelevantDocuments = never;
  return retriever;
};
const failing = () => {
  const retriever = new ListRetriever([]);
  retriever._getRelevantDocuments = async () => {
    throw new Error("out of order");
  };
  return retriever;
};

describe("what LangChain's standard tests demand of a retriever", () => {
  it.each([3, 1])("gives k documents, k = %i in the constructor", async (k) => {
    const documents = await make({ k }).invoke("red word7");
    expect(documents).toHaveLength(k);
    for (const document of documents) expect(document).toBeInstanceOf(Document);
    expect(documents[0]).toMatchObject({
      id: "7",
      pageContent: "red word7",
      metadata: { n: 7, even: false },
    });
  });

  it.each([3, 1])("gives k documents, k = %i at the call", async (k) => {
    expect(await make().invoke("red", { configurable: { k } })).toHaveLength(k);
  });

  it("streams, pipes and binds as a runnable", async () => {
    const retriever = make();
    const chunks: unknown[] = [];
    for await (const chunk of await retriever.stream("word7")) chunks.push(chunk);
    expect(chunks).toEqual([await retriever.invoke("word7")]);
    const chain = retriever.pipe((documents: DocumentInterface[]) => documents.length);
    expect(await chain.invoke("red", { configurable: { k: 2 } })).toBe(2);
    const bound = retriever.withConfig({ configurable: { k: 1 } });
    expect(ids(await bound.invoke("word8"))).toEqual(["8"]);
    expect(await bound.batch(["word8", "word9"])).toHaveLength(2);
  });
});

describe("settings of one call", () => {
  it("weigh the arms, 0 and 1 included", async () => {
    const retriever = make({ scoreKey: "scores", alpha: 0 });
    const armsOf = async (configurable: Record<string, unknown>) => {
      const [document] = await retriever.invoke("red word7", { configurable });
      return Object.keys((document!.metadata.scores as DocumentScores).arms);
    };
    expect(await armsOf({})).toEqual(["sparse"]);
    expect(await armsOf({ alpha: 1 })).toEqual(["dense"]);
    expect(await armsOf({ alpha: 0 })).toEqual(["sparse"]);
    expect(await armsOf({ alpha: 0.5 })).toEqual(["dense", "sparse"]);
    expect(await armsOf({ weights: { sparse: 0, dense: 2 } })).toEqual(["dense"]);
    expect(await armsOf({ hybrid: { alpha: 1 } })).toEqual(["dense"]);
  });

  it("filter, fuse by name or function, limit arms and scores", async () => {
    const retriever = make({ filter: { even: true }, scoreKey: "scores" });
    const call = (configurable: Record<string, unknown>) => retriever.invoke("red word7", { configurable });
    const even = await call({ k: count });
    expect(even).toHaveLength(count / 2);
    expect(ids(await call({ filter: { n: { $lt: 3 } } })).sort()).toEqual(["0", "2"]);
    const [first] = await call({ fusion: "rrf" });
    expect((first!.metadata.scores as DocumentScores).fusedScore).toBeLessThanOrEqual(2 / 61);
    expect(await call({ fusion: () => [{ id: "4", score: 7 }] })).toMatchObject([
      { id: "4", metadata: { scores: { score: 7, fusedScore: 7 } } },
    ]);
    const few = await call({ hybrid: { k: 99, arms: { sparse: { k: 1 }, dense: { k: 1 } } } });
    expect(few.length).toBeLessThanOrEqual(2);
    expect(await call({ hybrid: { minScore: 1e9 } })).toEqual([]);
  });

  it("are refused if they are wrong, while names of others pass", async () => {
    const retriever = make();
    const call = (configurable: Record<string, unknown>) => retriever.invoke("red", { configurable });
    await refused(call({ k: 0 }), "INVALID_ARGUMENT", "k must be a whole number");
    await refused(call({ k: "3" }), "INVALID_ARGUMENT", "k must be a whole number");
    await refused(call({ alpha: 2 }), "INVALID_ARGUMENT", "alpha must be");
    await refused(call({ weights: { spars: 1 } }), "UNKNOWN_OPTION", "unknown option 'spars'");
    await refused(call({ fusion: "sum" }), "INVALID_ARGUMENT", "fusion must be a function or one of rrf");
    await refused(call({ filter: { must: [{ key: "n" }] } }), "INVALID_FILTER", "must");
    await refused(call({ filter: () => true }), "INVALID_ARGUMENT", "filter must be an object");
    await refused(
      call({ hybrid: { topK: 3 } }),
      "UNKNOWN_OPTION",
      "unknown option 'topK'. Did you mean k? Valid options: k",
    );
    await refused(call({ hybrid: 3 }), "INVALID_ARGUMENT", "configurable.hybrid");
    await refused(call({ alpha: 1, weights: {} }), "INVALID_ARGUMENT", "not both");
    expect(await call({ thread_id: "1", topK: 1 })).toHaveLength(3);
    await refused(retriever.invoke(5 as never), "INVALID_TEXT", "The query must be a string, received 5");
  });

  it("of 50 calls under way at once do not mix", async () => {
    const retriever = make();
    const calls = Array.from({ length: 50 }, async (_, n) => {
      const k = (n % 5) + 1;
      const controller = new AbortController();
      const stopped = n % 7 === 3;
      const call = retriever.invoke(`red word${n}`, {
        configurable: { k, filter: { even: n % 2 === 0 } },
        signal: controller.signal,
      });
      if (stopped) {
        controller.abort();
        await refused(call, "ABORTED", "aborted");
        return;
      }
      const documents = await call;
      expect(documents).toHaveLength(k);
      expect(documents[0]!.id).toBe(`${n}`);
      expect(documents.every(({ metadata }) => metadata.even === (n % 2 === 0))).toBe(true);
    });
    await Promise.all(calls);
  });
});

describe("signal and timeout", () => {
  const retriever = () => make({ arms: { ...arms, slow: { retriever: hanging() } } as never });

  it("end a direct invoke: aborted before, aborted during, too late", async () => {
    const before = await refused(
      retriever().invoke("red", { signal: AbortSignal.abort(new Error("mine")) }),
      "ABORTED",
      "aborted",
    );
    expect([before.name, (before.cause as Error).message]).toEqual(["AbortError", "mine"]);
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 5);
    await refused(retriever().invoke("red", { signal: controller.signal }), "ABORTED", "aborted");
    await refused(retriever().invoke("red", { timeout: 5 }), "TIMEOUT", "longer than its 5 ms");
    await refused(
      make({ arms: { ...arms, slow: { retriever: hanging(), timeout: 5 } } as never }).invoke("red"),
      "ARM_FAILED",
      "The arm slow failed: The arm slow took longer than its 5 ms",
    );
  });

  it("end a call within a chain, and each call of a batch by itself", async () => {
    const chain = retriever().pipe((documents: DocumentInterface[]) => documents);
    await expect(chain.invoke("red", { timeout: 5 })).rejects.toThrow();
    const outcomes = await retriever().batch(
      ["red", "word1", "word2"],
      [
        { timeout: 5 },
        { signal: AbortSignal.abort() },
        { configurable: { hybrid: { weights: { slow: 0 } } } },
      ],
      { returnExceptions: true },
    );
    expect(outcomes[0]).toMatchObject({ code: "TIMEOUT" });
    expect(outcomes[1]).toMatchObject({ code: "ABORTED" });
    expect(ids(outcomes[2] as Document[])[0]).toBe("2");
  });

  it("reach an encoder and the retrievers of the arms, and leave no hanging compressor", async () => {
    const list = new ListRetriever([]);
    await make({ arms: { list: { retriever: list } } as never }).invoke("red", { timeout: 1000 });
    expect(list.configs[0]!.signal).toBeInstanceOf(AbortSignal);
    class Hanging extends BaseDocumentCompressor {
      compressDocuments = never;
    }
    await refused(make({ compressor: new Hanging() }).invoke("red", { timeout: 5 }), "TIMEOUT", "compressor");
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 5);
    const call = make({ compressor: new Hanging() }).invoke("red", { signal: controller.signal });
    await refused(call, "ABORTED", "aborted");
  });
});

describe("batch", () => {
  it("encodes all queries at once, whatever their settings, and gives what invoke gives", async () => {
    const [queries, denseQueries] = [vi.spyOn(encoder, "encodeQuery"), vi.spyOn(denseEncoder, "encodeQuery")];
    const retriever = make();
    const words = Array.from({ length: 20 }, (_, n) => `red word${n}`);
    const configs = words.map((_, n) => ({ configurable: { k: (n % 3) + 1 } }));
    const documents = await retriever.batch(words, configs);
    expect([queries.mock.calls.length, denseQueries.mock.calls.length]).toEqual([1, 1]);
    expect(queries.mock.calls[0]![0]).toEqual(words);
    const single = await Promise.all(words.map((word, n) => retriever.invoke(word, configs[n])));
    expect(documents).toEqual(single);
    await retriever.batch(words, { configurable: { k: 1 } }, { maxConcurrency: 2 });
    await retriever.batch(words, { maxConcurrency: Number.POSITIVE_INFINITY });
    expect(queries.mock.calls.length).toBe(1 + 20 + 2);
    expect(await retriever.batch([])).toEqual([]);
    queries.mockRestore();
    denseQueries.mockRestore();
  });

  it("fails by the first failure, or gives failures in their place", async () => {
    const configs = [{ configurable: { k: 1 } }, { configurable: { k: 0 } }];
    await refused(make().batch(["red", "red"], configs), "INVALID_ARGUMENT", "k must be");
    const outcomes = await make().batch(["word1", "red"], configs, { returnExceptions: true });
    expect(ids(outcomes[0] as Document[])).toEqual(["1"]);
    expect(outcomes[1]).toMatchObject({ code: "INVALID_ARGUMENT" });
    await expect(make().batch(["a", "b"], [{}])).rejects.toThrow("same length");
    await refused(make().batch(["a", "b"], { maxConcurrency: 0 }), "INVALID_ARGUMENT", "parallel must be");
    const wrong = await make().batch(["word1", 5 as never], {}, { returnExceptions: true });
    expect(wrong[1]).toMatchObject({ code: "INVALID_TEXT" });
    expect(wrong[0]).toHaveLength(3);
  });
});

describe("arms over LangChain retrievers", () => {
  const a = new Document({ pageContent: "a", metadata: { key: "A", at: new Date(0) } });
  const b = new Document({ pageContent: "b", metadata: { key: "B" } });
  const named = new Document({ pageContent: "a", metadata: { key: "C" }, id: "named" });
  const over = (lists: Record<string, DocumentInterface[]>, further: object = {}) =>
    new HybridRetriever({
      arms: Object.fromEntries(
        Object.entries(lists).map(([name, list]) => [name, { retriever: new ListRetriever(list) }]),
      ),
      fusion: "rrf",
      ...further,
    });

  it("fuse by id, else by text, and give documents back as they were", async () => {
    const documents = await over({ one: [a, b, named], two: [b] }).invoke("q");
    expect(documents.map(({ pageContent, id }) => [pageContent, id])).toEqual([
      ["b", undefined],
      ["a", undefined],
      ["a", "named"],
    ]);
    expect(documents[1]!.metadata).toEqual({ key: "A", at: new Date(0) });
    expect(documents[1]!.metadata).not.toBe(a.metadata);
    expect("id" in documents[0]! && documents[0].id !== undefined).toBe(false);
  });

  it("fuse by a metadata key or a function", async () => {
    const copy = new Document({ pageContent: "other text", metadata: { key: "A" } });
    expect(await over({ one: [a, b], two: [copy] }, { idKey: "key" }).invoke("q")).toHaveLength(2);
    const byFirst = (document: DocumentInterface) => document.pageContent[0]!;
    expect(await over({ one: [a, b], two: [named] }, { idKey: byFirst }).invoke("q")).toHaveLength(2);
    await refused(
      over({ one: [a] }, { idKey: "none" }).invoke("q"),
      "ARM_FAILED",
      /arm one .*metadata.none is undefined/,
    );
  });

  it("meet documents of a store by their ids", async () => {
    const list = new ListRetriever([new Document({ pageContent: "red word7", id: "7" })]);
    const documents = await make({
      arms: { ...arms, list: { retriever: list } },
      scoreKey: "s",
    } as never).invoke("red word7");
    expect(documents.filter(({ id }) => id === "7")).toHaveLength(1);
    expect(Object.keys((documents[0]!.metadata.s as DocumentScores).arms)).toEqual([
      "dense",
      "list",
      "sparse",
    ]);
  });

  it("leave the id to the store where a store knows the document too", async () => {
    const list = new ListRetriever([new Document({ pageContent: "other", metadata: { key: 7 } })]);
    const documents = await make({
      arms: { ...arms, list: { retriever: list } },
      idKey: "key",
    } as never).invoke("red word7");
    expect(documents[0]).toMatchObject({ id: "7", pageContent: "red word7" });
  });

  it("take scores from metadata or a function, limits, and filters", async () => {
    const scored = [5, 3, 1].map((score) => new Document({ pageContent: `${score}`, metadata: { score } }));
    const arm = (further: object): Record<string, HybridRetrieverArm> => ({
      list: { retriever: new ListRetriever(scored), ...further },
    });
    const run = async (further: object, configurable = {}) => {
      const retriever = new HybridRetriever({ arms: arm(further), fusion: "max", scoreKey: "s" });
      const documents = await retriever.invoke("q", { configurable });
      return documents.map(({ metadata }) => (metadata.s as DocumentScores).score);
    };
    expect(await run({ score: "score" })).toEqual([5, 3, 1]);
    expect(await run({ score: ({ metadata }: DocumentInterface) => metadata.score * 2 })).toEqual([10, 6, 2]);
    expect(await run({})).toEqual([1, 1 / 2, 1 / 3]);
    expect(await run({ score: "score", minScore: 2 })).toEqual([5, 3]);
    expect(await run({ score: "score", k: 1 })).toEqual([5]);
    expect(await run({ score: "score", filter: { score: { $lt: 5 } } })).toEqual([3, 1]);
    expect(await run({ score: "score" }, { filter: { score: 1 } })).toEqual([1]);
    await refused(run({ score: "none" }), "ARM_FAILED", "must be a number, received undefined");
  });

  it("are given what belongs to others in the config, not what is ours", async () => {
    const list = new ListRetriever([a]);
    const retriever = new HybridRetriever({ arms: { list: { retriever: list } } });
    await retriever.invoke("q", {
      configurable: { k: 1, alpha: undefined, thread_id: "1", hybrid: { minScore: 0 } },
      tags: ["mine"],
      metadata: { user: "u" },
    });
    expect(list.configs[0]).toMatchObject({ configurable: { thread_id: "1" }, runName: "list" });
    expect(Object.keys(list.configs[0]!.configurable!)).toEqual(["thread_id"]);
  });

  it("fail the call by name, or leave it to the others", async () => {
    const broken = { ...arms, broken: { retriever: failing() } };
    const error = await refused(
      make({ arms: broken }).invoke("red"),
      "ARM_FAILED",
      "The arm broken failed: out of order",
    );
    expect((error.cause as Error).message).toBe("out of order");
    const onEvent = vi.fn();
    const documents = await make({ arms: broken, onArmError: "degrade", onEvent }).invoke("red word7");
    expect(documents[0]!.id).toBe("7");
    expect(onEvent).toHaveBeenCalledWith(
      expect.objectContaining({ type: "retrieve", failedArms: ["broken"] }),
    );
    expect(onEvent.mock.calls.filter(([{ type }]) => type === "retrieve")).toHaveLength(1);
    const late = { ...arms, late: { retriever: hanging(), timeout: 5 } };
    expect((await make({ arms: late, onArmError: "degrade" }).invoke("red word7"))[0]!.id).toBe("7");
    const all = make({ arms: { broken: broken.broken }, onArmError: "degrade" } as never);
    await refused(all.invoke("red"), "ARM_FAILED", "All arms failed");
  });
});

describe("a compressor", () => {
  class Reverse extends BaseDocumentCompressor {
    readonly given: number[] = [];
    async compressDocuments(documents: DocumentInterface[], query: string) {
      this.given.push(documents.length);
      for (const document of documents) document.metadata.seen = query;
      return documents.toReversed();
    }
  }

  it("is given fetchK copies, and its result is cut to k", async () => {
    const compressor = new Reverse();
    const plain = await make({ k: 5 }).invoke("red word7");
    const documents = await make({ k: 2, fetchK: 5, compressor }).invoke("red word7");
    expect(ids(documents)).toEqual(ids(plain).reverse().slice(0, 2));
    expect(documents[0]!.metadata.seen).toBe("red word7");
    expect((await make().invoke("red word7"))[0]!.metadata).not.toHaveProperty("seen");
    await make({ k: 2, compressor }).invoke("red");
    await make({ k: 2, fetchK: 5, compressor }).invoke("red", { configurable: { k: 4 } });
    expect(compressor.given).toEqual([5, 2, 5]);
  });
});

describe("a hybrid retriever over one of core", () => {
  it("keeps its settings where no others are given, and its listener", async () => {
    const onEvent = vi.fn();
    const core = new CoreHybridRetriever({
      arms: { sparse: { encoder, store }, dense: { encoder: denseEncoder, store } },
      k: 2,
      alpha: 0,
      onEvent,
    });
    const retriever = new HybridRetriever({ retriever: core, scoreKey: "s" });
    const documents = await retriever.invoke("red word7");
    expect(
      documents.map(({ id, metadata: { s, ...metadata } }) => ({ id, metadata, score: s.score })),
    ).toEqual((await core.retrieve("red word7")).map(({ id, metadata, score }) => ({ id, metadata, score })));
    expect(documents).toHaveLength(2);
    expect(onEvent.mock.calls.filter(([{ type }]) => type === "retrieve")).toHaveLength(2);
    expect(await new HybridRetriever({ retriever: core, k: 5 }).invoke("red")).toHaveLength(5);
    const weighted = new HybridRetriever({ retriever: core, alpha: 0.5, scoreKey: "s" });
    const [document] = await weighted.invoke("red word7", { configurable: { weights: { dense: 0 } } });
    expect(Object.keys(document!.metadata.s.arms)).toEqual(["sparse"]);
  });
});

describe("the options of a hybrid retriever", () => {
  it("are checked by name and value", async () => {
    const check = (input: unknown, message: string) =>
      expect(() => new HybridRetriever(input as never)).toThrow(message);
    check(undefined, "give arms, or a retriever");
    check({}, "give arms, or a retriever");
    check({ arms, topK: 3 }, "unknown option 'topK'");
    check({ arms: {} }, "arms must map at least one name");
    check({ arms: 3 }, "arms must map names to arms, received 3");
    check({ arms: { a: { embeddings: null, store } } }, "The arm a needs embeddings");
    check({ arms: { a: { embeddings: sparse } } }, "The arm a needs a store");
    check({ arms: { a: { retriever: {} } } }, "retriever must have invoke");
    check({ arms: { a: { retriever: failing(), topK: 1 } } }, "The arm a: unknown option 'topK'");
    check({ retriever: failing() }, "a LangChain retriever can be an arm");
    check({ arms, alpha: -1 }, "alpha must be a number");
    check({ arms, weights: { other: 1 } }, "unknown option 'other'");
    check({ arms, k: 0 }, "k must be");
    check({ arms, scoreKey: "" }, "scoreKey must be a name");
    check({ arms, fetchK: 4 }, "give a compressor too");
    check({ arms, compressor: {} }, "compressor must have compressDocuments");
    check({ arms, onEvent: 3 }, "onEvent must be a function");
  });

  it("close nothing, and tell by name what is closed", async () => {
    const own = new FakeSparseEncoder();
    const retriever = new HybridRetriever({
      arms: { sparse: { embeddings: new SparseEmbeddings({ encoder: own }), store } },
    });
    await retriever.invoke("red");
    await own.close();
    const error = await refused(retriever.invoke("red"), "ARM_FAILED", /^The arm sparse failed: .*closed/);
    expect(error.cause).toMatchObject({ code: "CLOSED" });
  });
});

describe("tools", () => {
  it("give an agent texts, and the documents as the artifact", async () => {
    const tool = createRetrieverTool(make({ scoreKey: "scores" }), {
      name: "search",
      description: "Searches words",
      format: ({ pageContent, metadata }) => `${metadata.n}: ${pageContent}`,
      separator: "\n",
    });
    expect(tool).toMatchObject({ name: "search", description: "Searches words" });
    const call = { id: "call-1", name: "search", type: "tool_call" as const, args: { query: "red word7" } };
    const message = await tool.invoke(call, { configurable: { k: 2 } });
    expect(message.tool_call_id).toBe("call-1");
    expect(message.content).toMatch(/^7: red word7\n\d+: red word\d+$/);
    expect(message.artifact).toHaveLength(2);
    expect(message.artifact[0]).toMatchObject({
      id: "7",
      metadata: { scores: { arms: { sparse: { rank: 1 } } } },
    });
    expect(await tool.invoke({ query: "red word7" })).toContain("7: red word7");
    await expect(tool.invoke({ question: "x" } as never)).rejects.toThrow();
  });
});

describe("parity with EnsembleRetriever", () => {
  interface Sample {
    weights: number[];
    c: number;
    lists: string[][];
    ranking: string[];
  }
  const samples = JSON.parse(
    readFileSync(new URL("../fixtures/langchain/ensemble.json", import.meta.url), "utf8"),
  ) as {
    runs: Sample[];
    differences: Record<"c0" | "duplicate" | "sameText", Sample & { ids?: string[][] }>;
  };

  const rank = async ({ weights, c, lists, ids: given }: Sample & { ids?: string[][] }, idKey?: string) => {
    const retrievers = lists.map(
      (list, arm) =>
        new ListRetriever(
          list.map((pageContent, position) => {
            const id = given?.[arm]?.[position];
            return new Document({ pageContent, metadata: {}, ...(id === undefined ? {} : { id }) });
          }),
        ),
    );
    const retriever = new HybridRetriever({
      arms: Object.fromEntries(retrievers.map((one, arm) => [`${arm}`, { retriever: one }])),
      weights: Object.fromEntries(weights.map((weight, arm) => [`${arm}`, weight])),
      fusion: rrf({ k: c }),
      k: 1000,
      ...(idKey === undefined ? {} : { idKey }),
    });
    return (await retriever.invoke("q")).map(({ pageContent }) => pageContent);
  };

  it("ranks 200 random runs alike", async () => {
    expect(samples.runs).toHaveLength(200);
    for (const sample of samples.runs) expect(await rank(sample)).toEqual(sample.ranking);
  });

  it("takes c: 0 as it is, where EnsembleRetriever takes 60", async () => {
    const sample = samples.differences.c0;
    expect(await rank({ ...sample, c: 60 })).toEqual(sample.ranking);
    expect(await rank(sample)).not.toEqual(sample.ranking);
    // 0.6 / 1 for "a", first in one list; 0.4 / 2 + 0.6 / 3 = 0.4 for "b".
    expect((await rank(sample))[0]).toBe("a");
  });

  it("counts a duplicate in one arm once, where EnsembleRetriever counts it twice", async () => {
    const sample = samples.differences.duplicate;
    expect(sample.ranking[0]).toBe("twice");
    expect((await rank(sample))[0]).toBe("once");
  });

  it("keeps documents of one text and two ids apart, where EnsembleRetriever makes one of them", async () => {
    const sample = samples.differences.sameText;
    expect(sample.ranking).toEqual(["same", "other"]);
    expect(await rank(sample)).toEqual(["same", "same", "other"]);
  });
});

it("works within a lambda of a chain, whose config it takes up", async () => {
  const retriever = make();
  const chain = RunnableLambda.from(async (query: string, config) => retriever.invoke(query, config));
  expect(await chain.invoke("red", { configurable: { k: 2 } })).toHaveLength(2);
});
