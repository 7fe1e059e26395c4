import { fileURLToPath } from "node:url";
import { type BeirCollection, readBeirFolder } from "@sparse-encoder/core/evaluation";

/** The Cranfield collection in examples/data/cranfield: 1,400 abstracts on aerodynamics with 225 judged queries. */
export type Collection = BeirCollection;

const cranfield = await readBeirFolder(fileURLToPath(new URL("data/cranfield", import.meta.url)));

export function readCranfield(): Collection {
  return cranfield;
}
