import { describe, expect, it, vi } from "vitest";
import { FakeStore } from "../../../../test/fakes/fake-store.ts";
import { Bm25Encoder } from "../encoder/index.ts";
import { SparseEncoderError, type SparseEncoderErrorCode } from "../errors.ts";
import { DenseMatrix, SparseMatrix, SparseVector } from "../vector/index.ts";
import type { ArmEncoder } from "./arms/text-embedder.ts";
import { rrf } from "./fusion.ts";
import { HybridRetriever } from "./hybrid-retriever.ts";
import type { Fusion } from "./rankings.ts";
import type { RetrievalEvent } from "./retrieval-event.ts";

const letters = ["a", "b", "c", "d"];

/** A fake encoder: one dim for each of the letters a to d, weighing its occurrences; queries weigh twice. */
function letterEncoder() {
  const vectorOf = (text: string, weight: number) =>
    SparseVector.fromDense(letters.map((letter) => weight * (text.split(letter).length - 1)));
  const encode = (weight: number) => async (texts: readonly string[]) =>
    SparseMatrix.fromRows(
      texts.map((text) => vectorOf(text, weight)),
      4,
    );
  return {
    encodeQuery: vi.fn(encode(2)),
    encodeDocument: vi.fn(encode(1)),
    tokenOf: (index: number) => letters[index]!,
  } satisfies ArmEncoder;
}

/** A fake embedding: the lengths of the text's words, at most two. */
const embedLengths = async (texts: readonly string[]) =>
  texts.map((text) => [text.split(" ")[0]!.length, text.split(" ")[1]?.length ?? 0]);

const documents = [
  { id: "1", text: "aab bb", metadata: { even: false } },
  { id: "2", text: "abc", metadata: { even: true } },
  { id: "3", text: "c ddddd", metadata: { even: false } },
  { id: "4", text: "dd", metadata: { even: true } },
];

async function filled() {
  const encoder = letterEncoder();
  const store = new FakeStore();
  const embed = vi.fn(embedLengths);
  const retriever = new HybridRetriever({
    arms: { sparse: { encoder, store }, dense: { embed, store } },
    fusion: rrf(),
  });
  await retriever.add(documents);
  store.calls.length = 0;
  return { encoder, store, embed, retriever };
}

async function failure(promise: Promise<unknown>): Promise<SparseEncoderError> {
  const error = await promise.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  if (!SparseEncoderError.is(error)) throw new Error(`expected a SparseEncoderError, got ${String(error)}`);
  return error;
}

async function refused(promise: Promise<unknown>, code: SparseEncoderErrorCode, message: string | RegExp) {
  const error = await failure(promise);
  expect(error.code, error.message).toBe(code);
  expect(error.message).toMatch(message);
}

const ids = (hits: readonly { id: string }[]) => hits.map(({ id }) => id);
const never = () => new Promise<never>(() => {});

describe("retrieve", () => {
  it("fuses the arms by id, with rank and score of each", async () => {
    const { retriever } = await filled();
    // Sparse, "ab" x 2: document 1 has a a b b b: 2 * 2 + 2 * 3 = 10; 2: 2 + 2 = 4.
    // Dense, (2, 0): document 1 (3, 2) 6, 2 (3, 0) 6, 3 (1, 5) 2, 4 (2, 0) 4.
    const hits = await retriever.retrieve("ab");
    expect(hits).toEqual([
      {
        id: "1",
        text: "aab bb",
        metadata: { even: false },
        score: 1 / 61 + 1 / 61,
        fusedScore: 1 / 61 + 1 / 61,
        arms: { dense: { rank: 1, score: 6 }, sparse: { rank: 1, score: 10 } },
      },
      expect.objectContaining({
        id: "2",
        score: 1 / 62 + 1 / 62,
        arms: { dense: { rank: 2, score: 6 }, sparse: { rank: 2, score: 4 } },
      }),
      expect.objectContaining({ id: "4", score: 1 / 63, arms: { dense: { rank: 3, score: 4 } } }),
      expect.objectContaining({ id: "3", score: 1 / 64 }),
    ]);
    expect(hits.failures).toEqual([]);
  });

  it("cuts to k, and asks each arm for 100 or for its own k", async () => {
    const { store, encoder } = await filled();
    const asked: (number | undefined)[] = [];
    const search = store.searchSparse.bind(store);
    store.searchSparse = (name, query, options) => {
      asked.push(options?.k);
      return search(name, query, options);
    };
    const retriever = new HybridRetriever({ arms: { sparse: { encoder, store } }, k: 2 });
    expect(ids(await retriever.retrieve("abcd"))).toEqual(["3", "1"]);
    expect(ids(await retriever.retrieve("abcd", { k: 1000 }))).toHaveLength(4);
    expect(ids(await retriever.retrieve("abcd", { arms: { sparse: { k: 1 } } }))).toEqual(["3"]);
    expect(asked).toEqual([100, 1000, 1]);
    await refused(retriever.retrieve("a", { k: 0 }), "INVALID_ARGUMENT", "k must be a whole number");
  });

  it("applies filters of arm and call together", async () => {
    const { store, encoder, retriever } = await filled();
    expect(ids(await retriever.retrieve("abcd", { filter: { even: true } }))).toEqual(["2", "4"]);
    const narrow = new HybridRetriever({ arms: { sparse: { encoder, store, filter: { even: true } } } });
    expect(ids(await narrow.retrieve("abcd"))).toEqual(["2", "4"]);
    expect(await narrow.retrieve("abcd", { filter: { even: false } })).toEqual([]);
  });

  it("drops hits under the score floor of an arm", async () => {
    const { retriever } = await filled();
    const hits = await retriever.retrieve("ab", {
      arms: { dense: { minScore: 6 }, sparse: { minScore: 4.5 } },
    });
    expect(hits.map(({ id, arms }) => [id, Object.keys(arms)])).toEqual([
      ["1", ["dense", "sparse"]],
      ["2", ["dense"]],
    ]);
  });

  it("weighs arms by call, by arm and by fusion function, in this order", async () => {
    const { store, encoder } = await filled();
    const weighed: unknown[] = [];
    const fusion: Fusion = (rankings, weights) => {
      weighed.push(weights);
      return rrf()(rankings, weights);
    };
    const retriever = new HybridRetriever({
      arms: { sparse: { encoder, store, weight: 3 }, dense: { embed: embedLengths, store } },
      fusion,
    });
    await retriever.retrieve("ab");
    await retriever.retrieve("ab", { weights: { dense: 0.5, sparse: 2 } });
    await retriever.retrieve("ab", { weights: { sparse: 2 }, arms: { sparse: { weight: 7 } } });
    expect(weighed).toEqual([{ sparse: 3 }, { sparse: 2, dense: 0.5 }, { sparse: 7 }]);
  });

  it("does not ask an arm of weight 0", async () => {
    const { retriever, embed, encoder } = await filled();
    const hits = await retriever.retrieve("ab", { weights: { dense: 0 } });
    expect(embed).toHaveBeenCalledTimes(1); // the documents
    expect(hits.map(({ arms }) => Object.keys(arms))).toEqual([["sparse"], ["sparse"]]);
    encoder.encodeQuery.mockClear();
    await refused(
      retriever.retrieve("ab", { weights: { dense: 0, sparse: 0 } }),
      "INVALID_ARGUMENT",
      "all arms have weight 0",
    );
    for (const weight of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
      await refused(
        retriever.retrieve("ab", { weights: { dense: weight } }),
        "INVALID_ARGUMENT",
        "weight of dense",
      );
    }
    expect(encoder.encodeQuery).not.toHaveBeenCalled();
  });

  it("does not depend on the order of the arms", async () => {
    const { store, encoder } = await filled();
    const sparse = { encoder, store };
    const dense = { embed: embedLengths, store };
    const keyword = { retrieve: async (queries: string[]) => queries.map(() => [{ id: "4", score: 1 }]) };
    const one = new HybridRetriever({ arms: { sparse, dense, keyword } });
    const other = new HybridRetriever({ arms: { keyword, dense, sparse } });
    expect(await one.retrieve("abd")).toEqual(await other.retrieve("abd"));
  });

  it("finds nothing for an empty query vector, without asking the store", async () => {
    const { store, encoder } = await filled();
    const retriever = new HybridRetriever({
      arms: { sparse: { encoder, store }, dense: { embed: async (texts) => texts.map(() => [0, 0]), store } },
    });
    expect(await retriever.retrieve("xyz")).toEqual([]);
    expect(store.calls).toEqual([]);
  });

  it("explains which terms matched and what each gave", async () => {
    const { retriever } = await filled();
    const [hit] = await retriever.retrieve("abd", { explain: true });
    expect(hit!.arms.sparse!.terms).toEqual([
      { index: 1, token: "b", queryWeight: 2, documentWeight: 3, contribution: 6 },
      { index: 0, token: "a", queryWeight: 2, documentWeight: 2, contribution: 4 },
    ]);
    expect(hit!.arms.sparse!.score).toBe(10);
    expect(hit!.arms.dense).not.toHaveProperty("terms");
  });

  it("works with Bm25Encoder and with embeddings as LangChain has them", async () => {
    const store = new FakeStore();
    const encoder = new Bm25Encoder();
    const embeddings = {
      embedQuery: vi.fn(async (text: string) => [text.length, 1]),
      embedDocuments: vi.fn(async (texts: string[]) => texts.map((text) => [text.length, 1])),
    };
    const retriever = new HybridRetriever({
      arms: { keyword: { encoder, store }, dense: { embed: embeddings, store, vector: "minilm" } },
    });
    const texts = ["a cat sat", "dogs and cats", "nothing at all"];
    await encoder.fit(texts);
    await retriever.add(texts.map((text, number) => ({ id: `${number}`, text })));
    expect(Object.keys(store.documents.get("0")!.vectors)).toEqual(
      ["dense", "keyword"].map((name) => (name === "dense" ? "minilm" : name)),
    );
    const results = await retriever.retrieveMany(["cats", "dogs"], { explain: true, weights: { dense: 0 } });
    expect(results.map((hits) => ids(hits))).toEqual([["0", "1"], ["1"]]);
    expect(results[1]![0]!.arms.keyword!.terms!.map(({ token }) => token)).toEqual(["dog"]);
    await retriever.retrieveMany(["cats", "dogs"]);
    expect(embeddings.embedQuery.mock.calls).toEqual([["cats"], ["dogs"]]);
    expect(embeddings.embedDocuments).toHaveBeenCalledTimes(1);
  });

  it("takes dense matrices of an encoder", async () => {
    const store = new FakeStore();
    const encode = async (texts: readonly string[]) =>
      new DenseMatrix(Float32Array.from(texts.flatMap((text) => [text.length, 1])), 2);
    const retriever = new HybridRetriever({
      arms: { dense: { encoder: { encodeQuery: encode, encodeDocument: encode }, store } },
    });
    await retriever.add([
      { id: "short", text: "a" },
      { id: "long", text: "aaaa" },
    ]);
    expect(ids(await retriever.retrieve("aa"))).toEqual(["long", "short"]);
  });

  it("asks each encoder once for many queries", async () => {
    const { retriever, encoder, embed, store } = await filled();
    const queries = ["ab", "cd", "", "d"];
    const results = await retriever.retrieveMany(queries);
    expect(encoder.encodeQuery).toHaveBeenCalledTimes(1);
    expect(embed).toHaveBeenCalledTimes(2); // once for the documents
    for (const [position, query] of queries.entries()) {
      expect(results[position]).toEqual(await retriever.retrieve(query));
    }
    expect(await retriever.retrieveMany([])).toEqual([]);
    expect(store.calls).not.toContain("get");
  });

  it("asks an encoder once for all arms that have it", async () => {
    const { encoder, store } = await filled();
    const retriever = new HybridRetriever({
      arms: {
        all: { encoder, store, vector: "sparse" },
        even: { encoder, store, vector: "sparse", filter: { even: true } },
      },
      fusion: rrf(),
    });
    expect((await retriever.retrieve("ab")).map(({ id, arms }) => [id, Object.keys(arms)])).toEqual([
      ["2", ["all", "even"]],
      ["1", ["all"]],
    ]);
    expect(encoder.encodeQuery).toHaveBeenCalledTimes(1);
  });

  it("refuses what is not a query, not an option, not an arm", async () => {
    const { retriever } = await filled();
    await refused(
      retriever.retrieve(7 as unknown as string),
      "INVALID_TEXT",
      "query must be a string, received 7",
    );
    await refused(retriever.retrieveMany("ab" as unknown as string[]), "INVALID_TEXT", "array of strings");
    await refused(
      retriever.retrieve("a", { topK: 3 } as object),
      "UNKNOWN_OPTION",
      "Valid options: k, fusion",
    );
    await refused(
      retriever.retrieve("a", { weights: { other: 1 } }),
      "UNKNOWN_OPTION",
      "Valid options: dense, sparse",
    );
    await refused(
      retriever.retrieve("a", { arms: { other: {} } }),
      "UNKNOWN_OPTION",
      "Valid options: dense, sparse",
    );
    await refused(
      retriever.retrieve("a", { arms: { sparse: { boost: 1 } as object } }),
      "UNKNOWN_OPTION",
      "The arm sparse: unknown option 'boost'",
    );
    await refused(
      retriever.retrieve("a", { arms: { sparse: { minScore: Number.NaN } } }),
      "INVALID_ARGUMENT",
      "minScore of the arm sparse",
    );
    await refused(
      retriever.retrieve("a", { filter: [] as never }),
      "INVALID_ARGUMENT",
      "filter must be an object",
    );
    await refused(retriever.retrieve("a", { timeout: 0 }), "INVALID_ARGUMENT", "timeout must be");
    await refused(
      retriever.retrieve("a", { timeout: 2 ** 31 }),
      "INVALID_ARGUMENT",
      "timeout must be at most",
    );
    await refused(
      retriever.retrieve("a", { mmr: { arm: "other" } }),
      "INVALID_ARGUMENT",
      "must be one that has a store (dense, sparse)",
    );
    await refused(retriever.retrieve("a", { mmr: { lambda: 2 } }), "INVALID_ARGUMENT", "lambda must be");
    await refused(
      retriever.retrieve("a", { signal: {} as AbortSignal }),
      "INVALID_ARGUMENT",
      "signal must be an AbortSignal",
    );
  });
});

describe("a custom fusion", () => {
  it("may give any order and any finite scores", async () => {
    const { retriever } = await filled();
    const fusion: Fusion = ({ sparse }) => sparse!.map(({ id, score }) => ({ id, score: -score }));
    expect((await retriever.retrieve("ab", { fusion })).map(({ id, score }) => [id, score])).toEqual([
      ["2", -4],
      ["1", -10],
    ]);
  });

  it("is refused with unknown or repeated ids, or scores that are none", async () => {
    const { retriever } = await filled();
    const answers: unknown[] = [
      [{ id: "9", score: 1 }],
      [
        { id: "1", score: 1 },
        { id: "1", score: 0 },
      ],
      [{ id: "1", score: Number.NaN }],
      [undefined],
    ];
    for (const answer of answers) {
      const fusion = (() => answer) as unknown as Fusion;
      await refused(
        retriever.retrieve("ab", { fusion }),
        "INVALID_ARGUMENT",
        "fusion must give each id at most once",
      );
    }
    const fusion = (() => new Map()) as unknown as Fusion;
    await refused(retriever.retrieve("ab", { fusion }), "INVALID_ARGUMENT", "fusion must give an array");
  });
});

describe("an arm that is a function", () => {
  it("gives hits with text, or is completed from the stores", async () => {
    const { store, encoder } = await filled();
    const retrieve = vi.fn(async (queries: string[]) =>
      queries.map(() => [
        { id: "new", score: 2, text: "from elsewhere" },
        { id: "3", score: 1 },
        { id: "3", score: 0.5 },
      ]),
    );
    const retriever = new HybridRetriever({
      arms: { sparse: { encoder, store }, web: { retrieve, k: 5, filter: { even: false } } },
      fusion: rrf(),
    });
    const hits = await retriever.retrieve("a", { filter: { even: true } });
    expect(hits.map(({ id, text, metadata }) => [id, text, metadata])).toEqual([
      ["2", "abc", { even: true }],
      ["new", "from elsewhere", {}],
      ["3", "c ddddd", { even: false }],
    ]);
    expect(retrieve.mock.calls[0]).toEqual([
      ["a"],
      { k: 5, filter: { $and: [{ even: false }, { even: true }] }, signal: expect.any(AbortSignal) },
    ]);
  });

  it("fails with unknown ids, scores that are none, and lists that do not fit the queries", async () => {
    const { store, encoder } = await filled();
    const answers: [unknown, string][] = [
      [[[{ id: "9", score: 1 }]], "no store of this retriever holds: [ '9' ]"],
      [[[{ id: "1", score: Number.NaN }]], "the score NaN"],
      [[[{ score: 1 }]], "needs an id"],
      [[[], []], "one array of hits per query, 1 in all"],
      [undefined, "one array of hits per query"],
    ];
    for (const [answer, message] of answers) {
      const retriever = new HybridRetriever({
        arms: { sparse: { encoder, store }, web: { retrieve: (async () => answer) as never } },
      });
      const error = await failure(retriever.retrieve("a"));
      expect(error.code).toBe("ARM_FAILED");
      expect(error.message).toMatch(/^The arm web failed: /);
      expect(error.message).toContain(message);
      const hits = await retriever.retrieve("a", { onArmError: "degrade" });
      expect(ids(hits)).toEqual(["1", "2"]);
      expect(hits.failures.map(({ arm }) => arm)).toEqual(["web"]);
    }
  });
});

describe("an arm that fails", () => {
  const arms = async (dense: (texts: string[], options: { signal: AbortSignal }) => Promise<number[][]>) => {
    const { store, encoder } = await filled();
    return { sparse: { encoder, store }, dense: { embed: dense, store } };
  };

  it("fails the call, with its error as the cause, and stops the other arms", async () => {
    const cause = new Error("no quota left");
    const { store, encoder } = await filled();
    let stopped: AbortSignal | undefined;
    store.before = (call, signal) => {
      if (call !== "searchSparse") return;
      stopped = signal;
      return never();
    };
    const embed = async () => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      throw cause;
    };
    const retriever = new HybridRetriever({ arms: { sparse: { encoder, store }, dense: { embed, store } } });
    const error = await failure(retriever.retrieve("ab"));
    expect(error.code).toBe("ARM_FAILED");
    expect(error.message).toMatch(/^The arm dense failed: no quota left\. With onArmError/);
    expect(error.cause).toBe(cause);
    expect(stopped!.aborted).toBe(true);
  });

  it("is left out when degraded, and the result tells", async () => {
    const retriever = new HybridRetriever({
      arms: await arms(async () => {
        throw new Error("no quota left");
      }),
      onArmError: "degrade",
    });
    const [hits] = await retriever.retrieveMany(["ab"]);
    expect(ids(hits!)).toEqual(["1", "2"]);
    expect(hits!.failures).toEqual([
      { arm: "dense", error: expect.objectContaining({ message: "no quota left" }) },
    ]);
    expect(JSON.parse(JSON.stringify(hits))).toHaveLength(2);
  });

  it("fails a degraded call too if no arm is left", async () => {
    const { store, encoder } = await filled();
    store.before = () => {
      throw new SparseEncoderError("STORE_FAILED", "the disk is gone");
    };
    const retriever = new HybridRetriever({
      arms: { sparse: { encoder, store }, dense: { embed: embedLengths, store } },
      onArmError: "degrade",
    });
    await refused(
      retriever.retrieve("ab"),
      "ARM_FAILED",
      /^All arms failed. (dense|sparse): the disk is gone. (dense|sparse): the disk is gone.$/,
    );
  });

  it("fails a degraded call for a wrong filter", async () => {
    const { store, encoder } = await filled();
    store.before = () => {
      throw new SparseEncoderError("INVALID_FILTER", "unknown operator $near");
    };
    const retriever = new HybridRetriever({ arms: { sparse: { encoder, store } }, onArmError: "degrade" });
    await refused(retriever.retrieve("ab"), "INVALID_FILTER", "unknown operator");
  });

  it("fails with vectors that are none, of two widths, or too few", async () => {
    const answers: [unknown, string][] = [
      [[[1, Number.NaN]], "holds NaN at 1"],
      [[[1, 1e39]], "holds Infinity at 1|holds 1e\\+39 at 1"],
      [[[]], "not an array of numbers"],
      [["ab"], "not an array of numbers"],
      [[[1], [2]], "expected 1 vectors, one per text, received 2"],
      [undefined, "expected 1 vectors, one per text, received undefined"],
    ];
    for (const [answer, message] of answers) {
      const retriever = new HybridRetriever({ arms: await arms((async () => answer) as never) });
      const error = await failure(retriever.retrieve("ab"));
      expect(error.message).toMatch(new RegExp(message));
      expect(SparseEncoderError.is(error.cause, "INVALID_VECTOR")).toBe(true);
    }
    const odd = new HybridRetriever({
      arms: await arms(async (texts) => texts.map((text) => Array(text.length).fill(1))),
    });
    await refused(
      odd.retrieveMany(["a", "ab"]),
      "ARM_FAILED",
      "text 0 has 1 numbers, the vector of text 1 has 2",
    );
  });

  it("is given up after its time, in both ways", async () => {
    const signals: AbortSignal[] = [];
    const hanging = await arms((_, { signal }) => {
      signals.push(signal);
      return never();
    });
    const retriever = new HybridRetriever({
      arms: { sparse: hanging.sparse, dense: { ...hanging.dense, timeout: 20 } },
    });
    const error = await failure(retriever.retrieve("ab"));
    expect(error.code).toBe("ARM_FAILED");
    expect(SparseEncoderError.is(error.cause, "TIMEOUT")).toBe(true);
    expect(error.message).toContain("The arm dense took longer than its 20 ms");
    const hits = await retriever.retrieve("ab", { onArmError: "degrade" });
    expect(ids(hits)).toEqual(["1", "2"]);
    expect(SparseEncoderError.is(hits.failures[0]!.error, "TIMEOUT")).toBe(true);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]);
  });

  it("does not keep the call beyond its time or its signal", async () => {
    const retriever = new HybridRetriever({ arms: await arms(never) });
    await refused(
      retriever.retrieve("ab", { timeout: 20 }),
      "TIMEOUT",
      "retrieve took longer than its 20 ms",
    );
    const hits = await retriever.retrieve("ab", { timeout: 20, onArmError: "degrade" });
    expect(ids(hits)).toEqual(["1", "2"]);
    const controller = new AbortController();
    setTimeout(() => controller.abort(new Error("enough")), 10);
    const error = await failure(
      retriever.retrieve("ab", { signal: controller.signal, onArmError: "degrade" }),
    );
    expect(error.code).toBe("ABORTED");
    expect(error.name).toBe("AbortError");
    expect((error.cause as Error).message).toBe("enough");
    await refused(retriever.retrieve("ab", { signal: AbortSignal.abort() }), "ABORTED", "aborted");
  });

  it("leaves no timer and no listener behind", async () => {
    const { retriever } = await filled();
    const controller = new AbortController();
    const add = vi.spyOn(controller.signal, "addEventListener");
    const remove = vi.spyOn(controller.signal, "removeEventListener");
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
    const before = timers();
    await retriever.retrieve("ab", {
      signal: controller.signal,
      timeout: 600_000,
      arms: { dense: { timeout: 600_000 } },
    });
    expect(timers()).toBe(before);
    expect(add).toHaveBeenCalledTimes(1);
    expect(remove).toHaveBeenCalledTimes(1);
  });
});

describe("rerank", () => {
  it("orders the best candidates by its own scores and keeps the scores of the fusion", async () => {
    const { retriever } = await filled();
    const rerank = vi.fn(async (_: string, candidates: readonly { text: string }[]) =>
      candidates.map(({ text }) => text.length),
    );
    const hits = await retriever.retrieve("ab", { rerank, k: 2 });
    expect(hits.map(({ id, score, fusedScore }) => [id, score, fusedScore])).toEqual([
      ["3", 7, 1 / 64],
      ["1", 6, 2 / 61],
    ]);
    const few = await retriever.retrieve("ab", { rerank, rerankK: 2 });
    expect(ids(few)).toEqual(["1", "2"]);
    expect(rerank.mock.calls[1]![1]).toHaveLength(2);
    expect(Object.keys(rerank.mock.calls[1]![1][0]!)).toEqual([
      "id",
      "text",
      "metadata",
      "score",
      "fusedScore",
    ]);
  });

  it("takes an encoder of pairs, with the number of documents that it scores", async () => {
    const { retriever } = await filled();
    const predict = vi.fn(async (pairs: readonly (readonly [string, string])[]) =>
      Float32Array.from(pairs, ([, document]) => document.length),
    );
    const hits = await retriever.retrieve("ab", { rerank: { encoder: { predict }, k: 2 } });
    expect(ids(hits)).toEqual(["1", "2"]);
    expect(predict.mock.calls[0]![0].map(([query]) => query)).toEqual(["ab", "ab"]);
    expect(predict.mock.calls[0]![0].map(([, document]) => document.length)).toEqual([
      hits[0]!.score,
      hits[1]!.score,
    ]);
    // The number of the call overrides the number of the reranker.
    await retriever.retrieve("ab", { rerank: { encoder: { predict }, k: 2 }, rerankK: 3 });
    expect(predict.mock.calls[1]![0]).toHaveLength(3);
    for (const rerank of [
      {},
      { encoder: {} },
      { encoder: { predict }, k: 0 },
      5,
      { encoder: { predict }, topK: 1 },
    ]) {
      const call = async () => retriever.retrieve("ab", { rerank: rerank as never });
      await expect(call()).rejects.toThrow(/rerank|encoder|'topK'/);
    }
  });

  it("fails with its own code, also with too few scores or none", async () => {
    const { retriever } = await filled();
    const broken: [() => unknown, string][] = [
      [() => Promise.reject(new Error("no model")), "The reranker failed: no model."],
      [() => [1], "one finite score for each of its 4 candidates"],
      [() => [1, 2, 3, Number.NaN], "one finite score for each"],
      [() => undefined, "received undefined"],
    ];
    for (const [rerank, message] of broken) {
      await refused(retriever.retrieve("ab", { rerank: rerank as never }), "RERANK_FAILED", message);
    }
    await refused(retriever.retrieve("ab", { rerank: never, timeout: 20 }), "TIMEOUT", "took longer");
  });
});

describe("mmr", () => {
  it("passes over documents that are like those taken", async () => {
    const { store } = await filled();
    // By length of the first word: x and y have nearly the same direction, z is orthogonal to both.
    const vectors: Record<string, number[]> = { x: [1, 0], y: [0.99, 0.01], z: [0, 1] };
    const scores = [
      { id: "x", score: 1, text: "x" },
      { id: "y", score: 0.9, text: "y" },
      { id: "z", score: 0.1, text: "z" },
    ];
    for (const [id, vector] of Object.entries(vectors)) {
      store.documents.set(id, { id, text: id, metadata: {}, vectors: { dense: Float32Array.from(vector) } });
    }
    const retriever = new HybridRetriever({
      arms: { list: { retrieve: async () => [scores] }, dense: { embed: embedLengths, store, weight: 0 } },
      fusion: ({ list }) => list!,
      k: 2,
    });
    // y: 0.5 * 8/9 - 0.5 * 0.99995 < 0; z: 0.5 * 0 - 0 = 0.
    expect(ids(await retriever.retrieve("q", { mmr: { lambda: 0.5 } }))).toEqual(["x", "z"]);
    expect(ids(await retriever.retrieve("q", { mmr: { lambda: 0.6 } }))).toEqual(["x", "y"]);
    expect(ids(await retriever.retrieve("q", { mmr: { lambda: 1 } }))).toEqual(["x", "y"]);
    expect(ids(await retriever.retrieve("q", { mmr: { lambda: 0.5, fetchK: 2 } }))).toEqual(["x", "y"]);
    expect(ids(await retriever.retrieve("q"))).toEqual(["x", "y"]);
  });

  it("compares sparse vectors too", async () => {
    const { retriever } = await filled();
    // "abd": sparse scores 10, 4, 10, 4. Documents 1 (a2 b3) and 2 (a b c) are alike, 3 (c d5) and 4 (d2) are.
    const hits = await retriever.retrieve("abd", {
      weights: { dense: 0 },
      mmr: { arm: "sparse", lambda: 0.3 },
      k: 2,
    });
    expect(ids(hits)).toEqual(["1", "3"]);
  });
});

describe("retrieveEach", () => {
  it("gives each query its own options and outcome, with one call of each encoder", async () => {
    const { encoder, embed, retriever } = await filled();
    const controller = new AbortController();
    controller.abort();
    embed.mockClear();
    const outcomes = await retriever.retrieveEach([
      { query: "ab", options: { k: 1 } },
      { query: "d", options: { filter: { even: true }, weights: { dense: 0 } } },
      { query: "c", options: { signal: controller.signal } },
      { query: "c", options: { k: 0 } },
      { query: "ab" },
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual([
      "fulfilled",
      "fulfilled",
      "rejected",
      "rejected",
      "fulfilled",
    ]);
    const hits = outcomes.map((outcome) => (outcome.status === "fulfilled" ? ids(outcome.value) : []));
    expect(hits).toEqual([["1"], ["4"], [], [], ["1", "2", "4", "3"]]);
    const codes = outcomes.map((outcome) =>
      outcome.status === "rejected" ? outcome.reason.code : undefined,
    );
    expect(codes.slice(2, 4)).toEqual(["ABORTED", "INVALID_ARGUMENT"]);
    expect(encoder.encodeQuery.mock.calls.map(([texts]) => texts)).toEqual([["ab", "d", "c", "c", "ab"]]);
    expect(embed).toHaveBeenCalledTimes(1);
    expect(await retriever.retrieveEach([])).toEqual([]);
    await refused(retriever.retrieveEach([{ query: 5 as never }]), "INVALID_TEXT", "{ query, options }");
    await refused(retriever.retrieveEach([], { parallel: 0 }), "INVALID_ARGUMENT", "parallel must be");
  });

  it("lets an encoder work on when one of several calls is aborted, and stops it when all are", async () => {
    const { store } = await filled();
    const signals: AbortSignal[] = [];
    const encoder = letterEncoder();
    const { encodeQuery } = encoder;
    let begin: () => void = () => {};
    encoder.encodeQuery = vi.fn(async (texts: readonly string[], options?: { signal: AbortSignal }) => {
      signals.push(options!.signal);
      await new Promise<void>((resolve) => {
        begin = resolve;
      });
      return encodeQuery(texts);
    }) as never;
    const retriever = new HybridRetriever({ arms: { sparse: { encoder, store } } });
    const one = new AbortController();
    const outcomes = retriever.retrieveEach([
      { query: "a", options: { signal: one.signal } },
      { query: "ab" },
    ]);
    await vi.waitFor(() => expect(signals).toHaveLength(1));
    one.abort();
    await Promise.resolve();
    expect(signals[0]!.aborted).toBe(false);
    begin();
    expect((await outcomes).map(({ status }) => status)).toEqual(["rejected", "fulfilled"]);
    const both = new AbortController();
    const again = retriever.retrieveEach(
      ["a", "b"].map((query) => ({ query, options: { signal: both.signal } })),
    );
    await vi.waitFor(() => expect(signals).toHaveLength(2));
    both.abort();
    expect((await again).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    expect(signals[1]!.aborted).toBe(true);
  });
});

describe("options of a call", () => {
  it("weigh the arms dense and sparse by alpha, 0 and 1 included", async () => {
    const { retriever, store, encoder } = await filled();
    expect(Object.keys((await retriever.retrieve("ab", { alpha: 1 }))[0]!.arms)).toEqual(["dense"]);
    expect(Object.keys((await retriever.retrieve("ab", { alpha: 0 }))[0]!.arms)).toEqual(["sparse"]);
    expect((await retriever.retrieve("ab", { alpha: 0.25 }))[0]!.score).toBeCloseTo(1 / 61, 12);
    const [, , third] = await retriever.retrieve("ab", { alpha: 0.25 });
    expect(third).toMatchObject({ id: "4", score: 0.25 / 63 });
    await refused(
      retriever.retrieve("a", { alpha: 1.5 }),
      "INVALID_ARGUMENT",
      "alpha must be a number from 0",
    );
    await refused(retriever.retrieve("a", { alpha: Number.NaN }), "INVALID_ARGUMENT", "alpha must be");
    await refused(retriever.retrieve("a", { alpha: 1, weights: {} }), "INVALID_ARGUMENT", "not both");
    const dense = { embed: embedLengths, store };
    const set = new HybridRetriever({ arms: { sparse: { encoder, store }, dense }, alpha: 0, fusion: rrf() });
    expect((await set.retrieve("ab"))[0]!.arms).toEqual({ sparse: { rank: 1, score: 10 } });
    // An arm that the call does not name keeps its weight.
    expect((await set.retrieve("ab", { weights: { dense: 3 } }))[0]!.score).toBeCloseTo(4 / 61, 12);
    const other = new HybridRetriever({ arms: { sparse: { encoder, store } } });
    await refused(other.retrieve("a", { alpha: 0 }), "INVALID_ARGUMENT", "the arms are sparse");
  });

  it("name a fusion, leave out low scores, and give functions a context", async () => {
    const { retriever, encoder, store } = await filled();
    // One arm: its best is 1 and its worst 0.
    const relative = await retriever.retrieve("ab", { fusion: "relativeScore", weights: { dense: 0 } });
    expect(relative.map(({ score }) => score)).toEqual([1, 0]);
    expect(ids(await retriever.retrieve("ab", { minScore: 1 / 63 }))).toEqual(["1", "2", "4"]);
    const contexts: unknown[] = [];
    const functions = new HybridRetriever({
      arms: {
        sparse: { encoder, store },
        list: {
          retrieve: async (_, { context }) => {
            contexts.push(context);
            return [[]];
          },
        },
      },
      rerank: (_, candidates, { context }) => {
        contexts.push(context);
        return candidates.map(() => 1);
      },
    });
    const context = { mine: true };
    await functions.retrieve("ab", { context });
    expect(contexts).toEqual([context, context]);
  });
});

describe("an arm whose hits have no scores", () => {
  const list = (hits: { id: string; text: string; score?: number | undefined }[]) =>
    new HybridRetriever({ arms: { list: { retrieve: async () => [hits] } }, fusion: "max" });
  const hit = (id: string) => ({ id, text: id });

  it("counts by the ranks of its distinct hits", async () => {
    const hits = await list([hit("b"), hit("b"), hit("a")]).retrieve("q");
    expect(hits.map(({ id, score }) => [id, score])).toEqual([
      ["b", 1],
      ["a", 1 / 2],
    ]);
  });

  it("has no scores at all or a score for each", async () => {
    const without = { ...hit("a"), score: undefined };
    const message = "gives 'a' the score undefined; it must be a finite number";
    await refused(list([{ ...hit("b"), score: 1 }, without]).retrieve("q"), "ARM_FAILED", message);
    const late = "gives 'b' the score NaN";
    await refused(list([without, { ...hit("b"), score: Number.NaN }]).retrieve("q"), "ARM_FAILED", late);
  });
});

describe("events", () => {
  it("tell of arms, fusion and the whole, with times", async () => {
    const events: RetrievalEvent[] = [];
    const { store, encoder } = await filled();
    const retriever = new HybridRetriever({
      arms: {
        sparse: { encoder, store },
        dense: {
          embed: async () => {
            throw new Error("down");
          },
          store,
        },
      },
      onArmError: "degrade",
      onEvent: (event) => events.push(event),
    });
    await retriever.retrieve("ab", { rerank: (_, candidates) => candidates.map(() => 1), mmr: {} });
    expect(events.map(({ type }) => type).sort()).toEqual([
      "arm",
      "armFailed",
      "armStart",
      "armStart",
      "fusion",
      "mmr",
      "rerank",
      "retrieve",
    ]);
    expect(events.find(({ type }) => type === "arm")).toMatchObject({ arm: "sparse", queries: 1, hits: 2 });
    expect(events.find(({ type }) => type === "arm")).toMatchObject({
      results: [[{ id: "1", text: "aab bb", score: 10 }, { id: "2" }]],
    });
    expect(events.find(({ type }) => type === "fusion")).toMatchObject({
      documents: 2,
      results: [[{ id: "1", arms: { sparse: { rank: 1 } } }, { id: "2" }]],
    });
    expect(events.at(-1)).toMatchObject({ type: "retrieve", queries: 1, hits: 2, failedArms: ["dense"] });
    const times = events.flatMap((event) =>
      Object.entries(event).flatMap(([name, value]) => (/milliseconds$/i.test(name) ? [value] : [])),
    );
    expect(times).toHaveLength(7);
    expect(times.every((time) => typeof time === "number" && time >= 0)).toBe(true);
  });

  it("reach the listener of the retriever and then the listener of the call", async () => {
    const { encoder, store } = await filled();
    const heard: string[] = [];
    const listen = (who: string) => (event: RetrievalEvent) => {
      if (event.type === "fusion") heard.push(who);
    };
    const retriever = new HybridRetriever({ arms: { sparse: { encoder, store } }, onEvent: listen("own") });
    await retriever.retrieve("ab", { onEvent: listen("call") });
    await retriever.retrieve("ab");
    expect(heard).toEqual(["own", "call", "own"]);
  });

  it("fail the call if their listener throws, whatever onArmError says", async () => {
    const { retriever } = await filled();
    const onEvent = () => {
      throw new TypeError("listener");
    };
    await expect(retriever.retrieve("ab", { onEvent, onArmError: "degrade" })).rejects.toThrow(TypeError);
  });
});

describe("delete", () => {
  it("deletes from all stores by id or filter", async () => {
    const encoder = letterEncoder();
    const [one, two] = [new FakeStore(), new FakeStore()];
    const retriever = new HybridRetriever({
      arms: { sparse: { encoder, store: one }, dense: { embed: embedLengths, store: two } },
    });
    await retriever.add(documents);
    two.documents.delete("1");
    expect(await retriever.delete({ ids: ["1", "nine"] })).toBe(1);
    expect(await retriever.delete({ filter: { even: true } })).toBe(2);
    expect([...one.documents.keys(), ...two.documents.keys()]).toEqual(["3", "3"]);
    await refused(retriever.delete({} as never), "INVALID_ARGUMENT", "expected { ids } or { filter }");
    await refused(retriever.delete({ ids: [], filter: {} }), "INVALID_ARGUMENT", "expected");
    one.before = never;
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 5);
    await refused(retriever.delete({ ids: ["3"] }, { signal: controller.signal }), "ABORTED", "aborted");
  });
});

describe("the options of a retriever", () => {
  it("are checked by name and value", () => {
    const encoder = letterEncoder();
    const store = new FakeStore();
    const build =
      (arms: unknown, further: object = {}) =>
      () =>
        new HybridRetriever({ arms: arms as never, ...further });
    expect(build({})).toThrow("arms must map at least one name");
    expect(build([])).toThrow("arms must map at least one name");
    expect(build({ "": { encoder, store } })).toThrow("the name of an arm");
    expect(build(JSON.parse('{"__proto__": {}}'))).toThrow("the name of an arm");
    expect(build({ a: null })).toThrow("The arm a must be an object");
    expect(build({ a: { store } })).toThrow("needs one of encoder, embed and retrieve, received none");
    expect(build({ a: { encoder, embed: embedLengths, store } })).toThrow("received encoder and embed");
    expect(build({ a: { encoder: {}, store } })).toThrow("must have encodeQuery and encodeDocument");
    expect(build({ a: { embed: 3, store } })).toThrow("embed is 3");
    expect(build({ a: { encoder } })).toThrow("The arm a needs a store");
    expect(build({ a: { encoder, store: {} } })).toThrow("The arm a needs a store");
    expect(build({ a: { encoder, store, vector: "" } })).toThrow("vector of the arm a must be a name");
    expect(build({ a: { retrieve: 1 } })).toThrow("retrieve of the arm a must be a function");
    expect(build({ a: { retrieve: never, store } })).toThrow("beside which store has no meaning");
    expect(build({ a: { encoder, store, topK: 1 } })).toThrow("The arm a: unknown option 'topK'");
    expect(build({ a: { encoder, store, k: 0 } })).toThrow("k of the arm a must be");
    expect(build({ a: { encoder, store, weight: -1 } })).toThrow("The weight of the arm a must be");
    const arms = { a: { encoder, store }, b: { encoder: letterEncoder(), store, vector: "a" } };
    expect(build(arms)).toThrow("keep vectors of different encoders under the name 'a' in one store");
    expect(build({ a: { encoder, store } }, { fusion: "sum" })).toThrow(
      "fusion must be a function or one of rrf, relativeScore, distributionScore, max",
    );
    expect(build({ a: { encoder, store } }, { fusion: "toString" })).toThrow("fusion must be a function");
    expect(build({ a: { encoder, store } }, { minScore: "1" })).toThrow("minScore must be a number");
    expect(build({ a: { encoder, store } }, { onArmError: "ignore" })).toThrow(
      'onArmError must be "throw" or "degrade"',
    );
    expect(build({ a: { encoder, store } }, { topK: 1 })).toThrow("unknown option 'topK'");
    expect(build({ a: { encoder, store } }, { alpha: 1 })).toThrow("but the arms are a; give weights");
    expect(build({ a: { encoder, store } }, { weights: { b: 1 } })).toThrow("unknown option 'b'");
    expect(build({ a: { retrieve: never } }, { mmr: {} })).toThrow(
      "must be one that has a store (there is none)",
    );
  });
});
