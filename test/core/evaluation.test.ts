import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { InvertedIndex, SparseEncoder, SparseMatrix, type SparseVector } from "@sparse-encoder/core";
import {
  BinaryClassificationEvaluator,
  EmbeddingSimilarityEvaluator,
  type EvaluatedEncoder,
  type Evaluation,
  evaluateRun,
  InformationRetrievalEvaluator,
  NanoBeirEvaluator,
  type RankedDocument,
  ReciprocalRankFusionEvaluator,
  RerankingEvaluator,
  type RerankingSample,
  readBeirFolder,
  readTrecRun,
  TripletEvaluator,
  writeTrecRun,
} from "@sparse-encoder/core/evaluation";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readCranfield } from "../../examples/cranfield.ts";
import { readJson } from "../helpers/golden-data.ts";

type Metrics = Record<string, number>;

/** What the evaluators of sentence-transformers give for the embedded model; test/fixtures/golden/README.md. */
const golden = readJson("fixtures/golden/evaluation.json") as {
  max_seq_length: number;
  information_retrieval_small: { queries: string[]; metrics: Metrics };
  information_retrieval_small_max_active_dims_32: { metrics: Metrics };
  information_retrieval_full: { metrics: Metrics };
  reranking: { samples: RerankingSample[]; at_k: number; cosine: Metrics; dot: Metrics };
  triplet: { anchors: string[]; positives: string[]; negatives: string[]; metrics: Metrics };
  binary_classification: { sentences1: string[]; sentences2: string[]; labels: number[]; metrics: Metrics };
  embedding_similarity: { sentences1: string[]; sentences2: string[]; scores: number[]; metrics: Metrics };
  reciprocal_rank_fusion: {
    dense: string[][];
    sparse: string[][];
    positive: string[][];
    metrics: Metrics;
  };
};

const { documents, queries, judgements } = readCranfield();
const cranfieldFolder = fileURLToPath(new URL("../../examples/data/cranfield", import.meta.url));

/** The documents 1 to 400, and the queries of the golden file with what is relevant there. */
const small = new Map(documents.filter(({ id }) => Number(id) <= 400).map(({ id, text }) => [id, text]));
const smallQueries = queries.filter(({ id }) => golden.information_retrieval_small.queries.includes(id));
const smallRelevant = new Map(
  smallQueries.map(({ id }) => [
    id,
    [...judgements.get(id)!.keys()].filter((document) => small.has(document)),
  ]),
);

/**
 * Expects the same names, and each figure within 1e-4; mean active dims also within 1e-5 of themselves, since an entry within
 * float noise of 0 counts on one processor and not on another.
 */
function expectMetrics(actual: Evaluation, expected: Metrics): void {
  expect(Object.keys(actual.metrics)).toEqual(Object.keys(expected));
  for (const [key, value] of Object.entries(expected)) {
    expect(
      Math.abs(actual.metrics[key]! - value),
      `${key}: ${actual.metrics[key]}, expected ${value}`,
    ).toBeLessThan(key.endsWith("active_dims") ? Math.max(1e-4, value * 1e-5) : 1e-4);
  }
}

/** Gives the vectors of an encoder, computing each once: several tests encode the same documents. */
function remembering(encoder: SparseEncoder): EvaluatedEncoder {
  const vectors = new Map<string, SparseVector>();
  const remember =
    (method: "encodeQuery" | "encodeDocument"): EvaluatedEncoder["encode"] =>
    async (texts, { maxActiveDims, onProgress } = {}) => {
      const unknown = [...new Set(texts)].filter((text) => !vectors.has(method + text));
      const rows = await encoder[method](unknown);
      unknown.forEach((text, row) => {
        vectors.set(method + text, rows.row(row));
      });
      onProgress?.({ done: texts.length, total: texts.length, textsPerSecond: 1, cutTexts: 0 });
      const all = SparseMatrix.fromRows(
        texts.map((text) => vectors.get(method + text)!),
        encoder.embeddingDimension,
      );
      return maxActiveDims === undefined ? all : all.topDims(maxActiveDims);
    };
  return {
    similarityFunction: encoder.similarityFunction,
    encode: (texts, options) => encoder.encode(texts, options),
    encodeQuery: remember("encodeQuery"),
    encodeDocument: remember("encodeDocument"),
    similarity: (a, b) => encoder.similarity(a, b),
  };
}

let encoder: SparseEncoder;
let remembered: EvaluatedEncoder;
let folder: string;

beforeAll(async () => {
  encoder = await SparseEncoder.load(undefined, { maxSeqLength: golden.max_seq_length });
  remembered = remembering(encoder);
  folder = await mkdtemp(join(tmpdir(), "evaluation-"));
  await remembered.encodeQuery(queries.map(({ text }) => text));
  await remembered.encodeDocument(documents.map(({ text }) => text));
}, 600_000);

afterAll(async () => {
  await encoder.close();
  await rm(folder, { recursive: true });
});

describe("evaluators with the embedded model on Cranfield", () => {
  it("measure retrieval as the reference, on 400 documents", async () => {
    const evaluator = new InformationRetrievalEvaluator({
      queries: smallQueries,
      corpus: small,
      relevantDocuments: smallRelevant,
    });
    const progress: string[] = [];
    const evaluation = await evaluator.evaluate(remembered, {
      onProgress: ({ done, total }) => progress.push(`${done}/${total}`),
    });
    expectMetrics(evaluation, golden.information_retrieval_small.metrics);
    expect(evaluation.primaryMetric).toBe("dot_ndcg@10");
    expect(progress.at(-1)).toBe("440/440");
  });

  it("let the encoder itself limit active dims and report", async () => {
    const few = { queries: smallQueries.slice(0, 3), corpus: [...small].slice(0, 8) };
    const evaluator = new InformationRetrievalEvaluator({
      queries: few.queries,
      corpus: few.corpus.map(([id, text]) => ({ id, text })),
      relevantDocuments: smallRelevant,
      allowMissingDocuments: true,
      maxActiveDims: 32,
    });
    const progress: string[] = [];
    const { metrics } = await evaluator.evaluate(encoder, {
      onProgress: ({ done, total }) => progress.push(`${done}/${total}`),
    });
    expect(metrics).toEqual((await evaluator.evaluate(remembered)).metrics);
    expect(metrics.corpus_active_dims).toBe(32);
    expect(progress.at(-1)).toBe("11/11");
  });

  it("measure retrieval as the reference with 32 active dims, whatever the chunk size", async () => {
    const { metrics } = golden.information_retrieval_small_max_active_dims_32;
    for (const corpusChunkSize of [399, 400, 1000]) {
      const evaluator = new InformationRetrievalEvaluator({
        queries: smallQueries,
        corpus: small,
        relevantDocuments: smallRelevant,
        maxActiveDims: 32,
        corpusChunkSize,
      });
      expectMetrics(await evaluator.evaluate(remembered), metrics);
    }
  });

  it("measure retrieval as the reference on the whole collection", async () => {
    const evaluator = new InformationRetrievalEvaluator({
      queries,
      corpus: documents,
      relevantDocuments: judgements,
      accuracyAtK: [1, 10],
      precisionRecallAtK: [1, 10, 100],
      mrrAtK: [10],
      ndcgAtK: [10, 100],
      mapAtK: [100],
    });
    const evaluation = await evaluator.evaluate(remembered);
    expectMetrics(evaluation, golden.information_retrieval_full.metrics);
    expect(evaluation.primaryMetric).toBe("dot_ndcg@100");
  }, 240_000);

  it.each(["cosine", "dot"] as const)("rerank as the reference, by %s", async (similarityFunction) => {
    const { samples, at_k: atK } = golden.reranking;
    for (const useBatchedEncoding of [true, false]) {
      const evaluator = new RerankingEvaluator({ samples, atK, similarityFunction, useBatchedEncoding });
      const evaluation = await evaluator.evaluate(remembered);
      const expected = golden.reranking[similarityFunction];
      if (useBatchedEncoding) expectMetrics(evaluation, expected);
      // The reference's mean over samples differs from its mean over texts in the sparsity of the corpus only.
      for (const key of ["map", "mrr@10", "ndcg@10", "query_active_dims"]) {
        expect(Math.abs(evaluation.metrics[key]! - expected[key]!), key).toBeLessThan(1e-4);
      }
      expect(evaluation.primaryMetric).toBe("ndcg@10");
    }
  });

  it("compare triplets as the reference", async () => {
    const { metrics, ...texts } = golden.triplet;
    const evaluation = await new TripletEvaluator(texts).evaluate(remembered);
    expectMetrics(evaluation, metrics);
    expect(evaluation.primaryMetric).toBe("dot_accuracy");
  });

  it("classify pairs as the reference", async () => {
    const { metrics, ...pairs } = golden.binary_classification;
    const evaluation = await new BinaryClassificationEvaluator(pairs).evaluate(encoder);
    expectMetrics(evaluation, metrics);
    expect(evaluation.primaryMetric).toBe("dot_ap");
  });

  it("correlate similarities as the reference", async () => {
    const { metrics, ...pairs } = golden.embedding_similarity;
    const evaluation = await new EmbeddingSimilarityEvaluator(pairs).evaluate(encoder);
    expectMetrics(evaluation, metrics);
    expect(evaluation.primaryMetric).toBe("spearman_dot");
  });

  it("average over collections: a collection split in two gives back its own sparsity and mean", async () => {
    const half = (odd: boolean) => {
      const chosen = smallQueries.filter((_, position) => position < 10 === odd);
      return { queries: chosen, corpus: small, relevantDocuments: smallRelevant };
    };
    const evaluator = new NanoBeirEvaluator({
      collections: { NanoA: half(true), NanoB: half(false) },
      maxActiveDims: 32,
    });
    const { metrics, primaryMetric } = await evaluator.evaluate(remembered);
    expect(primaryMetric).toBe("NanoBEIR_mean_32_dot_ndcg@10");
    const { metrics: whole } = golden.information_retrieval_small_max_active_dims_32;
    for (const key of Object.keys(whole)) {
      const [a, b] = [metrics[`NanoA_32_${key}`]!, metrics[`NanoB_32_${key}`]!];
      const average = metrics[`NanoBEIR_mean_32_${key}`]!;
      if (key.startsWith("dot_")) {
        expect(average, key).toBeCloseTo((a + b) / 2, 12);
        // 10 queries in one half and 30 in the other.
        expect(Math.abs((10 * a + 30 * b) / 40 - whole[key]!), key).toBeLessThan(1e-4);
      } else {
        expect(Math.abs(average - whole[key]!), key).toBeLessThan(1e-4);
      }
    }
    expect(Object.keys(metrics).length).toBe(3 * Object.keys(whole).length);
  });

  it("write the files of the reference", async () => {
    const output = join(folder, "made", "here");
    const evaluator = new InformationRetrievalEvaluator({
      queries: smallQueries.slice(0, 2),
      corpus: small,
      relevantDocuments: smallRelevant,
      name: "small",
      mapAtK: [3],
      writePredictions: true,
    });
    const first = await evaluator.evaluate(remembered, { outputPath: output });
    await evaluator.evaluate(remembered, { outputPath: output });
    const start = "Information-Retrieval_evaluation_small";
    expect((await readdir(output)).sort()).toEqual([
      `${start}_predictions_dot.jsonl`,
      `${start}_results.csv`,
    ]);
    const [headers, ...rows] = (await readFile(join(output, `${start}_results.csv`), "utf8"))
      .trim()
      .split("\n");
    expect(headers).toBe(
      "epoch,steps,dot-Accuracy@1,dot-Accuracy@3,dot-Accuracy@5,dot-Accuracy@10,dot-Precision@1,dot-Recall@1," +
        "dot-Precision@3,dot-Recall@3,dot-Precision@5,dot-Recall@5,dot-Precision@10,dot-Recall@10,dot-MRR@10," +
        "dot-NDCG@10,dot-MAP@3,query_active_dims,query_sparsity_ratio,corpus_active_dims,corpus_sparsity_ratio,avg_flops",
    );
    expect(rows.length).toBe(2);
    const values = rows[0]!.split(",").map(Number);
    expect(values.slice(0, 2)).toEqual([-1, -1]);
    expect(values[headers!.split(",").indexOf("dot-MAP@3")]).toBe(first.metrics["small_dot_map@3"]);
    const lines = (await readFile(join(output, `${start}_predictions_dot.jsonl`), "utf8")).trim().split("\n");
    const predictions = lines.map((line) => JSON.parse(line));
    expect(predictions.map(({ query_id, query }) => ({ id: query_id, text: query }))).toEqual(
      smallQueries.slice(0, 2),
    );
    expect(predictions[0].results.length).toBe(10);
    expect(Object.keys(predictions[0].results[0])).toEqual(["corpus_id", "score"]);
  });

  it("stop when aborted", async () => {
    const evaluator = new InformationRetrievalEvaluator({
      queries: smallQueries,
      corpus: small,
      relevantDocuments: smallRelevant,
    });
    const controller = new AbortController();
    const evaluation = evaluator.evaluate(encoder, {
      signal: controller.signal,
      onProgress: () => controller.abort(),
    });
    await expect(evaluation).rejects.toMatchObject({ code: "ABORTED" });
  });
});

describe("rank fusion", () => {
  const { dense, sparse, positive, metrics: expected } = golden.reciprocal_rank_fusion;
  const samples = (lists: string[][]) =>
    lists.map((documents, position) => ({
      queryId: String(position),
      query: "",
      positive: positive[position]!,
      documents,
    }));

  it("is the reference's to 1e-6 where no scores are equal", async () => {
    const evaluator = new ReciprocalRankFusionEvaluator({
      denseSamples: samples(dense),
      sparseSamples: samples(sparse),
    });
    const { metrics, primaryMetric } = await evaluator.evaluate();
    expect(primaryMetric).toBe("ndcg@10");
    expect(Object.keys(metrics)).toEqual(Object.keys(expected));
    for (const key of Object.keys(expected)) {
      if (key === "map" || key === "ndcg@10") continue;
      expect(Math.abs(metrics[key]! - expected[key]!), key).toBeLessThan(1e-6);
    }
  });

  it("has the reference's fused figures between the figures of the worst and the best order of equal scores", async () => {
    // Documents found at mirrored ranks tie. The reference ranks them by the order of a Python set, which no run repeats.
    const inTieOrder = (sign: 1 | -1): Metrics => {
      let [map, gain] = [0, 0];
      dense.forEach((list, position) => {
        const relevant = new Set(positive[position]!);
        const score = (document: string) =>
          [list, sparse[position]!].reduce((sum, ranking) => {
            const rank = ranking.indexOf(document);
            return rank === -1 ? sum : sum + 1 / (61 + rank);
          }, 0);
        const ranked = [...new Set([...list, ...sparse[position]!])]
          .map((document) => ({ score: score(document), relevant: Number(relevant.has(document)) }))
          .sort((a, b) =>
            Math.abs(b.score - a.score) > 1e-12 ? b.score - a.score : sign * (b.relevant - a.relevant),
          );
        const found = ranked.filter((document) => document.relevant === 1).length;
        if (found === 0) return;
        const hits = [
          ...ranked.map((document) => document.relevant),
          ...Array(relevant.size - found).fill(1),
        ];
        let correct = 0;
        let sum = 0;
        let dcg = 0;
        let ideal = 0;
        hits.forEach((hit, rank) => {
          if (hit === 1) sum += ++correct / (rank + 1);
          if (hit === 1 && rank < 10) dcg += 1 / Math.log2(rank + 2);
        });
        for (let rank = 0; rank < Math.min(10, relevant.size); rank++) ideal += 1 / Math.log2(rank + 2);
        map += sum / relevant.size / dense.length;
        gain += dcg / ideal / dense.length;
      });
      return { map, "ndcg@10": gain };
    };
    const [best, worst] = [inTieOrder(1), inTieOrder(-1)];
    const evaluator = new ReciprocalRankFusionEvaluator({
      denseSamples: samples(dense),
      sparseSamples: samples(sparse),
    });
    const { metrics } = await evaluator.evaluate();
    for (const key of ["map", "ndcg@10"]) {
      for (const figure of [metrics[key]!, expected[key]!]) {
        expect(figure).toBeGreaterThanOrEqual(worst[key]! - 1e-9);
        expect(figure).toBeLessThanOrEqual(best[key]! + 1e-9);
      }
      expect(best[key]! - worst[key]!).toBeLessThan(0.03);
    }
  });
});

describe("evaluateRun", () => {
  const stored = readJson("fixtures/cranfield/results.json") as {
    splade: Metrics;
    "splade_per_query_ndcg@10": Metrics;
    splade_qrel_variants: Record<"without_source_documents" | "binary_all" | "code_as_gain", Metrics>;
  };

  it("gives the per-query nDCG@10 and the means of trec_eval for the stored run", async () => {
    const text = await readFile(new URL("../fixtures/cranfield/splade.top10.tsv", import.meta.url), "utf8");
    const run = new Map<string, RankedDocument[]>();
    for (const line of text.trim().split("\n").slice(1)) {
      const [query, , id, score] = line.split("\t") as [string, string, string, string];
      run.set(query, [...(run.get(query) ?? []), { id, score: Number(score) }]);
    }
    const { metrics, perQuery } = evaluateRun(run, judgements);
    const reference = Object.entries(stored["splade_per_query_ndcg@10"]);
    expect(reference.length).toBe(225);
    for (const [query, value] of reference) {
      expect(Math.abs(perQuery.get(query)!["ndcg@10"]! - value), query).toBeLessThan(1e-6);
    }
    // Stored with four decimals.
    expect(Math.abs(metrics["ndcg@10"]! - stored.splade["ndcg@10"]!)).toBeLessThanOrEqual(5.1e-5);
    expect(Math.abs(metrics["mrr@10"]! - stored.splade["mrr@10"]!)).toBeLessThanOrEqual(5.1e-5);
    // The same run under three other readings of the judgements.
    const codes = (await readBeirFolder(cranfieldFolder, { split: "codes" })).judgements;
    const reading = (grade: (code: number) => number) =>
      new Map(
        [...codes].map(([query, grades]) => [
          query,
          new Map([...grades].map(([id, code]) => [id, grade(code)])),
        ]),
      );
    const variants = {
      without_source_documents: reading((code) => (code > 0 ? 5 - code : 0)),
      binary_all: reading(() => 1),
      code_as_gain: codes,
    };
    for (const [name, variant] of Object.entries(variants)) {
      const figures = evaluateRun(run, variant).metrics;
      const expected = stored.splade_qrel_variants[name as keyof typeof variants];
      for (const key of ["ndcg@10", "mrr@10"]) {
        expect(Math.abs(figures[key]! - expected[key]!), `${name} ${key}`).toBeLessThanOrEqual(5.1e-5);
      }
    }
  });

  it("gives recall@100 and MAP@1000 of trec_eval for a search of the whole collection", async () => {
    const index = new InvertedIndex(encoder.embeddingDimension);
    index.addMany(
      documents.map(({ id }) => id),
      await remembered.encodeDocument(documents.map(({ text }) => text)),
    );
    const embeddings = await remembered.encodeQuery(queries.map(({ text }) => text));
    const run = new Map(
      queries.map(({ id }, row) => [id, index.search(embeddings.row(row), { topK: 1000 })]),
    );
    const options = { precisionRecallAtK: [100], mapAtK: [1000] };
    const { metrics } = evaluateRun(run, judgements, options);
    for (const [key, value] of Object.entries(stored.splade)) {
      expect(Math.abs(metrics[key]! - value), key).toBeLessThanOrEqual(2e-4);
    }
    // What a file of the run gives back is the same run.
    const path = join(folder, "splade.run");
    await writeTrecRun(path, run);
    const again = evaluateRun(await readTrecRun(path), judgements, options);
    for (const [key, value] of Object.entries(metrics)) expect(again.metrics[key]).toBeCloseTo(value, 12);
  }, 240_000);
});
