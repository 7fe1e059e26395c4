import {
  distributionScore,
  type Filter,
  MemoryStore,
  SparseVector,
  type StoredDocument,
} from "@sparse-encoder/core";
import { copyStore, QdrantStore } from "@sparse-encoder/core/stores";
import { storeConformance } from "@sparse-encoder/core/testing";
import { beforeAll, describe, expect, it } from "vitest";
import { smallDocument as document, smallVectors as vectors } from "../helpers/small-documents.ts";

/** Where a server of the cases is. */
export interface QdrantAddress {
  readonly url: string;
  readonly apiKey?: string | undefined;
  /** What the names of all collections start with that the cases make. */
  readonly prefix: string;
}

/**
 * What `QdrantStore` does on any server: a fake, Qdrant's own engine behind the shell of the fake, or a server by address.
 * @param what what answers, for the names of the tests
 * @param server asked once the servers run
 */
export function qdrantCases(what: string, server: () => QdrantAddress): void {
  let collections = 0;
  const nextCollection = () => `${server().prefix}${process.pid}_${collections++}`;
  const openAt = (options: Omit<Parameters<typeof QdrantStore.open>[0], "url">) => {
    const { url, apiKey } = server();
    return QdrantStore.open({ url, apiKey, ...options });
  };
  /** Makes a collection as another program would. */
  const request = async (method: string, path: string, body: object) => {
    const { url, apiKey } = server();
    const answer = await fetch(`${url}/collections/${path}`, {
      method,
      headers: { "content-type": "application/json", ...(apiKey === undefined ? {} : { "api-key": apiKey }) },
      body: JSON.stringify(body),
    });
    expect([answer.status, await answer.text()]).toEqual([200, expect.anything()]);
  };

  describe(`QdrantStore on ${what}`, () => {
    for (const { name, run } of storeConformance((given) =>
      openAt({ vectors: given, collection: nextCollection() }),
    )) {
      it(name, run);
    }
  });

  describe(`QdrantStore, also on ${what},`, () => {
    it("refuses collections of others, other vectors, another model, and bad names", async () => {
      const collection = nextCollection();
      const codeOf = (options: object) =>
        openAt({ collection, ...options }).then(
          () => undefined,
          (error: { code: string }) => error.code,
        );
      expect(await codeOf({})).toBe("INVALID_ARGUMENT");
      expect(await codeOf({ vectors, model: "one" })).toBeUndefined();
      expect(await codeOf({ model: "two" })).toBe("STORE_MISMATCH");
      expect(await codeOf({ vectors: { sparse: { kind: "sparse", dimension: 11 } } })).toBe("STORE_MISMATCH");
      const others = nextCollection();
      await request("PUT", others, { vectors: { dense: { size: 2, distance: "Cosine" } } });
      expect(await codeOf({ collection: others })).toBe("STORE_MISMATCH");
      for (const collection of ["", "a/b", "..", "a b", "é", "a?b", "a".repeat(201)]) {
        expect(await codeOf({ collection, vectors })).toBe("INVALID_ARGUMENT");
      }
    });

    describe("fuses by itself", () => {
      /** Ranks a, b, c by `sparse` (3, 2, 1) and c, b, a by `dense` (cosines 1, 0.8, 0.6). */
      async function filled() {
        const store = await openAt({ vectors, collection: nextCollection() });
        const cosines: Record<string, [number, number]> = { a: [0.6, 0.8], b: [0.8, 0.6], c: [1, 0] };
        const documents = Object.entries(cosines).map(
          ([id, [x, y]], position): StoredDocument => ({
            id,
            text: `text ${id}`,
            metadata: { position },
            vectors: { sparse: SparseVector.from({ 1: 3 - position }, 10), dense: Float32Array.of(x, y) },
          }),
        );
        await store.upsert(documents);
        return store;
      }
      const sparse = { vector: "sparse", query: SparseVector.from({ 1: 1 }, 10) };
      const dense = { vector: "dense", query: Float32Array.of(1, 0) };
      const scoresOf = (hits: { id: string; score: number }[]) => hits.map(({ id, score }) => [id, score]);

      it("by ranks, as rrf of this library does", async () => {
        await using store = await filled();
        const hits = await store.searchHybrid([sparse, { ...dense, k: 2 }], {
          fusion: { native: "rrf", k: 10 },
          k: 2,
        });
        // a 1/11 (the dense search gives 2 hits, c and b), b 1/12 + 1/12, c 1/13 + 1/11.
        expect(hits).toEqual([
          { id: "c", score: Math.fround(1 / 13 + 1 / 11), text: "text c", metadata: { position: 2 } },
          { id: "b", score: Math.fround(2 / 12), text: "text b", metadata: { position: 1 } },
        ]);
        const byDefault = await store.searchHybrid([sparse], { fusion: { native: "rrf" } });
        expect(scoresOf(byDefault)).toEqual([
          ["a", Math.fround(1 / 61)],
          ["b", Math.fround(1 / 62)],
          ["c", Math.fround(1 / 63)],
        ]);
      });

      it("with weights and filters of each search", async () => {
        await using store = await filled();
        const hits = await store.searchHybrid(
          [
            { ...sparse, weight: 2, filter: { position: { $lt: 2 } } },
            { ...dense, filter: { position: 2 } },
          ],
          { fusion: { native: "rrf", k: 10 } },
        );
        // Sparse a, b at half a rank each; dense c only.
        expect(scoresOf(hits)).toEqual([
          ["a", Math.fround(1 / 10.5)],
          ["b", Math.fround(1 / 11)],
          ["c", Math.fround(1 / 11)],
        ]);
      });

      it("by the distribution of scores, as distributionScore of this library does", async () => {
        await using store = await filled();
        const hits = await store.searchHybrid([sparse, dense], { fusion: { native: "dbsf" } });
        const rankings = {
          sparse: await store.searchSparse("sparse", sparse.query),
          dense: await store.searchDense("dense", dense.query),
        };
        for (const { id, score } of distributionScore()(rankings)) {
          expect(hits.find((hit) => hit.id === id)!.score).toBeCloseTo(score, 6);
        }
        // Of 3, 2, 1 the deviation is 1: (3 + 1) / 6 for the first. Of 1, 0.8, 0.6 it is 0.2: the same. So all have 1.
        for (const { score } of hits) expect(score).toBeCloseTo(1, 6);
        expect(hits.map(({ id }) => id).sort()).toEqual(["a", "b", "c"]);
      });

      it("and refuses what it cannot, by name", async () => {
        await using store = await filled();
        const refuse = async (
          code: string,
          message: string,
          ...call: Parameters<typeof store.searchHybrid>
        ) =>
          expect(store.searchHybrid(...call)).rejects.toMatchObject({
            code,
            message: expect.stringContaining(message),
          });
        const rrf = { fusion: { native: "rrf" } } as const;
        await refuse("STORE_UNSUPPORTED", "qdrant", [sparse], { fusion: { native: "weighted" } });
        await refuse("STORE_UNSUPPORTED", "dbsf", [{ ...sparse, weight: 2 }], { fusion: { native: "dbsf" } });
        await refuse("INVALID_ARGUMENT", "native", [sparse], { fusion: { native: "max" as "rrf" } });
        await refuse("INVALID_ARGUMENT", "k", [sparse], { fusion: { native: "rrf", k: 0 } });
        await refuse("UNKNOWN_OPTION", "k", [sparse], { fusion: { native: "dbsf", k: 1 } });
        await refuse("INVALID_ARGUMENT", "at least one", [], rrf);
        await refuse("INVALID_ARGUMENT", "weight", [{ ...sparse, weight: 0 }], rrf);
        await refuse("INVALID_ARGUMENT", "no vectors are named", [{ ...sparse, vector: "other" }], rrf);
        await refuse("INVALID_VECTOR", "dimensions", [{ ...dense, query: Float32Array.of(1) }], rrf);
        await refuse("UNKNOWN_OPTION", "limit", [{ ...sparse, limit: 1 } as typeof sparse], rrf);
        const nothing = { vector: "sparse", query: SparseVector.from({}, 10) };
        expect(await store.searchHybrid([nothing], rrf)).toEqual([]);
      });
    });

    describe("reads a collection of LangChain's Python package", () => {
      const ids = [
        "0a0b0c0d-0000-4000-8000-000000000001",
        "0a0b0c0d-0000-4000-8000-000000000002",
        7,
      ] as const;
      const layoutVectors = {
        sparse: { kind: "sparse", dimension: 10 },
        dense: { kind: "dense", dimension: 2 },
      } as const;
      const open = (options: object = {}) =>
        openAt({ collection: langchain, vectors: layoutVectors, layout: {}, ...options });
      let langchain: string;
      beforeAll(async () => {
        langchain = nextCollection();
        const sparse = (values: number[]) => ({ indices: [1, 4].slice(0, values.length), values });
        await request("PUT", langchain, {
          vectors: { size: 2, distance: "Cosine" },
          sparse_vectors: { "langchain-sparse": {} },
        });
        await request("PUT", `${langchain}/points?wait=true`, {
          points: [
            {
              id: ids[0],
              vector: { "": [1, 0], "langchain-sparse": sparse([1, 2]) },
              payload: {
                page_content: "first",
                metadata: { year: 1990, tags: ["a", "b"], "odd name": true },
              },
            },
            {
              id: ids[1],
              vector: { "": [0.6, 0.8], "langchain-sparse": sparse([3]) },
              payload: { page_content: "second", metadata: { year: 2000.5, tags: "c" } },
            },
            { id: ids[2], vector: { "": [0, 1] }, payload: { page_content: "third", metadata: null } },
          ],
        });
      });

      it("by sparse and dense searches, and fused by both", async () => {
        await using store = await open();
        const sparse = SparseVector.from({ 1: 1, 4: 2 }, 10);
        const dense = Float32Array.of(3, 4);
        expect(await store.searchSparse("sparse", sparse)).toEqual([
          {
            id: ids[0],
            score: 5,
            text: "first",
            metadata: { year: 1990, tags: ["a", "b"], "odd name": true },
          },
          { id: ids[1], score: 3, text: "second", metadata: { year: 2000.5, tags: "c" } },
        ]);
        const found = await store.searchDense("dense", dense);
        expect(found.map(({ id, text }) => [id, text])).toEqual([
          [ids[1], "second"],
          ["7", "third"],
          [ids[0], "first"],
        ]);
        for (const [rank, score] of [1, 0.8, 0.6].entries()) expect(found[rank]!.score).toBeCloseTo(score, 6);
        const searches = [
          { vector: "sparse", query: sparse },
          { vector: "dense", query: dense },
        ];
        // Second: rank 2 and 1; first: 1 and 3; third: 2.
        const fused = await store.searchHybrid(searches, { fusion: { native: "rrf", k: 1 } });
        expect(fused.map(({ id, score }) => [id, score])).toEqual([
          [ids[1], Math.fround(Math.fround(1 / 3) + 1 / 2)],
          [ids[0], Math.fround(1 / 2 + 1 / 4)],
          ["7", Math.fround(1 / 3)],
        ]);
      });

      it("by id, as a whole, and by what passes a filter", async () => {
        await using store = await open();
        const [document, third, ...none] = await store.get([ids[0], "7", "8", "name", ids[0].toUpperCase()]);
        expect(document).toEqual({
          id: ids[0],
          text: "first",
          metadata: { year: 1990, tags: ["a", "b"], "odd name": true },
          vectors: { sparse: SparseVector.from({ 1: 1, 4: 2 }, 10), dense: Float32Array.of(1, 0) },
        });
        expect(third).toEqual({
          id: "7",
          text: "third",
          metadata: {},
          vectors: { dense: Float32Array.of(0, 1) },
        });
        expect(none).toEqual([undefined, undefined, undefined]);
        const passing = async (filter: Filter) => {
          const texts: string[] = [];
          for await (const { text } of store.iterate({ filter })) texts.push(text);
          return texts;
        };
        expect(await passing({})).toEqual(["first", "second", "third"]);
        expect(await passing({ tags: "b" })).toEqual(["first"]);
        expect(await passing({ tags: { $in: ["c", "d"] } })).toEqual(["second"]);
        expect(await passing({ tags: { $nin: [] } })).toEqual(["first", "second", "third"]);
        expect(await passing({ year: 2000.5 })).toEqual(["second"]);
        expect(await passing({ year: { $gt: 1990 } })).toEqual(["second"]);
        expect(await passing({ $not: { year: { $gt: 1990 } } })).toEqual(["first", "third"]);
        expect(await passing({ $or: [{ "odd name": true }, { year: { $gte: 2000 } }] })).toEqual([
          "first",
          "second",
        ]);
        expect(await store.count({ filter: { tags: { $ne: "a" } } })).toBe(2);
        const unsupported = [
          { year: null },
          { tags: { $gt: "a" } },
          { year: { $exists: true } },
          { "a\\b": 1 },
          { 'a"b': 1 },
        ];
        for (const filter of unsupported) {
          await expect(store.count({ filter })).rejects.toMatchObject({ code: "STORE_UNSUPPORTED" });
        }
      });

      it("and changes nothing in it", async () => {
        await using store = await open();
        for (const call of [
          store.upsert([document("a")]),
          store.delete({ ids: [ids[0]] }),
          store.delete({ filter: {} }),
        ]) {
          await expect(call).rejects.toMatchObject({ code: "STORE_UNSUPPORTED" });
        }
        expect(await store.count()).toBe(3);
        await copyStore(store, new MemoryStore());
      });

      it("by other names, and refuses vectors that are not there", async () => {
        const other = nextCollection();
        await request("PUT", other, { vectors: { text_vector: { size: 2, distance: "Dot" } } });
        await request("PUT", `${other}/points?wait=true`, {
          points: [
            { id: ids[0], vector: { text_vector: [1, 0] }, payload: { content: "of another", meta: {} } },
            { id: 7, vector: { text_vector: [0, 1] }, payload: { content: "of another", meta: {} } },
          ],
        });
        const layout = { text: "content", metadata: "meta", names: { dense: "text_vector" } };
        await using store = await open({
          collection: other,
          layout,
          vectors: { dense: { ...layoutVectors.dense, metric: "dot" } },
        });
        const [hit] = await store.searchDense("dense", Float32Array.of(0, 2), { k: 1 });
        expect(hit).toEqual({ id: "7", score: 2, text: "of another", metadata: {} });
        const codeOf = (options: object) =>
          open(options).then(
            () => undefined,
            (error: { code: string }) => error.code,
          );
        expect(await codeOf({ collection: other, layout })).toBe("STORE_MISMATCH");
        expect(await codeOf({ vectors: { dense: { kind: "dense", dimension: 3 } } })).toBe("STORE_MISMATCH");
        expect(await codeOf({ collection: nextCollection() })).toBe("INVALID_ARGUMENT");
        expect(await codeOf({ vectors: undefined })).toBe("INVALID_ARGUMENT");
        expect(await codeOf({ model: "one" })).toBe("INVALID_ARGUMENT");
        expect(await codeOf({ layout: { text: "" } })).toBe("INVALID_ARGUMENT");
        expect(await codeOf({ layout: { names: { dense: 1 } } })).toBe("INVALID_ARGUMENT");
        expect(await codeOf({ layout: { content: "text" } })).toBe("UNKNOWN_OPTION");
      });
    });

    it("gives back vectors that the server scaled to length 1 as they were", async () => {
      await using store = await openAt({ vectors, collection: nextCollection() });
      await store.upsert([document("a")]);
      expect((await store.get(["a"]))[0]!.vectors.dense).toEqual(Float32Array.of(3, 4));
    });
  });
}
