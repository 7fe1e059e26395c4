import {
  HybridRetriever as CoreRetriever,
  DenseEncoder,
  InvertedIndex,
  MemoryStore,
  SparseEncoder,
} from "@sparse-encoder/core";
import { ndcg } from "@sparse-encoder/core/evaluation";
import {
  DenseEmbedding,
  HybridRetriever,
  HybridVectorStore,
  SparseEmbedding,
} from "@sparse-encoder/llamaindex";
import {
  Settings,
  storageContextFromDefaults,
  TextNode,
  VectorStoreIndex,
  VectorStoreQueryMode,
} from "llamaindex";
import { expect, it } from "vitest";
import { readCranfield } from "../../examples/cranfield.ts";
import { denseOnce, sparseOnce } from "../core/encode-once.ts";
import { goldenModelFolder, readJson } from "../helpers/golden-data.ts";

it("gives core's ranking and nDCG@10 on Cranfield, through an index and through the hybrid retriever", async () => {
  const { documents: all, queries, judgements } = readCranfield();
  const documents = all.map(({ id, text }) => ({ id, text: text.trim() }));
  const judged = queries.filter(({ id }) => judgements.has(id));
  await using sparseModel = await SparseEncoder.load(undefined, { maxSeqLength: 256 });
  // Fewer tokens, for time.
  await using denseModel = await DenseEncoder.load(goldenModelFolder("all-minilm-l6-v2"), {
    maxSeqLength: 64,
  });
  const [sparse, dense] = [sparseOnce(sparseModel), denseOnce(denseModel)];

  Settings.embedModel = new DenseEmbedding({ encoder: dense });
  const vectorStore = new HybridVectorStore({
    store: new MemoryStore(),
    sparseEmbedding: new SparseEmbedding({ encoder: sparse }),
  });
  const storageContext = await storageContextFromDefaults({ vectorStore });
  const index = await VectorStoreIndex.init({
    nodes: documents.map(({ id, text }) => new TextNode({ id_: id, text })),
    storageContext,
  });
  const ofIndex = (mode: VectorStoreQueryMode, similarityTopK = 10) =>
    index.asRetriever({ mode, similarityTopK });
  const retrievers = {
    hybrid: ofIndex(VectorStoreQueryMode.HYBRID),
    fused: new HybridRetriever({
      retrievers: [ofIndex(VectorStoreQueryMode.DEFAULT, 100), ofIndex(VectorStoreQueryMode.SPARSE, 100)],
      similarityTopK: 10,
    }),
    sparse: ofIndex(VectorStoreQueryMode.SPARSE),
    dense: ofIndex(VectorStoreQueryMode.DEFAULT),
  };

  const store = new MemoryStore();
  const core = new CoreRetriever({
    arms: { sparse: { encoder: sparse, store }, dense: { encoder: dense, store } },
  });
  await core.add(documents);
  const inverted = new InvertedIndex(sparseModel.embeddingDimension);
  inverted.addMany(
    documents.map(({ id }) => id),
    await sparse.encodeDocument(documents.map(({ text }) => text)),
  );
  const denseRows = await dense.encodeDocument(documents.map(({ text }) => text));
  /** By the dot product with every document: vectors of this model have length 1. */
  const byDot = async (text: string) => {
    const query = (await dense.encodeQuery([text])).row(0);
    const scores = documents.map(({ id }, row) => ({
      id,
      score: denseRows.row(row).reduce((sum, value, at) => sum + value * query[at]!, 0),
    }));
    return scores.sort((a, b) => b.score - a.score).slice(0, 10);
  };

  const totals = { hybrid: 0, core: 0, sparse: 0, dense: 0 };
  for (const { id, text } of judged) {
    const found = async (name: keyof typeof retrievers) => {
      const nodes = await retrievers[name].retrieve(text);
      return nodes.map(({ node, score }) => ({ id: node.id_, score: score! }));
    };
    const ids = (hits: readonly { id: string }[]) => hits.map((hit) => hit.id);
    const quality = (hits: readonly { id: string }[]) => ndcg(ids(hits), judgements.get(id)!, 10);
    const [expected, hybrid] = [await core.retrieve(text, { k: 10 }), await found("hybrid")];
    expect(ids(hybrid), text).toEqual(ids(expected));
    expect(ids(await found("fused")), text).toEqual(ids(expected));
    const bySparse = await found("sparse");
    const query = (await sparse.encodeQuery([text])).row(0);
    expect(ids(bySparse), text).toEqual(ids(inverted.search(query, { topK: 10 })));
    const byDense = await found("dense");
    for (const [rank, { score }] of (await byDot(text)).entries()) {
      expect(byDense[rank]!.score, text).toBeCloseTo(score, 5);
    }
    totals.hybrid += quality(hybrid);
    totals.core += quality(expected);
    totals.sparse += quality(bySparse);
    totals.dense += quality(byDense);
  }
  expect(totals.hybrid).toBe(totals.core);
  expect(totals.hybrid).toBeGreaterThan(Math.max(totals.sparse, totals.dense));
  const reference = readJson("fixtures/cranfield/results.json") as { splade: { "ndcg@10": number } };
  expect(Math.abs(totals.sparse / judged.length - reference.splade["ndcg@10"])).toBeLessThanOrEqual(0.002);
}, 300_000);
