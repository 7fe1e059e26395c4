import { Bm25Encoder, type Store } from "@sparse-encoder/core";
import { describe, inject, it } from "vitest";
import { bm25History } from "../helpers/bm25-history.ts";
import { openMilvus, openOpenSearch, openPostgres, openQdrant } from "./engines.ts";

const { missing, opensearch, qdrant } = inject("servers");

const vectors = { keyword: { kind: "sparse", dimension: new Bm25Encoder().embeddingDimension } } as const;

/** Histories on each server: a collection takes a second to make on some. */
const histories = 20;

/** Milliseconds: Milvus Lite takes about half a second for each collection that is opened. */
const timeLimit = 400_000;

async function run(open: (name: string) => Promise<Store>): Promise<void> {
  for (let seed = 0; seed < histories; seed++) {
    await bm25History(seed, { isShared: true, open: () => open(`bm25_${seed}`) });
  }
}

describe(`${histories} random histories of two processes rank as one fresh fit`, () => {
  it("on Postgres", () => run((table) => openPostgres({ table })), timeLimit);
  it("on Milvus", () => run((collection) => openMilvus({ collection, vectors })), timeLimit);
  it.skipIf(opensearch === undefined)(
    `on OpenSearch${opensearch === undefined ? ` (${missing.opensearch})` : ""}`,
    () => run((index) => openOpenSearch({ index, vectors })),
    timeLimit,
  );
  it.skipIf(qdrant === undefined)(
    `on Qdrant's own engine${qdrant === undefined ? ` (${missing.qdrant})` : ""}`,
    () => run((collection) => openQdrant({ collection, vectors })),
    timeLimit,
  );
});
