import { describe, expect, it } from "vitest";
import { DenseMatrix, type EmbeddingMatrix, matrixSimilarity, SparseMatrix } from "../vector/index.ts";
import type { EvaluatedEncodeOptions, EvaluatedEncoder } from "./evaluated-encoder.ts";
import {
  BinaryClassificationEvaluator,
  EmbeddingSimilarityEvaluator,
  InformationRetrievalEvaluator,
  NanoBeirEvaluator,
  RerankingEvaluator,
  TripletEvaluator,
} from "./index.ts";

/** A fake encoder that counts the letters a to j; gives sparse or dense embeddings of the same numbers. */
class LetterEncoder implements EvaluatedEncoder<EmbeddingMatrix> {
  readonly similarityFunction = "cosine";
  private readonly dense: boolean;

  constructor(dense: boolean) {
    this.dense = dense;
  }

  async encode(texts: readonly string[], options: EvaluatedEncodeOptions = {}): Promise<EmbeddingMatrix> {
    // As a dense encoder does, to which the option means nothing.
    if (this.dense && "maxActiveDims" in options) throw new Error("unknown option 'maxActiveDims'");
    const values = new Float32Array(texts.length * 10);
    texts.forEach((text, row) => {
      for (const letter of text) values[row * 10 + letter.charCodeAt(0) - 97]!++;
    });
    const matrix = new DenseMatrix(values, 10);
    return this.dense ? matrix : SparseMatrix.fromDense(matrix);
  }

  encodeQuery(texts: readonly string[], options?: EvaluatedEncodeOptions): Promise<EmbeddingMatrix> {
    return this.encode(texts, options);
  }

  encodeDocument(texts: readonly string[], options?: EvaluatedEncodeOptions): Promise<EmbeddingMatrix> {
    return this.encode(texts, options);
  }

  similarity(a: EmbeddingMatrix, b: EmbeddingMatrix): Float32Array[] {
    return matrixSimilarity(a, b, "cosine");
  }
}

const similarityFunctions = ["dot", "cosine", "euclidean", "manhattan"] as const;
const retrieval = {
  queries: { q1: "ab", q2: "c" },
  corpus: { d10: "a", d2: "ab", d1: "ccc", d3: "j" },
  relevantDocuments: { q1: ["d10"], q2: ["d1", "d3"] },
};
const pairs = { sentences1: ["ab", "cd", "abc", "j"], sentences2: ["abb", "e", "ab", "a"] };

describe("dense embeddings", () => {
  it.each([
    ["retrieval", new InformationRetrievalEvaluator({ ...retrieval, corpusChunkSize: 2 })],
    [
      "retrieval by name",
      new InformationRetrievalEvaluator({ ...retrieval, scoreFunctions: { euclidean: "euclidean" } }),
    ],
    ["collections", new NanoBeirEvaluator({ collections: { One: retrieval, Two: retrieval } })],
    [
      "reranking",
      new RerankingEvaluator({ samples: [{ query: "ab", positive: ["a", "bb"], negative: ["c", "abc"] }] }),
    ],
    [
      "triplets",
      new TripletEvaluator({
        anchors: ["ab", "c"],
        positives: ["abb", "d"],
        negatives: ["c", "cc"],
        similarityFunctions,
      }),
    ],
    ["similarity", new EmbeddingSimilarityEvaluator({ ...pairs, scores: [5, 0, 4, 1], similarityFunctions })],
    [
      "classification",
      new BinaryClassificationEvaluator({ ...pairs, labels: [1, 0, 1, 0], similarityFunctions }),
    ],
  ])("give the figures of sparse ones, except sparsity: %s", async (_, evaluator) => {
    const sparse = await evaluator.evaluate(new LetterEncoder(false));
    const dense = await evaluator.evaluate(new LetterEncoder(true));
    expect(dense.primaryMetric).toBe(sparse.primaryMetric);
    const isQuality = ([name]: [string, number]) => !/active_dims|sparsity_ratio|avg_flops/.test(name);
    const wanted = Object.entries(sparse.metrics).filter(isQuality);
    expect(wanted.length).toBeLessThan(Object.keys(sparse.metrics).length);
    expect(Object.keys(dense.metrics)).toEqual(wanted.map(([name]) => name));
    for (const [name, value] of wanted) expect(dense.metrics[name], name).toBeCloseTo(value, 6);
  });

  it("equal hand-worked numbers", async () => {
    const evaluator = new EmbeddingSimilarityEvaluator({ ...pairs, scores: [5, 0, 4, 1] });
    const { metrics, primaryMetric } = await evaluator.evaluate(new LetterEncoder(true));
    // Cosines: 3 / sqrt(2 * 5), 0, 2 / sqrt(3 * 2) and 0; ranks 4, 1.5, 3 and 1.5 against 4, 1, 3 and 2.
    expect(primaryMetric).toBe("spearman_cosine");
    expect(metrics.spearman_cosine).toBeCloseTo(4.5 / Math.sqrt(5 * 4.5), 6);
  });

  it("are refused a limit on active dims, by the encoder", async () => {
    const evaluator = new InformationRetrievalEvaluator({ ...retrieval, maxActiveDims: 3 });
    await expect(evaluator.evaluate(new LetterEncoder(true))).rejects.toThrow("maxActiveDims");
  });
});
