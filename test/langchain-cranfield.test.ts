import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import {
  Bm25Encoder,
  HybridRetriever as CoreHybridRetriever,
  MemoryStore,
  ndcg,
  SparseEncoder,
} from "@sparse-encoder/core";
import { HybridRetriever, SparseEmbeddings, SparseVectorStore } from "@sparse-encoder/langchain";
import { expect, it } from "vitest";
import { readCranfield } from "../examples/cranfield.ts";

it("gives the nDCG@10 of core on Cranfield, through the vector store and the hybrid retriever", async () => {
  const { documents, queries, judgements } = readCranfield();
  const judged = queries.filter(({ id }) => judgements.has(id));
  const texts = judged.map(({ text }) => text);
  await using encoder = await SparseEncoder.load(undefined, { maxSeqLength: 64 });
  const keywords = new Bm25Encoder();
  await keywords.fit(documents.map(({ text }) => text));

  const store = new MemoryStore();
  const core = new CoreHybridRetriever({
    arms: { sparse: { encoder, store }, keyword: { encoder: keywords, store } },
  });
  await core.add(documents);
  const mean = (rankings: (string | undefined)[][]) =>
    rankings.reduce(
      (sum, ranking, row) => sum + ndcg(ranking as string[], judgements.get(judged[row]!.id)!, 10),
      0,
    ) / rankings.length;
  const ids = (found: readonly (readonly { id?: string }[])[]) =>
    found.map((list) => list.map(({ id }) => id));
  const byCore = ids(await core.retrieveMany(texts));
  const byCoreSparse = ids(await core.retrieveMany(texts, { weights: { keyword: 0 } }));

  const embeddings = new SparseEmbeddings({ encoder });
  const own = new MemoryStore();
  const vectors = new SparseVectorStore(embeddings, { store: own });
  await vectors.addDocuments(documents.map(({ id, text }) => ({ id, pageContent: text, metadata: {} })));
  const retriever = new HybridRetriever({
    arms: { sparse: { embeddings, store }, keyword: { encoder: keywords, store } },
    k: 10,
  });
  const byRetriever = ids(await retriever.batch(texts));
  const bySparse = ids(await Promise.all(texts.map((text) => vectors.similaritySearch(text, 10))));

  expect(byRetriever).toEqual(byCore);
  expect(bySparse).toEqual(byCoreSparse);
  expect(mean(byRetriever)).toBe(mean(byCore));
  expect(mean(byRetriever)).toBeGreaterThan(mean(bySparse));
}, 180_000);

it("examples/langchain-rag.ts stores, finds and answers without a key", async () => {
  const file = fileURLToPath(new URL("../examples/langchain-rag.ts", import.meta.url));
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ["--import", "tsx", file]);
  expect(stderr).toBe("");
  const [, stored, abstracts] = /Stored (\d+) pieces of (\d+) abstracts/.exec(stdout)!;
  expect(Number(stored)).toBeGreaterThan(Number(abstracts));
  expect(stdout.match(/^\[\d+\] .*… \((keyword|sparse) \d+/gm)).toHaveLength(4);
  expect(stdout).toContain("Answer: (A chat model would answer here");
}, 180_000);
