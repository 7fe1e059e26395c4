import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import {
  Bm25Encoder,
  HybridRetriever as CoreHybridRetriever,
  DenseEncoder,
  MemoryStore,
  SparseEncoder,
} from "@sparse-encoder/core";
import { ndcg } from "@sparse-encoder/core/evaluation";
import {
  DenseEmbeddings,
  HybridRetriever,
  HybridVectorStore,
  SparseEmbeddings,
  SparseVectorStore,
} from "@sparse-encoder/langchain";
import { expect, it } from "vitest";
import { readCranfield } from "../../examples/cranfield.ts";
import { denseOnce, sparseOnce } from "../core/encode-once.ts";
import { goldenModelFolder } from "../helpers/golden-data.ts";

it("gives the rankings and nDCG@10 of core on Cranfield, through the vector stores and the hybrid retriever", async () => {
  const { documents, queries, judgements } = readCranfield();
  const judged = queries.filter(({ id }) => judgements.has(id));
  const texts = judged.map(({ text }) => text);
  await using sparseModel = await SparseEncoder.load(undefined, { maxSeqLength: 64 });
  await using denseModel = await DenseEncoder.load(goldenModelFolder("all-minilm-l6-v2"), {
    maxSeqLength: 64,
  });
  const [sparse, dense] = [sparseOnce(sparseModel), denseOnce(denseModel)];
  const keywords = new Bm25Encoder();
  await keywords.fit(documents.map(({ text }) => text));

  const sparseEmbeddings = new SparseEmbeddings({ encoder: sparse });
  const embeddings = new DenseEmbeddings({ encoder: dense });
  const given = documents.map(({ id, text }) => ({ id, pageContent: text, metadata: {} }));
  const own = new MemoryStore();
  const hybridStore = new HybridVectorStore(embeddings, { store: own, sparseEmbeddings });
  await hybridStore.addDocuments(given);
  const sparseStore = new SparseVectorStore(sparseEmbeddings, { store: own });
  const denseStore = new HybridVectorStore(embeddings, { store: own });

  const store = new MemoryStore();
  const arms = {
    sparse: { encoder: sparse, store },
    dense: { encoder: dense, store },
    keyword: { encoder: keywords, store },
  };
  const ofCore = new CoreHybridRetriever({ arms });
  await ofCore.add(documents);
  const ids = (found: readonly (readonly { id?: string }[])[]) =>
    found.map((list) => list.map(({ id }) => id!));
  const core = async (...names: (keyof typeof arms)[]) => {
    const used = Object.fromEntries(names.map((name) => [name, arms[name]]));
    return ids(await new CoreHybridRetriever({ arms: used }).retrieveMany(texts));
  };
  const search = async (vectors: HybridVectorStore | SparseVectorStore) =>
    ids(await Promise.all(texts.map((text) => vectors.similaritySearch(text, 10))));
  const retriever = new HybridRetriever({
    arms: {
      sparse: { embeddings: sparseEmbeddings, store },
      dense: { embeddings, store },
      keyword: { encoder: keywords, store },
    },
    k: 10,
  });
  const quality = (rankings: readonly string[][]) =>
    rankings.reduce((sum, ranking, row) => sum + ndcg(ranking, judgements.get(judged[row]!.id)!, 10), 0) /
    rankings.length;

  const found = {
    sparse: await search(sparseStore),
    dense: await search(denseStore),
    hybrid: await search(hybridStore),
    all: ids(await retriever.batch(texts)),
  };
  expect(found.sparse).toEqual(await core("sparse"));
  expect(found.dense).toEqual(await core("dense"));
  expect(found.hybrid).toEqual(await core("sparse", "dense"));
  expect(found.all).toEqual(await core("sparse", "dense", "keyword"));
  // Nothing is equal because it is empty: two kinds of vectors find more than one, and three more than two.
  expect(quality(found.hybrid)).toBeGreaterThan(Math.max(quality(found.sparse), quality(found.dense)));
  expect(quality(found.all)).toBeGreaterThan(quality(found.hybrid));
}, 300_000);

it("examples/langchain-rag.ts stores, finds and answers without a key", async () => {
  const file = fileURLToPath(new URL("../../examples/langchain-rag.ts", import.meta.url));
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ["--import", "tsx", file]);
  expect(stderr).toBe("");
  const [, stored, abstracts] = /Stored (\d+) pieces of (\d+) abstracts/.exec(stdout)!;
  expect(Number(stored)).toBeGreaterThan(Number(abstracts));
  expect(stdout.match(/^\[\d+\] .*… \((keyword|sparse) \d+/gm)).toHaveLength(4);
  expect(stdout).toContain("Answer: (A chat model would answer here");
}, 180_000);
