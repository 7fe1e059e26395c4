import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { MemoryStore } from "@sparse-encoder/core";
import type { SyntheticCollection } from "./synthetic-collection.ts";

const rounds = 5;
/** A sentence of 240 characters, about as long as a passage. */
const sentence = "The boundary layer of a thin plate grows with its length. ".repeat(5).slice(0, 240);

/** Seconds, the median of 5, that a store of documents with texts, metadata and sparse vectors takes to open from its folder. */
export async function secondsToOpen(
  collection: SyntheticCollection,
  documentCount: number,
  activeDims: number,
): Promise<number> {
  const folder = await mkdtemp(path.join(tmpdir(), "sparse-encoder-store-"));
  try {
    let store = await MemoryStore.open(folder);
    for (let start = 0; start < documentCount; start += 10_000) {
      const rows = collection.next(Math.min(10_000, documentCount - start), activeDims).toRows();
      await store.upsert(
        rows.map((sparse, row) => ({
          id: `d${start + row}`,
          text: `${start + row}: ${sentence}`,
          metadata: { number: start + row, even: row % 2 === 0 },
          vectors: { sparse },
        })),
      );
    }
    await store.snapshot();
    await store.close();
    const seconds: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const started = performance.now();
      store = await MemoryStore.open(folder);
      seconds.push((performance.now() - started) / 1000);
      if ((await store.count()) !== documentCount) throw new Error("Documents are missing.");
      await store.close();
    }
    return seconds.sort((a, b) => a - b)[Math.floor(rounds / 2)]!;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
