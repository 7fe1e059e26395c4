import { deepStrictEqual, strictEqual } from "node:assert/strict";
import type { Store } from "../stores/index.ts";
import type { DimCounts, SparseVector } from "../vector/index.ts";
import { Random } from "./random.ts";
import type { StoreCaseTable } from "./store-case-table.ts";
import { conformanceVectors, randomDocument, sparseVector } from "./store-documents.ts";
import { isRefused, StoreOracle } from "./store-oracle.ts";

/** Changes after each of which the dims are counted. */
const changes = 12;

/** Dims are counted as they are by hand, and what made vectors is kept. */
export const countCases: StoreCaseTable = {
  async "counts in how many documents each dim is active"(store) {
    if (store.capabilities.countsDims !== true) return;
    const random = new Random(71);
    const oracle = new StoreOracle();
    await sameCounts(store, oracle);
    for (let change = 0; change < changes; change++) {
      const ids = Array.from({ length: 5 }, () => `d${random.below(30)}`);
      if (random.below(3) === 0) {
        oracle.delete(ids);
        await store.delete({ ids });
      } else {
        const documents = [...new Set(ids)].map((id) => randomDocument(random, id));
        oracle.upsert(documents);
        await store.upsert(documents);
      }
      await sameCounts(store, oracle);
    }
  },

  async "counts vectors without active dims, and the first and the last dim"(store) {
    if (store.capabilities.countsDims !== true) return;
    const vectors = [sparseVector({}), sparseVector({ 0: 1 }), sparseVector({ 0: 2, 39: 1 })];
    await store.upsert(
      vectors.map((sparse, number) => ({ id: `${number}`, text: "", metadata: {}, vectors: { sparse } })),
    );
    deepStrictEqual(plain(await store.countDims!("sparse", [39, 0, 7, 0])), {
      vectors: 3,
      active: [1, 2, 0, 2],
    });
    deepStrictEqual(plain(await store.countDims!("sparse", [])), { vectors: 3, active: [] });
    await isRefused(store.countDims!("dense", [1]), "INVALID_ARGUMENT");
    await isRefused(store.countDims!("other", [1]), "INVALID_ARGUMENT");
  },

  async "keeps what made vectors, and refuses another as long as there are some"(store) {
    if (store.bindEncoder === undefined) return;
    const { dimension } = conformanceVectors.sparse;
    const bind = (fingerprint: string) => store.bindEncoder!("sparse", { dimension, fingerprint });
    await bind("one");
    if (encoderIn(store) === undefined) return;
    strictEqual(encoderIn(store), "one");
    await bind("two");
    strictEqual(encoderIn(store), "two");
    await store.upsert([{ id: "a", text: "", metadata: {}, vectors: { sparse: sparseVector({ 3: 1 }) } }]);
    await isRefused(bind("one"), "STORE_MISMATCH");
    await bind("two");
    await store.delete({ ids: ["a"] });
    await bind("one");
    strictEqual(encoderIn(store), "one");
    strictEqual(await store.count(), 0);
    await isRefused(
      store.bindEncoder!("sparse", { dimension: dimension + 1, fingerprint: "one" }),
      "STORE_MISMATCH",
    );
  },
};

function encoderIn({ vectors }: Store): string | undefined {
  const field = vectors?.sparse;
  return field?.kind === "sparse" ? field.encoder : undefined;
}

async function sameCounts(store: Store, oracle: StoreOracle): Promise<void> {
  for (const name of ["sparse", "keyword"] as const) {
    const vectors = [...oracle.documents.values()].flatMap(
      (document) => document.vectors[name] ?? [],
    ) as SparseVector[];
    const dims = [0, 7, 39, ...new Set(vectors.flatMap(({ indices }) => [...indices]))];
    const active = dims.map((dim) => vectors.filter(({ indices }) => indices.includes(dim)).length);
    deepStrictEqual(plain(await store.countDims!(name, dims)), { vectors: vectors.length, active });
  }
}

function plain({ vectors, active }: DimCounts): DimCounts {
  return { vectors, active: [...active] };
}
