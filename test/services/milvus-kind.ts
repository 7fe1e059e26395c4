import { MilvusStore } from "@sparse-encoder/core/stores";
import { inject } from "vitest";
import type { StoreKind } from "../helpers/adapter-stores.ts";

let collections = 0;

/** The Milvus Lite of this run, a collection a store. */
export const milvus: StoreKind = [
  "Milvus Lite",
  (vectors) =>
    MilvusStore.open({
      address: inject("milvus"),
      collection: `adapter${process.pid}_${collections++}`,
      vectors,
    }),
];
