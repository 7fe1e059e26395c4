import type { Document } from "@langchain/core/documents";
import { index, RecordManager, type UpdateOptions } from "@langchain/core/indexing";
import { SparseEncoderError, type SparseEncoderErrorCode } from "@sparse-encoder/core";
import { FakeDenseEmbedder, FakeSparseEncoder } from "@sparse-encoder/core/testing";
import {
  DenseEmbeddings,
  HybridVectorStore,
  type RetrievalMode,
  SparseEmbeddings,
} from "@sparse-encoder/langchain";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { StoreKind } from "../helpers/adapter-stores.ts";

/** A record manager in memory, as the interface describes it. */
export class MemoryRecordManager extends RecordManager {
  override lc_namespace = ["test"];
  private time = 0;
  private readonly records = new Map<string, { at: number; group: string | null }>();

  async createSchema(): Promise<void> {}

  async getTime(): Promise<number> {
    return ++this.time;
  }

  async update(keys: string[], options: UpdateOptions = {}): Promise<void> {
    keys.forEach((key, position) => {
      const group = options.groupIds?.[position] ?? this.records.get(key)?.group ?? null;
      this.records.set(key, { at: ++this.time, group });
    });
  }

  async exists(keys: string[]): Promise<boolean[]> {
    return keys.map((key) => this.records.has(key));
  }

  async listKeys(options: {
    before?: number;
    groupIds?: (string | null)[];
    limit?: number;
  }): Promise<string[]> {
    const { before = Number.POSITIVE_INFINITY, groupIds, limit } = options;
    return [...this.records]
      .filter(([, { at, group }]) => at < before && (groupIds === undefined || groupIds.includes(group)))
      .map(([key]) => key)
      .slice(0, limit);
  }

  async deleteKeys(keys: string[]): Promise<void> {
    for (const key of keys) this.records.delete(key);
  }
}

export async function refused(
  work: Promise<unknown>,
  code: SparseEncoderErrorCode,
  message: string | RegExp,
): Promise<SparseEncoderError> {
  const error = await work.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  if (!SparseEncoderError.is(error)) throw new Error(`expected a SparseEncoderError, got ${String(error)}`);
  expect(error.code, error.message).toBe(code);
  expect(error.message).toMatch(message);
  return error;
}

const document = (pageContent: string, metadata: Record<string, unknown> = {}, id?: string) => ({
  pageContent,
  metadata,
  ...(id === undefined ? {} : { id }),
});
const texts = (documents: readonly { pageContent: string }[]) =>
  documents.map(({ pageContent }) => pageContent);

/**
 * What LangChain's standard tests demand of a vector store (the tests of Python, whose JavaScript counterpart is not
 * published), and what `index()` and this package promise beyond them.
 */
export function vectorStoreCases([name, open]: StoreKind): void {
  const modes: RetrievalMode[] = ["sparse", "dense", "hybrid"];
  describe.each(modes)(`a vector store over ${name}, mode %s`, (mode) => {
    const cleanups: (() => Promise<void>)[] = [];
    const encoder = new FakeSparseEncoder();
    const dense = new FakeDenseEmbedder({ dimension: 64 });

    async function setUp() {
      const store = await open({
        sparse: { kind: "sparse", dimension: encoder.embeddingDimension },
        dense: { kind: "dense", dimension: dense.embeddingDimension },
      });
      cleanups.push(() => store.close());
      const sparseEmbeddings = new SparseEmbeddings({ encoder });
      const embeddings = new DenseEmbeddings({ encoder: dense });
      return { store, vectors: new HybridVectorStore(embeddings, { store, sparseEmbeddings, mode }) };
    }

    afterEach(async () => {
      for (const cleanup of cleanups.splice(0)) await cleanup();
    });

    it("finds nothing while it is empty", async () => {
      const { vectors } = await setUp();
      expect(await vectors.similaritySearch("red", 1)).toEqual([]);
      expect(await vectors.similaritySearchWithScore("red")).toEqual([]);
      expect(await vectors.maxMarginalRelevanceSearch("red", { k: 2 })).toEqual([]);
      expect(await vectors.addDocuments([])).toEqual([]);
    });

    it("adds documents, gives their ids, and finds them by likeness", async () => {
      const { vectors } = await setUp();
      const ids = await vectors.addDocuments([
        document("red apple", { id: 1 }),
        document("green pear", { id: 2 }),
        document("red plum tree", { id: 3 }),
      ]);
      expect(new Set(ids).size).toBe(3);
      const found = await vectors.similaritySearch("red apple", 2);
      expect(texts(found)).toEqual(["red apple", "red plum tree"]);
      expect(found.map(({ id }) => id)).toEqual([ids[0], ids[2]]);
      const scored = await vectors.similaritySearchWithScore("red apple", 2);
      expect(scored.map(([{ pageContent }]) => pageContent)).toEqual(texts(found));
      expect(scored[0]![1]).toBeGreaterThan(scored[1]![1]);
    });

    it("gives back ids and metadata as they went in, as copies, and does not change what it was given", async () => {
      const { vectors } = await setUp();
      const metadata = { source: "a", loc: { lines: { from: 1, to: 2 } }, tags: ["x"], none: null };
      const given = [document("red", structuredClone(metadata), "mine"), document("blue")];
      Object.freeze(given[0]);
      const before = structuredClone(given);
      const [mine, other] = await vectors.addDocuments(given);
      expect(given).toEqual(before);
      expect(mine).toBe("mine");
      const [found] = await vectors.similaritySearch("red", 1);
      expect(found).toMatchObject({ id: "mine", pageContent: "red", metadata });
      (found!.metadata.tags as string[]).push("changed");
      found!.metadata.added = true;
      expect((await vectors.getByIds(["mine"]))[0]!.metadata).toEqual(metadata);
      expect((await vectors.getByIds([other!]))[0]!.metadata).toEqual({});
    });

    it("deletes one, several, and none that there is not", async () => {
      const { vectors, store } = await setUp();
      const ids = ["1", "2", "3", "4"];
      await vectors.addDocuments(ids.map((id) => document(`red ${id}`, { even: Number(id) % 2 === 0 }, id)));
      await vectors.delete({ ids: ["2"] });
      await vectors.delete({ ids: ["2", "none"] });
      expect((await vectors.similaritySearch("red", 9)).map(({ id }) => id).sort()).toEqual(["1", "3", "4"]);
      await vectors.delete({ filter: { even: true } });
      expect(await store.count()).toBe(2);
      await vectors.delete({ ids: ["1", "3"] });
      expect(await vectors.similaritySearch("red", 9)).toEqual([]);
      await refused(vectors.delete(), "INVALID_ARGUMENT", "expected { ids } or { filter }");
      await refused(vectors.delete({} as never), "INVALID_ARGUMENT", "expected { ids } or { filter }");
    });

    it("replaces the document of an id, however often it is added", async () => {
      const { vectors, store } = await setUp();
      const given = [document("red"), document("blue")];
      expect(await vectors.addDocuments(given, { ids: ["1", "2"] })).toEqual(["1", "2"]);
      expect(await vectors.addDocuments(given, { ids: ["1", "2"] })).toEqual(["1", "2"]);
      expect(await store.count()).toBe(2);
      await vectors.addDocuments([document("green")], { ids: ["1"] });
      expect(texts(await vectors.getByIds(["1", "2"]))).toEqual(["green", "blue"]);
      expect(texts(await vectors.similaritySearch("green", 1))).toEqual(["green"]);
    });

    it("gets documents by id, in order, and skips missing ids", async () => {
      const { vectors } = await setUp();
      await vectors.addDocuments([document("a", {}, "1"), document("b", {}, "2")]);
      expect((await vectors.getByIds(["2", "none", "1"])).map(({ id }) => id)).toEqual(["2", "1"]);
      expect(await vectors.getByIds(["none"])).toEqual([]);
      expect(await vectors.getByIds([])).toEqual([]);
    });

    it("takes documents some of which have ids; ids of the option come first", async () => {
      const { vectors } = await setUp();
      const ids = await vectors.addDocuments([document("a", {}, "own"), document("b")]);
      expect(ids[0]).toBe("own");
      expect(ids[1]).toMatch(/^[0-9a-f-]{36}$/);
      expect(texts(await vectors.getByIds(ids))).toEqual(["a", "b"]);
      expect(await vectors.addDocuments([document("c", {}, "own")], { ids: ["option"] })).toEqual(["option"]);
    });

    it("filters by metadata", async () => {
      const { vectors } = await setUp();
      await vectors.addDocuments([1, 2, 3, 4].map((year) => document(`red ${year}`, { year }, `${year}`)));
      const found = await vectors.similaritySearch("red", 9, { year: { $gte: 2, $lt: 4 } });
      expect(found.map(({ id }) => id).sort()).toEqual(["2", "3"]);
      const retriever = vectors.asRetriever({ k: 1, filter: { year: 4 } });
      expect((await retriever.invoke("red")).map(({ id }) => id)).toEqual(["4"]);
      await refused(
        vectors.similaritySearch("red", 1, { must: [{ key: "year" }] } as never),
        "INVALID_FILTER",
        "must",
      );
      const byFunction = (() => true) as never;
      await refused(vectors.similaritySearch("red", 1, byFunction), "INVALID_ARGUMENT", "must be an object");
    });

    it("filters by a part of a string, or names what the store cannot do", async () => {
      const { vectors, store } = await setUp();
      await vectors.addDocuments(["Ada", "Adam", "Eve"].map((by) => document("red", { by }, by)));
      const filter = { by: { $contains: "da" } };
      if (store.capabilities.filters.has("$contains")) {
        const found = await vectors.similaritySearch("red", 9, filter);
        expect(found.map(({ id }) => id).sort()).toEqual(["Ada", "Adam"]);
        await vectors.delete({ filter });
        expect(await store.count()).toBe(1);
      } else {
        const search = vectors.similaritySearch("red", 9, filter);
        const { cause } = await refused(search, "ARM_FAILED", /no filter \$contains .*'by'/);
        expect(cause).toMatchObject({ code: "STORE_UNSUPPORTED" });
        await refused(vectors.delete({ filter }), "STORE_UNSUPPORTED", /no filter \$contains .*'by'/);
        expect(await store.count()).toBe(3);
      }
    });

    it("diversifies", async () => {
      const { vectors } = await setUp();
      await vectors.addDocuments(
        ["red red apple", "red red apple tree", "red boat"].map((text) => document(text, {}, text)),
      );
      expect(texts(await vectors.similaritySearch("red red apple", 2))).toEqual([
        "red red apple",
        "red red apple tree",
      ]);
      const diverse = await vectors.maxMarginalRelevanceSearch("red red apple", { k: 2, lambda: 0.1 });
      expect(texts(diverse)).toEqual(["red red apple", "red boat"]);
      const retriever = vectors.asRetriever({ k: 2, searchType: "mmr", searchKwargs: { lambda: 0.1 } });
      expect(texts(await retriever.invoke("red red apple"))).toEqual(texts(diverse));
      const near = await vectors.maxMarginalRelevanceSearch("red red apple", {
        k: 2,
        lambda: 0.1,
        fetchK: 2,
      });
      expect(texts(near)).toEqual(["red red apple", "red red apple tree"]);
    });

    it("is retrieved from with the settings of a call, one by one and many at once", async () => {
      const { vectors } = await setUp();
      await vectors.addDocuments([1, 2, 3].map((year) => document(`red ${year}`, { year }, `${year}`)));
      const retriever = vectors.asHybridRetriever({ k: 2, scoreKey: "scores" });
      const [best] = await retriever.invoke("red 2", { configurable: { k: 1 } });
      expect(best).toMatchObject({ id: "2", metadata: { year: 2 } });
      const arms = mode === "hybrid" ? ["dense", "sparse"] : [mode];
      expect(Object.keys((best!.metadata.scores as { arms: object }).arms).sort()).toEqual(arms);
      const filtered = await retriever.invoke("red 2", { configurable: { filter: { year: { $ne: 2 } } } });
      expect(filtered.map(({ id }) => id).sort()).toEqual(["1", "3"]);
      const found = await retriever.batch(["red 3", "red 1"]);
      expect(found.map((list) => [list.length, list[0]!.id])).toEqual([
        [2, "3"],
        [2, "1"],
      ]);
    });

    it("keeps the queries of calls under way apart", async () => {
      const { vectors } = await setUp();
      const words = Array.from({ length: 30 }, (_, number) => `word${number}`);
      await vectors.addDocuments(words.map((word) => document(word)));
      const found = await Promise.all(words.map((word) => vectors.similaritySearchWithScore(word, 1)));
      expect(found.map((hits) => hits[0]?.[0].pageContent)).toEqual(words);
    });

    it("works with index() in all clean-up modes", async () => {
      const { vectors, store } = await setUp();
      const recordManager = new MemoryRecordManager();
      const run = (docs: ReturnType<typeof document>[], cleanup?: "full" | "incremental") =>
        index({
          docsSource: docs as Document[],
          recordManager,
          vectorStore: vectors,
          options: { cleanup, sourceIdKey: "source", batchSize: 2 },
        } as Parameters<typeof index>[0]);
      const all = ["a", "b", "c"].map((text) => document(`red ${text}`, { source: text }));
      expect(await run(all)).toEqual({ numAdded: 3, numDeleted: 0, numUpdated: 0, numSkipped: 0 });
      expect(await run(all)).toEqual({ numAdded: 0, numDeleted: 0, numUpdated: 0, numSkipped: 3 });
      const changed = [document("green a", { source: "a" })];
      expect(await run(changed, "incremental")).toMatchObject({ numAdded: 1, numDeleted: 1 });
      expect(texts(await vectors.similaritySearch("red green", 9)).sort()).toEqual([
        "green a",
        "red b",
        "red c",
      ]);
      expect(await run(changed, "full")).toEqual({
        numAdded: 0,
        numDeleted: 2,
        numUpdated: 0,
        numSkipped: 1,
      });
      expect(await store.count()).toBe(1);
      const [found] = await vectors.similaritySearch("green", 1);
      expect(found).toMatchObject({ pageContent: "green a", metadata: { source: "a" } });
    });

    it("tells of progress, stops when aborted, and keeps what was stored", async () => {
      const { vectors, store } = await setUp();
      const many = Array.from({ length: 5 }, (_, number) => document(`red ${number}`, {}, `${number}`));
      const controller = new AbortController();
      const onProgress = vi.fn(() => controller.abort());
      await refused(
        vectors.addDocuments(many, { batchSize: 2, onProgress, signal: controller.signal }),
        "ABORTED",
        "aborted",
      );
      expect(onProgress.mock.calls).toEqual([[{ done: 2, total: 5 }]]);
      expect(await store.count()).toBeGreaterThanOrEqual(2);
      await refused(vectors.addDocuments(many, { signal: AbortSignal.abort() }), "ABORTED", "aborted");
      await vectors.addDocuments(many);
      expect(await store.count()).toBe(5);
    });

    it("refuses bad documents, ids and options, and stores nothing of them", async () => {
      const { vectors, store } = await setUp();
      const add = (documents: unknown, options?: object) =>
        vectors.addDocuments(documents as never, options as never);
      await refused(add([document("a"), document("b")], { ids: ["1"] }), "INVALID_ARGUMENT", "2 documents");
      await refused(
        add([document(null as never)]),
        "INVALID_DOCUMENT",
        /^The text of document 0 .* received null/,
      );
      await refused(add([null]), "INVALID_DOCUMENT", "document 0");
      await refused(add("text"), "INVALID_ARGUMENT", "an array of documents");
      await refused(add([document("a")], { ids: [5] }), "INVALID_DOCUMENT", "The id of document 0 must be");
      const cycle: Record<string, unknown> = {};
      cycle.self = cycle;
      await refused(
        add([document("a"), document("b", cycle)]),
        "INVALID_DOCUMENT",
        /metadata of document 1 .*JSON/,
      );
      await refused(add([document("a")], { id: "1" }), "UNKNOWN_OPTION", "unknown option 'id'");
      await refused(add([document("a")], { ids: "1" }), "INVALID_ARGUMENT", "received '1'");
      await refused(add([document("a", {}, "1"), document("b", {}, "1")]), "INVALID_DOCUMENT", "same id");
      expect(await store.count()).toBe(0);
    });

    it("is usable no more once its store is closed, and closes neither store nor encoder itself", async () => {
      const { vectors, store } = await setUp();
      await vectors.addDocuments([document("red", {}, "1")]);
      expect(await store.count()).toBe(1);
      await encoder.encodeQuery("open");
      await store.close();
      await refused(vectors.similaritySearch("red"), "ARM_FAILED", "closed");
      await refused(vectors.addDocuments([document("red")]), "CLOSED", "closed");
    });

    if (mode !== "sparse") {
      it("takes dense vectors that are known", async () => {
        const { vectors, store } = await setUp();
        const [one, two] = [await dense.encode("red"), await dense.encode("blue")];
        // The texts have nothing to do with the vectors.
        const given = [document("first", {}, "1"), document("second", {}, "2")];
        const ids = await vectors.addVectors([Array.from(one), Array.from(two)], given);
        expect(ids).toEqual(["1", "2"]);
        const scored = await vectors.similaritySearchVectorWithScore(Array.from(two), 1);
        expect(scored[0]![0]).toMatchObject({ id: "2", pageContent: "second" });
        expect(scored[0]![1]).toBeCloseTo(1, 5);
        const [stored] = await store.get(["1"]);
        expect(Object.keys(stored!.vectors).sort()).toEqual(
          mode === "hybrid" ? ["dense", "sparse"] : ["dense"],
        );
        await refused(
          vectors.addVectors([[1]], given),
          "INVALID_ARGUMENT",
          "vectors must be an array of one",
        );
      });
    } else {
      it("has no dense vectors, and says so", async () => {
        const { vectors } = await setUp();
        await refused(vectors.addVectors([[1]], [document("a")]), "INVALID_ARGUMENT", "mode sparse");
        await refused(vectors.similaritySearchVectorWithScore([1], 1), "INVALID_ARGUMENT", "mode sparse");
      });
    }
  });
}
