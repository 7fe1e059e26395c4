import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { SparseEncodeOptions } from "../encoder/index.ts";
import { SparseMatrix, SparseVector, similarity } from "../vector/index.ts";
import { BinaryClassificationEvaluator } from "./binary-classification-evaluator.ts";
import { EmbeddingSimilarityEvaluator } from "./embedding-similarity-evaluator.ts";
import type { EvaluatedEncoder } from "./evaluated-encoder.ts";
import { InformationRetrievalEvaluator } from "./information-retrieval-evaluator.ts";
import { NanoBeirEvaluator } from "./nano-beir-evaluator.ts";
import { mergeHits } from "./ranked-hits.ts";
import { ReciprocalRankFusionEvaluator } from "./reciprocal-rank-fusion-evaluator.ts";
import { RerankingEvaluator } from "./reranking-evaluator.ts";
import { TripletEvaluator } from "./triplet-evaluator.ts";

/** A fake encoder: one dim a letter from a to j, its weight the number of times it occurs. Notes its calls. */
class LetterEncoder implements EvaluatedEncoder {
  readonly similarityFunction = "dot";
  readonly calls: { method: string; texts: readonly string[]; options: SparseEncodeOptions }[] = [];

  encode(texts: readonly string[], options: SparseEncodeOptions = {}): Promise<SparseMatrix> {
    return this.count("encode", texts, options);
  }

  encodeQuery(texts: readonly string[], options: SparseEncodeOptions = {}): Promise<SparseMatrix> {
    return this.count("encodeQuery", texts, options);
  }

  encodeDocument(texts: readonly string[], options: SparseEncodeOptions = {}): Promise<SparseMatrix> {
    return this.count("encodeDocument", texts, options);
  }

  similarity(a: SparseMatrix, b: SparseMatrix): Float32Array[] {
    return similarity(a, b, "dot");
  }

  private async count(method: string, texts: readonly string[], options: SparseEncodeOptions) {
    this.calls.push({ method, texts, options });
    options.onProgress?.({ done: texts.length, total: texts.length, textsPerSecond: 1, cutTexts: 0 });
    const rows = texts.map((text) => {
      const dense = new Float32Array(10);
      for (const letter of text) dense[letter.charCodeAt(0) - 97]!++;
      const row = SparseVector.fromDense(dense);
      return options.maxActiveDims === undefined ? row : row.topDims(options.maxActiveDims);
    });
    return SparseMatrix.fromRows(rows, 10);
  }
}

const data = {
  queries: { q1: "ab", q2: "c", none: "d" },
  corpus: { d10: "a", d2: "ab", d1: "ccc", d3: "j" },
  relevantDocuments: { q1: ["d10"], q2: ["d1", "d3"] },
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "evaluators-"));
});
afterAll(() => rm(folder, { recursive: true }));

describe("InformationRetrievalEvaluator", () => {
  it("equals hand-worked numbers", async () => {
    const { metrics, primaryMetric } = await new InformationRetrievalEvaluator({
      ...data,
      name: "x",
    }).evaluate(new LetterEncoder());
    // q1: d2 scores 2, d10 1, then d1 and d3 with 0. q2: d1 3, then d10, d2, d3 with 0, in that order.
    expect(primaryMetric).toBe("x_dot_ndcg@10");
    expect(metrics["x_dot_accuracy@1"]).toBe(1 / 2);
    expect(metrics["x_dot_precision@3"]).toBeCloseTo((1 / 3 + 1 / 3) / 2, 12);
    expect(metrics["x_dot_recall@3"]).toBeCloseTo((1 + 1 / 2) / 2, 12);
    expect(metrics["x_dot_mrr@10"]).toBe((1 / 2 + 1) / 2);
    const gain = (rank: number) => 1 / Math.log2(rank + 1);
    expect(metrics["x_dot_ndcg@10"]).toBeCloseTo((gain(2) + (1 + gain(4)) / (1 + gain(2))) / 2, 12);
    expect(metrics["x_dot_map@100"]).toBeCloseTo((1 / 2 + (1 + 2 / 4) / 2) / 2, 12);
    // Queries without anything relevant do not count: 2 and 1 dims. Documents: 1, 2, 1 and 1.
    expect(metrics.x_query_active_dims).toBe(1.5);
    expect(metrics.x_query_sparsity_ratio).toBeCloseTo(0.85, 12);
    expect(metrics.x_corpus_active_dims).toBe(1.25);
    // Shared dims of the pairs: q1 1, 2, 0, 0; q2 0, 0, 1, 0.
    expect(metrics.x_avg_flops).toBeCloseTo(4 / 8, 12);
  });

  it("ranks equal scores by rising id, also where the cut and the ends of chunks part them", async () => {
    const ids = ["d9", "d10", "D", "d1", "é"];
    for (const corpusChunkSize of [1, 2, 3, 4, 5, 6]) {
      const output = join(folder, `ties-${corpusChunkSize}`);
      await new InformationRetrievalEvaluator({
        queries: { q: "a" },
        corpus: Object.fromEntries(ids.map((id) => [id, "a"])),
        relevantDocuments: { q: ["d9"] },
        corpusChunkSize,
        accuracyAtK: [3],
        precisionRecallAtK: [],
        ndcgAtK: [3],
        mrrAtK: [],
        mapAtK: [],
        writePredictions: true,
        writeCsv: false,
      }).evaluate(new LetterEncoder(), { outputPath: output });
      const [file] = await readdir(output);
      expect(file).toBe("Information-Retrieval_evaluation_predictions_dot.jsonl");
      const { results } = JSON.parse(await readFile(join(output, file!), "utf8"));
      expect(results.map((hit: { corpus_id: string }) => hit.corpus_id)).toEqual(["D", "d1", "d10"]);
    }
  });

  it("takes maps and lists, and grades, relevant above 0", async () => {
    const list = (texts: Record<string, string>) => Object.entries(texts).map(([id, text]) => ({ id, text }));
    const expected = await new InformationRetrievalEvaluator(data).evaluate(new LetterEncoder());
    const same = new InformationRetrievalEvaluator({
      queries: list(data.queries),
      corpus: new Map(Object.entries(data.corpus)),
      relevantDocuments: new Map([
        [
          "q1",
          new Map([
            ["d10", 3],
            ["d2", 0],
          ]),
        ],
        [
          "q2",
          new Map([
            ["d1", 1],
            ["d3", 2],
          ]),
        ],
      ]),
    });
    expect(await same.evaluate(new LetterEncoder())).toEqual(expected);
  });

  it("hands options on to the encoder and reports the whole as one piece of work", async () => {
    const encoder = new LetterEncoder();
    const progress: unknown[] = [];
    await new InformationRetrievalEvaluator({
      ...data,
      batchSize: 7,
      maxActiveDims: 1,
      corpusChunkSize: 3,
      queryPrompt: "q: ",
      corpusPromptName: "passage",
    }).evaluate(encoder, { onProgress: (step) => progress.push(step) });
    const common = { batchSize: 7, maxActiveDims: 1, onProgress: expect.any(Function) };
    expect(encoder.calls).toEqual([
      { method: "encodeQuery", texts: ["ab", "c"], options: { ...common, prompt: "q: " } },
      { method: "encodeDocument", texts: ["a", "ab", "ccc"], options: { ...common, promptName: "passage" } },
      { method: "encodeDocument", texts: ["j"], options: { ...common, promptName: "passage" } },
    ]);
    expect(progress).toEqual([2, 5, 6].map((done) => ({ done, total: 6 })));
  });

  it("measures several score functions and names the best, or the main one", async () => {
    const scoreFunctions = {
      cosine: "cosine",
      // The longest document first.
      backwards: (queries: SparseMatrix, documents: SparseMatrix) =>
        Array.from(queries, () => Array.from(documents, ({ norm }) => -norm)),
    } as const;
    const evaluate = (main?: string) =>
      new InformationRetrievalEvaluator({
        ...data,
        scoreFunctions,
        ...(main === undefined ? {} : { mainScoreFunction: main }),
      }).evaluate(new LetterEncoder());
    // nDCG of backwards: 1 and 0.65; of cosine: 0.63 and 0.88.
    const { metrics, primaryMetric } = await evaluate();
    expect(primaryMetric).toBe("backwards_ndcg@10");
    expect((await evaluate("cosine")).primaryMetric).toBe("cosine_ndcg@10");
    // -1, -1, -sqrt(2), -3: d10, d3, d2, d1.
    expect(metrics["backwards_mrr@10"]).toBe((1 + 1 / 2) / 2);
    expect(metrics["cosine_mrr@10"]).toBe((1 / 2 + 1) / 2);
  });

  it("counts missing documents as never found if asked to", async () => {
    const missing = { ...data, relevantDocuments: { q1: ["d10", "gone"] } };
    const make = (allowMissingDocuments: boolean) =>
      new InformationRetrievalEvaluator({ ...missing, allowMissingDocuments });
    expect(() => make(false)).toThrow("documents that the corpus lacks, 1 in all, the first is 'gone'");
    const { metrics } = await make(true).evaluate(new LetterEncoder());
    expect(metrics["dot_recall@10"]).toBe(1 / 2);
  });

  it.each([
    [{ queries: {} }, "queries must hold at least one text"],
    [{ corpus: [] }, "corpus must hold at least one text"],
    [{ queries: "ab" }, "queries must map ids to texts"],
    [{ queries: { q1: 3 } }, "queries: the text of 'q1' must be a string, received 3"],
    [
      {
        corpus: [
          { id: "a", text: "a" },
          { id: "a", text: "b" },
        ],
      },
      "corpus: the id 'a' comes twice",
    ],
    [{ corpus: ["a"] }, "corpus: expected an object with id and text at position 0"],
    [{ corpus: [{ id: 1, text: "a" }] }, "corpus: ids must be strings, received 1"],
    [{ relevantDocuments: {} }, "None of the 3 queries has a relevant document"],
    [{ relevantDocuments: { q1: [] } }, "None of the 3 queries has a relevant document"],
    [{ relevantDocuments: { other: ["d1"] } }, "None of the 3 queries has a relevant document"],
    [{ relevantDocuments: { q1: { d1: "high" } } }, "grade of document 'd1' must be a finite number"],
    [{ relevantDocuments: { q1: "d1" } }, "must be document ids or grades"],
    [{ ndcgAtK: [0] }, "ndcgAtK: each k must be a whole number of at least 1, received 0"],
    [{ batchSize: 0 }, "batchSize must be"],
    [{ maxActiveDims: 0 }, "maxActiveDims must be"],
    [{ corpusChunkSize: 0 }, "corpusChunkSize must be"],
    [{ scoreFunctions: { x: "jaccard" } }, "scoreFunctions.x must be one of"],
    [{ scoreFunctions: {} }, "at least one function"],
    [{ scoreFunctions: { dot: "dot" }, mainScoreFunction: "cosine" }, "mainScoreFunction must be one of dot"],
    [{ name: "../x" }, "name must be a string without slashes"],
    [{ writeCsv: 1 }, "writeCsv must be true or false"],
    [{ queryPrompt: 1 }, "queryPrompt must be a string"],
    [
      { relevantDocs: {} },
      "unknown option 'relevantDocs'. Valid options: queries, corpus, relevantDocuments",
    ],
  ])("refuses %j", (change, message) => {
    expect(() => new InformationRetrievalEvaluator({ ...data, ...change } as never)).toThrow(message);
  });

  it("refuses what is not an encoder, bad options, and scores that cannot be right", async () => {
    const evaluator = new InformationRetrievalEvaluator(data);
    const encoder = new LetterEncoder();
    await expect(evaluator.evaluate({} as never)).rejects.toThrow("expected a SparseEncoder");
    await expect(evaluator.evaluate(encoder, { output: "x" } as never)).rejects.toThrow(
      "unknown option 'output'",
    );
    await expect(evaluator.evaluate(encoder, { outputPath: "" })).rejects.toThrow("outputPath must be");
    await expect(evaluator.evaluate(encoder, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: "ABORTED",
    });
    expect(encoder.calls).toEqual([]);
    const scored = (scores: readonly number[][]) =>
      new InformationRetrievalEvaluator({ ...data, scoreFunctions: { own: () => scores } }).evaluate(encoder);
    await expect(scored([[1, 2, 3, 4]])).rejects.toThrow("must give 2 lists of 4 scores");
    await expect(
      scored([
        [1, 2, 3, 4],
        [1, 2, 3, Number.NaN],
      ]),
    ).rejects.toThrow("gave NaN for a score");
    const main = new InformationRetrievalEvaluator({ ...data, mainScoreFunction: "cosine" });
    await expect(main.evaluate(encoder)).rejects.toThrow("the encoder compares by dot");
  });

  it("appends to a CSV file of the same columns only", async () => {
    const output = join(folder, "csv");
    await new InformationRetrievalEvaluator(data).evaluate(new LetterEncoder(), { outputPath: output });
    const other = new InformationRetrievalEvaluator({ ...data, mapAtK: [7] });
    await expect(other.evaluate(new LetterEncoder(), { outputPath: output })).rejects.toThrow(
      "has other columns",
    );
    const path = join(output, "Information-Retrieval_evaluation_results.csv");
    const before = await readFile(path, "utf8");
    // The line ends of a file written by Python's csv module.
    await writeFile(path, before.replaceAll("\n", "\r\n"));
    await new InformationRetrievalEvaluator(data).evaluate(new LetterEncoder(), { outputPath: output });
    expect((await readFile(path, "utf8")).trim().split("\n").length).toBe(3);
  });
});

describe("mergeHits", () => {
  it("keeps what sorting everything would keep, however the documents are cut into chunks", () => {
    const scores = fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 30 });
    fc.assert(
      fc.property(scores, fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 9 }), (all, k, size) => {
        const ids = all.map((_, position) => `d${position}`);
        const expected = ids
          .map((id, position) => ({ id, score: all[position]! }))
          .sort((a, b) => b.score - a.score || (a.id < b.id ? -1 : 1))
          .slice(0, k);
        let hits: ReturnType<typeof mergeHits> = [];
        for (let start = 0; start < all.length; start += size) {
          hits = mergeHits(hits, ids.slice(start, start + size), all.slice(start, start + size), k);
        }
        expect(hits).toEqual(expected);
      }),
    );
  });
});

describe("NanoBeirEvaluator", () => {
  const other = {
    queries: { q: "e" },
    corpus: { x: "ef", y: "gggh", z: "" },
    relevantDocuments: { q: ["x"] },
  };

  it("averages metrics plainly, sparsity by numbers of texts, and shared dims from summed counts", async () => {
    const encoder = new LetterEncoder();
    const evaluator = new NanoBeirEvaluator({ collections: { A: data, B: other } });
    const progress: number[] = [];
    const { metrics, primaryMetric } = await evaluator.evaluate(encoder, {
      onProgress: ({ done, total }) => progress.push(done / total!),
    });
    expect(primaryMetric).toBe("NanoBEIR_mean_dot_ndcg@10");
    expect(metrics["NanoBEIR_mean_dot_mrr@10"]).toBe(((1 / 2 + 1) / 2 + 1) / 2);
    // Active dims: queries 2, 1 and 1; documents 1, 2, 1, 1 and 2, 2. The empty document is left out.
    expect(metrics.NanoBEIR_mean_query_active_dims).toBeCloseTo(4 / 3, 12);
    expect(metrics.NanoBEIR_mean_corpus_active_dims).toBeCloseTo(9 / 6, 12);
    // Over all 3 x 6 pairs: 4 in A, 1 in B, and none across.
    expect(metrics.NanoBEIR_mean_avg_flops).toBeCloseTo(5 / 18, 12);
    expect(metrics["B_dot_mrr@10"]).toBe(1);
    expect(progress).toEqual([2 / 9, 6 / 9, 7 / 9, 1]);
  });

  it("takes another average, prompts by collection, and names that end with the active dims", async () => {
    const encoder = new LetterEncoder();
    const { metrics, primaryMetric } = await new NanoBeirEvaluator({
      collections: { A: data, B: other },
      maxActiveDims: 1,
      aggregate: (values) => Math.max(...values),
      aggregateKey: "max",
      name: "Mine",
      queryPrompts: { A: "a", B: "b" },
      corpusPrompts: "d",
    }).evaluate(encoder, { outputPath: join(folder, "nano") });
    expect(primaryMetric).toBe("Mine_max_1_dot_ndcg@10");
    expect(metrics["Mine_max_1_dot_mrr@10"]).toBe(1);
    expect(metrics.A_1_corpus_active_dims).toBe(1);
    expect(encoder.calls.map(({ options }) => options.prompt)).toEqual(["a", "d", "b", "d"]);
    expect((await readdir(join(folder, "nano"))).sort()).toEqual([
      "Information-Retrieval_evaluation_A_1_results.csv",
      "Information-Retrieval_evaluation_B_1_results.csv",
      "Mine_evaluation_max_results.csv",
    ]);
  });

  it.each([
    [{ collections: {} }, "collections must hold at least one collection"],
    [{ collections: { A: { ...data, queries: {} } } }, "Collection 'A': queries must hold at least one text"],
    [
      { collections: { A: { ...data, qrels: {} } } },
      "Collection 'A': NanoBeirEvaluator: unknown option 'qrels'",
    ],
    [{ collections: { A: { ...data, relevantDocuments: { q1: ["x"] } } } }, "that the corpus lacks"],
    [{ collections: { A: data, B: other }, queryPrompts: { A: "" } }, "queryPrompts lacks the collections B"],
    [{ collections: { A: data }, aggregate: "mean" }, "aggregate must be a function"],
    [{ collections: { A: data }, datasetNames: [] }, "unknown option 'datasetNames'"],
  ])("refuses %j", (options, message) => {
    expect(() => new NanoBeirEvaluator(options as never)).toThrow(message);
  });
});

describe("RerankingEvaluator", () => {
  const samples = [
    { query: "a", positive: ["a"], negative: ["aab", "b"] },
    { query: "a", positive: [], negative: ["a"] },
    { query: "b", positive: ["b", "c"], negative: ["d"] },
  ];

  it("equals hand-worked numbers", async () => {
    const { metrics, primaryMetric } = await new RerankingEvaluator({
      samples,
      atK: 2,
      similarityFunction: "dot",
      name: "r",
    }).evaluate(new LetterEncoder());
    expect(primaryMetric).toBe("r_ndcg@2");
    // First sample: the positive is second. Third: b first, then c and d tie at 0.
    expect(metrics.r_map).toBeCloseTo((1 / 2 + (1 / 2 + 2 / 3 / 2)) / 2, 12);
    expect(metrics["r_mrr@2"]).toBe((1 / 2 + 1) / 2);
    const second = 1 / Math.log2(3);
    expect(metrics["r_ndcg@2"]).toBeCloseTo((second + (1 + second / 2) / (1 + second)) / 2, 12);
    expect(metrics.r_query_active_dims).toBe(1);
    expect(metrics.r_corpus_active_dims).toBeCloseTo(7 / 6, 12);
  });

  it("compares by cosine unless told otherwise, and encodes sample by sample if asked to", async () => {
    const encoder = new LetterEncoder();
    const { metrics } = await new RerankingEvaluator({ samples, useBatchedEncoding: false }).evaluate(
      encoder,
    );
    expect(metrics["mrr@10"]).toBe(1);
    expect(encoder.calls.map(({ texts }) => texts.length)).toEqual([1, 3, 1, 3]);
  });

  it.each([
    [{ samples: [] }, "no sample has both"],
    [{ samples: [{ query: "a", positive: [], negative: [] }] }, "no sample has both"],
    [{ samples: [{ query: "a", positive: "a", negative: [] }] }, "lists positive and negative at position 0"],
    [{ samples: [{ query: "a", positive: ["a"], negative: [1] }] }, "must be a string, received 1"],
    [{ samples: [null] }, "at position 0, received null"],
    [{ samples, atK: 0 }, "atK must be"],
    [{ samples, mrrAtK: 10 }, "unknown option 'mrrAtK'"],
  ])("refuses %j", (options, message) => {
    expect(() => new RerankingEvaluator(options as never)).toThrow(message);
  });
});

describe("TripletEvaluator", () => {
  const triplets = { anchors: ["a", "ab"], positives: ["aa", "a"], negatives: ["b", "bb"] };

  it("equals hand-worked numbers", async () => {
    const encoder = new LetterEncoder();
    // Dot: 2 against 0, 1 against 2. Manhattan: -1 against -2, -1 against -2.
    const { metrics, primaryMetric } = await new TripletEvaluator({
      ...triplets,
      similarityFunctions: ["dot", "manhattan"],
    }).evaluate(encoder);
    expect(metrics).toMatchObject({ dot_accuracy: 1 / 2, manhattan_accuracy: 1, max_accuracy: 1 });
    expect(metrics.anchor_active_dims).toBe(1.5);
    expect(primaryMetric).toBe("max_accuracy");
    expect(encoder.calls.map(({ method }) => method)).toEqual([
      "encodeQuery",
      "encodeDocument",
      "encodeDocument",
    ]);
  });

  it("asks for more than the margin", async () => {
    const accuracy = async (margin: number | { dot: number }) =>
      (await new TripletEvaluator({ ...triplets, margin }).evaluate(new LetterEncoder())).metrics
        .dot_accuracy;
    expect(await accuracy(1.5)).toBe(1 / 2);
    expect(await accuracy(2)).toBe(0);
    expect(await accuracy({ dot: 2 })).toBe(0);
    expect(await accuracy(-1.5)).toBe(1);
  });

  it.each([
    [{ anchors: ["a"] }, "anchors, positives, negatives must have the same length, received 1, 2, 2"],
    [{ anchors: [] }, "anchors must be an array of at least one text"],
    [{ positives: ["a", 1] }, "positives: the text at position 1 must be a string"],
    [{ margin: "1" }, "margin must be a number"],
    [{ margin: { jaccard: 1 } }, "unknown option 'jaccard'"],
    [{ similarityFunctions: ["dot", "dot"] }, "holds a name twice"],
    [{ similarityFunctions: ["jaccard"] }, "similarity must be one of"],
  ])("refuses %j", (change, message) => {
    expect(() => new TripletEvaluator({ ...triplets, ...change } as never)).toThrow(message);
  });
});

describe("BinaryClassificationEvaluator", () => {
  const pairs = {
    sentences1: ["aaa", "b", "c", "a"],
    sentences2: ["aa", "b", "d", "b"],
    labels: [1, 1, 0, 0],
  };

  it("equals hand-worked numbers, distances included", async () => {
    const { metrics, primaryMetric } = await new BinaryClassificationEvaluator({
      ...pairs,
      similarityFunctions: ["dot", "manhattan"],
    }).evaluate(new LetterEncoder());
    // Dot 6, 1, 0, 0; distances 1, 0, 2, 2.
    expect(metrics).toMatchObject({
      dot_accuracy: 1,
      dot_accuracy_threshold: 0.5,
      dot_f1: 1,
      dot_f1_threshold: 0.5,
      dot_ap: 1,
      dot_mcc: 1,
      manhattan_accuracy: 1,
      manhattan_accuracy_threshold: 1.5,
      manhattan_precision: 1,
      manhattan_recall: 1,
      manhattan_mcc: 1,
      max_f1_threshold: 1.5,
    });
    expect(primaryMetric).toBe("max_ap");
    // Six distinct texts of one letter each.
    expect(metrics.active_dims).toBe(1);
  });

  it.each([
    [{ labels: [1, 0] }, "must have the same length, received 4, 4, 2"],
    [{ labels: [1, 0, 2, 0] }, "labels must be 0 or 1, received 2 at position 2"],
    [{ labels: "1100" }, "labels must be an array"],
    [{ sentences1: [] }, "sentences1 must be an array of at least one text"],
    [{ scores: [1] }, "unknown option 'scores'"],
  ])("refuses %j", (change, message) => {
    expect(() => new BinaryClassificationEvaluator({ ...pairs, ...change } as never)).toThrow(message);
  });
});

describe("EmbeddingSimilarityEvaluator", () => {
  const pairs = { sentences1: ["a", "aa", "aaa"], sentences2: ["a", "a", "b"], scores: [0.5, 0.9, 0.1] };

  it("equals hand-worked numbers", async () => {
    const { metrics, primaryMetric } = await new EmbeddingSimilarityEvaluator({
      ...pairs,
      similarityFunctions: ["dot", "manhattan"],
      mainSimilarityFunction: "dot",
    }).evaluate(new LetterEncoder());
    // Dot 1, 2, 0 rises with the scores in equal steps; manhattan 0, -1, -4.
    expect(metrics.pearson_dot).toBeCloseTo(1, 6);
    expect(metrics.spearman_dot).toBeCloseTo(1, 12);
    expect(metrics.spearman_manhattan).toBeCloseTo(0.5, 12);
    expect(metrics.spearman_max).toBe(metrics.spearman_dot);
    expect(primaryMetric).toBe("spearman_dot");
    expect(metrics.active_dims).toBe(1);
  });

  it.each([
    [{ scores: [1, 2] }, "must have the same length, received 3, 3, 2"],
    [{ scores: [1, 2, Number.NaN] }, "scores must be finite numbers, received NaN at position 2"],
    [{ sentences1: ["a"], sentences2: ["a"], scores: [1] }, "at least 2 pairs"],
  ])("refuses %j", (change, message) => {
    expect(() => new EmbeddingSimilarityEvaluator({ ...pairs, ...change } as never)).toThrow(message);
  });

  it("refuses a main function that is not among those chosen", async () => {
    const evaluator = new EmbeddingSimilarityEvaluator({
      ...pairs,
      similarityFunctions: ["dot"],
      mainSimilarityFunction: "cosine",
    });
    await expect(evaluator.evaluate(new LetterEncoder())).rejects.toThrow(
      "cosine must be among similarityFunctions",
    );
  });
});

describe("ReciprocalRankFusionEvaluator", () => {
  const sample = (documents: string[], positive: string | string[] = ["r", "s"]) => ({
    queryId: "q",
    query: "?",
    positive,
    documents,
  });

  it("equals hand-worked numbers", async () => {
    const output = join(folder, "fusion");
    const evaluator = new ReciprocalRankFusionEvaluator({
      denseSamples: [sample(["x", "r", "y"])],
      sparseSamples: [sample(["r", "z"])],
      name: "f",
      writePredictions: true,
    });
    const { metrics, primaryMetric } = await evaluator.evaluate({ outputPath: output });
    expect(primaryMetric).toBe("f_ndcg@10");
    // Fused: r 1/62 + 1/61, x 1/61, z 1/62, y 1/63, and the missing s appended at rank 5.
    expect(metrics.f_map).toBeCloseTo((1 + 2 / 5) / 2, 12);
    expect(metrics["f_mrr@10"]).toBe(1);
    expect(metrics["f_ndcg@10"]).toBeCloseTo((1 + 1 / Math.log2(6)) / (1 + 1 / Math.log2(3)), 12);
    // Dense: ranks 2 and, appended, 4. Sparse: 1 and 3.
    expect(metrics.f_dense_map).toBeCloseTo((1 / 2 + 2 / 4) / 2, 12);
    expect(metrics.f_sparse_map).toBeCloseTo((1 + 2 / 3) / 2, 12);
    const start = "ReciprocalRankFusion_evaluation_f";
    expect(JSON.parse(await readFile(join(output, `${start}_predictions.jsonl`), "utf8"))).toEqual({
      query_id: "q",
      query: "?",
      positive: ["r", "s"],
      documents: ["r", "x", "z", "y"],
    });
    expect((await readFile(join(output, `${start}_results.csv`), "utf8")).split("\n")[0]).toBe(
      "epoch,steps,Dense_MAP,Dense_MRR@10,Dense_NDCG@10,Sparse_MAP,Sparse_MRR@10,Sparse_NDCG@10,Fusion_MAP,Fusion_MRR@10,Fusion_NDCG@10",
    );
  });

  it("is 0 where nothing relevant was found, and ranks equal scores dense first", async () => {
    const evaluator = new ReciprocalRankFusionEvaluator({
      denseSamples: [sample(["x"]), sample(["x"], "x")],
      sparseSamples: [sample(["y"]), sample(["y"], "x")],
    });
    const { metrics } = await evaluator.evaluate();
    expect(metrics.map).toBe((0 + 1) / 2);
    expect(metrics["ndcg@10"]).toBe((0 + 1) / 2);
    // The sparse ranking finds neither.
    expect(metrics.sparse_map).toBe(0);
  });

  it.each([
    [{ denseSamples: [] }, "denseSamples must be an array of at least one sample"],
    [{ sparseSamples: [sample([]), sample([])] }, "must have the same length, received 1 and 2"],
    [{ sparseSamples: [{ ...sample([]), queryId: "p" }] }, "the same queries; at position 0: 'q' and 'p'"],
    [{ sparseSamples: [{ query: "?", positive: "r", documents: [] }] }, "expected queryId, query, positive"],
    [{ denseSamples: [sample(["a", "a"])] }, "hold one twice"],
    [{ denseSamples: [sample(["a"], [])] }, "expected queryId, query, positive"],
    [{ atK: 0 }, "atK must be"],
    [{ rrfK: -1 }, "rrfK must be"],
    [{ k: 60 }, "unknown option 'k'"],
  ])("refuses %j", (change, message) => {
    const options = { denseSamples: [sample(["r"])], sparseSamples: [sample(["r"])], ...change };
    expect(() => new ReciprocalRankFusionEvaluator(options as never)).toThrow(message);
  });
});
