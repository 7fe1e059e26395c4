import { strictEqual } from "node:assert/strict";
import type { Store, VectorSchema } from "../stores/index.ts";
import { contentCases } from "./content-cases.ts";
import { countCases } from "./count-cases.ts";
import { filterCases } from "./filter-cases.ts";
import { fusionCases } from "./fusion-cases.ts";
import { inputCases } from "./input-cases.ts";
import { searchCases } from "./search-cases.ts";
import { conformanceVectors } from "./store-documents.ts";

/** Makes an empty store with these vectors. The suite closes it. */
export type OpenStore = (vectors: VectorSchema) => Promise<Store>;

/** One promise of the contract, and how it is tested. */
export interface StoreCase {
  /** What the case shows. */
  readonly name: string;
  /** Opens a store, tries it, and closes it. Rejects with an `AssertionError` if the promise is broken. */
  run(): Promise<void>;
}

/**
 * What every {@link Store} promises, for the tests of a backend, in any test framework: documents are kept and given back,
 * searches find what a search by hand finds, filters mean what they say, and bad input changes nothing. The cases are the
 * same in every run. Each takes a store of its own, so they may run side by side if the stores are apart.
 *
 * Stores must be exact on some hundred documents, take negative weights or say that they take none, and know vectors of both kinds and all metrics.
 *
 * @param open makes an empty store; called once a case
 * @example
 * for (const { name, run } of storeConformance(async (vectors) => new MemoryStore({ vectors }))) it(name, run);
 */
export function storeConformance(open: OpenStore): StoreCase[] {
  const tables = {
    ...contentCases,
    ...searchCases,
    ...filterCases,
    ...countCases,
    ...fusionCases,
    ...inputCases,
  };
  return Object.entries(tables).map(([name, test]) => ({
    name,
    async run() {
      const store = await open(conformanceVectors);
      try {
        strictEqual(await store.count(), 0, "the store must be empty at first");
        await test(store);
      } finally {
        await store.close();
      }
    },
  }));
}
