import type { StoreKind } from "../helpers/adapter-stores.ts";
import { openMilvus } from "./engines.ts";

let collections = 0;

/** The Milvus of this run, a collection per store. */
export const milvus: StoreKind = [
  "Milvus",
  (vectors) => openMilvus({ collection: `adapter${process.pid}_${collections++}`, vectors }),
];
