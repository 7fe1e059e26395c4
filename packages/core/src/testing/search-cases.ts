import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import type { Store, StoredDocument } from "../stores/index.ts";
import { Random } from "./random.ts";
import type { StoreCaseTable } from "./store-case-table.ts";
import {
  conformanceVectors,
  randomDense,
  randomDocument,
  randomFilter,
  randomSparse,
  sparseVector,
} from "./store-documents.ts";
import { isRefused, StoreOracle, sameHits } from "./store-oracle.ts";

async function fill(
  store: Store,
  seed: number,
  count: number,
): Promise<{ random: Random; oracle: StoreOracle }> {
  const random = new Random(seed);
  const oracle = new StoreOracle();
  const documents = Array.from({ length: count }, (_, number) => randomDocument(random, `d${number}`));
  oracle.upsert(documents);
  await store.upsert(documents);
  return { random, oracle };
}

const bare = (id: string, vectors: StoredDocument["vectors"]): StoredDocument => ({
  id,
  text: `text of ${id}`,
  metadata: { id },
  vectors,
});

/** Searches find what a search by hand finds. */
export const searchCases: StoreCaseTable = {
  async "finds the best by sparse vectors"(store) {
    const { random, oracle } = await fill(store, 11, 200);
    for (const name of ["sparse", "keyword"] as const) {
      const { dimension } = conformanceVectors[name];
      for (const k of [1, 5, 10, 200, 1000]) {
        const query = randomSparse(random, dimension, name === "sparse" ? 5 : 400);
        sameHits(await store.searchSparse(name, query, { k }), oracle.searchSparse(name, query), k);
      }
    }
  },

  async "finds the best among scores that are nearly equal"(store) {
    // Kept with 9 bits, the weights of the best would be 1 and those of the others as they are, so that it came last.
    const best = bare("best", { sparse: sparseVector({ 1: 1.00389, 2: 1.00389 }) });
    const other = { sparse: sparseVector({ 1: 1.00390625, 2: 1 }) };
    const others = Array.from({ length: 40 }, (_, number) => bare(`d${number + 10}`, other));
    await store.upsert([...others, best]);
    for (const k of [1, 5]) {
      const hits = await store.searchSparse("sparse", sparseVector({ 1: 1, 2: 1 }), { k });
      deepStrictEqual(
        hits.map(({ id }) => id),
        ["best", "d10", "d11", "d12", "d13"].slice(0, k),
      );
    }
  },

  async "takes query weights of any size"(store) {
    await store.upsert([
      bare("a", { sparse: sparseVector({ 1: 1, 2: 2 }) }),
      bare("b", { sparse: sparseVector({ 1: 1.5 }) }),
      bare("c", { sparse: sparseVector({ 2: 3 }) }),
    ]);
    for (const size of [1e-6, 1e-3, 65, 1e3, 1e6]) {
      const hits = await store.searchSparse("sparse", sparseVector({ 1: 4 * size, 2: size }));
      const wanted = [6 * size, 6 * size, 3 * size];
      deepStrictEqual(
        hits.map(({ id }) => id),
        ["a", "b", "c"],
      );
      for (const [rank, { score }] of hits.entries()) ok(Math.abs(score / wanted[rank]! - 1) < 1e-5);
    }
  },

  async "finds the same by words as by any other sparse vector"(store) {
    const words = [sparseVector({ 999999: 1, 0: 2 }, 1_000_000), sparseVector({ 999999: 3 }, 1_000_000)];
    await store.upsert(words.map((keyword, number) => bare(`${number}`, { keyword })));
    const hits = await store.searchSparse("keyword", sparseVector({ 999999: 2 }, 1_000_000));
    deepStrictEqual(
      hits.map(({ id, score }) => [id, score]),
      [
        ["1", 6],
        ["0", 2],
      ],
    );
  },

  async "finds the closest by dense vectors, by each metric"(store) {
    const { random, oracle } = await fill(store, 12, 200);
    for (const name of ["dense", "dot", "euclidean"] as const) {
      const { dimension, metric } = conformanceVectors[name];
      for (const k of [1, 10, 1000]) {
        const query = randomDense(random, dimension);
        sameHits(await store.searchDense(name, query, { k }), oracle.searchDense(name, query, metric), k);
      }
    }
  },

  async "finds the closest by cosine, however short or long the vectors are"(store) {
    // Squares of them are far from 1, yet float32 has them.
    const lengths = [1e-15, 1e-8, 1e-4, 1, 1e4, 1e8, 1e15];
    const direction = (number: number) =>
      Float32Array.of(1, number, 0, 0, 0).map((part) => part * lengths[number % lengths.length]!);
    await store.upsert(
      lengths.map((_, number) => ({
        id: `d${number}`,
        text: "",
        metadata: {},
        vectors: { dense: direction(number) },
      })),
    );
    const [shortest] = await store.get(["d0"]);
    deepStrictEqual(shortest!.vectors.dense, direction(0));
    for (const length of lengths) {
      const hits = await store.searchDense("dense", Float32Array.of(length, 0, 0, 0, 0));
      deepStrictEqual(
        hits.map(({ id }) => id),
        lengths.map((_, number) => `d${number}`),
      );
      for (const [number, { score }] of hits.entries()) {
        const cosine = 1 / Math.hypot(1, number);
        ok(Math.abs(score - cosine) < 1e-5, `length ${length}: ${score}, not ${cosine}`);
      }
    }
  },

  async "gives dense scores where larger is closer"(store) {
    await store.upsert([
      bare("a", {
        dense: Float32Array.of(2, 0, 0, 0, 0),
        dot: Float32Array.of(1, 2, 3),
        euclidean: Float32Array.of(0, 0, 0),
      }),
      bare("b", {
        dense: Float32Array.of(0, 0, -1, 0, 0),
        dot: Float32Array.of(0, 0, -1),
        euclidean: Float32Array.of(3, 4, 1),
      }),
    ]);
    // Worked by hand: cosines 3/5 and -4/5, products 6 and -1, distances 1 and 5.
    const cosine = await store.searchDense("dense", Float32Array.of(3, 0, 4, 0, 0));
    sameHits(cosine, [
      { id: "a", score: 0.6 },
      { id: "b", score: -0.8 },
    ]);
    const dot = await store.searchDense("dot", Float32Array.of(1, 1, 1));
    sameHits(dot, [
      { id: "a", score: 6 },
      { id: "b", score: -1 },
    ]);
    const euclidean = await store.searchDense("euclidean", Float32Array.of(0, 0, 1));
    sameHits(euclidean, [
      { id: "a", score: -1 },
      { id: "b", score: -5 },
    ]);
  },

  async "gives text and metadata with each hit"(store) {
    await store.upsert([bare("a", { sparse: sparseVector({ 1: 2 }), dot: Float32Array.of(1, 0, 0) })]);
    const expected = { id: "a", score: 4, text: "text of a", metadata: { id: "a" } };
    const [sparse] = await store.searchSparse("sparse", sparseVector({ 1: 2 }));
    deepStrictEqual({ ...sparse, metadata: { ...sparse?.metadata } }, expected);
    const [dense] = await store.searchDense("dot", Float32Array.of(4, 0, 0));
    deepStrictEqual({ ...dense, metadata: { ...dense?.metadata } }, expected);
  },

  async "puts equal scores in the order of ids, by UTF-16 code units"(store) {
    // "Z" < "a" < "é" < "\u{1f600}" < "\uff5a" by code units; by code points the last two change places.
    const ids = ["\uff5a", "a", "Z", "é", "\u{1f600}", "a1", "B"];
    const vectors = { sparse: sparseVector({ 1: 1 }), dot: Float32Array.of(1, 0, 0) };
    await store.upsert(ids.map((id) => bare(id, vectors)));
    for (let k = 1; k <= ids.length; k++) {
      const sparse = await store.searchSparse("sparse", sparseVector({ 1: 1 }), { k });
      deepStrictEqual(
        sparse.map(({ id }) => id),
        ids.toSorted().slice(0, k),
      );
      const dense = await store.searchDense("dot", Float32Array.of(1, 1, 0), { k });
      deepStrictEqual(
        dense.map(({ id }) => id),
        ids.toSorted().slice(0, k),
      );
    }
  },

  async "finds no document that lacks the vector, and none by an empty query"(store) {
    await store.upsert([
      bare("none", {}),
      bare("empty", { sparse: sparseVector({}) }),
      bare("dense", { dense: Float32Array.of(1, 0, 0, 0, 0) }),
      bare("sparse", { sparse: sparseVector({ 1: 1 }) }),
    ]);
    const ids = async (found: ReturnType<Store["searchSparse"]>) => (await found).map(({ id }) => id);
    deepStrictEqual(await ids(store.searchSparse("sparse", sparseVector({ 1: 1 }))), ["sparse"]);
    deepStrictEqual(await ids(store.searchSparse("sparse", sparseVector({ 2: 1 }))), []);
    deepStrictEqual(await ids(store.searchSparse("sparse", sparseVector({}))), []);
    deepStrictEqual(await ids(store.searchSparse("keyword", sparseVector({ 1: 1 }, 1_000_000))), []);
    deepStrictEqual(await ids(store.searchDense("dense", Float32Array.of(-1, 0, 0, 0, 0))), ["dense"]);
    deepStrictEqual(await ids(store.searchDense("dot", Float32Array.of(1, 0, 0))), []);
  },

  async "finds nothing in an empty store"(store) {
    deepStrictEqual(await store.searchSparse("sparse", sparseVector({ 1: 1 })), []);
    deepStrictEqual(await store.searchDense("dense", Float32Array.of(1, 0, 0, 0, 0)), []);
    deepStrictEqual(await store.get(["a"]), [undefined]);
    for await (const { id } of store.iterate()) strictEqual(id, undefined);
  },

  async "gives ten hits where no number is asked for"(store) {
    await store.upsert(
      Array.from({ length: 11 }, (_, number) =>
        bare(`${number}`, { sparse: sparseVector({ 1: 1 }), dot: Float32Array.of(1, 0, 0) }),
      ),
    );
    strictEqual((await store.searchSparse("sparse", sparseVector({ 1: 1 }))).length, 10);
    strictEqual((await store.searchDense("dot", Float32Array.of(1, 0, 0))).length, 10);
  },

  async "counts negative weights against a document, or says that it takes none"(store) {
    if (store.capabilities.negativeWeights === false) {
      const negative = sparseVector({ 1: -1, 2: 1 });
      await isRefused(store.upsert([bare("a", { sparse: negative })]), "STORE_UNSUPPORTED");
      strictEqual(await store.count(), 0);
      await isRefused(store.searchSparse("sparse", negative), "STORE_UNSUPPORTED");
      return;
    }
    await store.upsert([
      bare("a", { sparse: sparseVector({ 1: -1, 2: 1 }) }),
      bare("b", { sparse: sparseVector({ 1: 1 }) }),
      bare("c", { sparse: sparseVector({ 1: -2 }) }),
      bare("d", { sparse: sparseVector({ 1: 1, 2: 2 }) }),
    ]);
    const scores = async (query: Record<number, number>) =>
      (await store.searchSparse("sparse", sparseVector(query))).map(({ id, score }) => [id, score]);
    // A hit is what shares a dim, whatever the sign of its score: zero too.
    deepStrictEqual(await scores({ 1: 1 }), [
      ["b", 1],
      ["d", 1],
      ["a", -1],
      ["c", -2],
    ]);
    deepStrictEqual(await scores({ 1: -2, 2: 1 }), [
      ["c", 4],
      ["a", 3],
      ["d", 0],
      ["b", -2],
    ]);
  },

  async "searches among what passes a filter, exactly k of it"(store) {
    const { random, oracle } = await fill(store, 13, 200);
    for (let run = 0; run < 40; run++) {
      const filter = randomFilter(random, store.capabilities.filters);
      const k = 1 + random.below(20);
      const sparse = randomSparse(random, 40, 8);
      sameHits(
        await store.searchSparse("sparse", sparse, { k, filter }),
        oracle.searchSparse("sparse", sparse, filter),
        k,
      );
      const dense = randomDense(random, 5);
      sameHits(
        await store.searchDense("dense", dense, { k, filter }),
        oracle.searchDense("dense", dense, "cosine", filter),
        k,
      );
    }
  },
};
