import path from "node:path";
import { CrossEncoder, DenseEncoder, SparseEncoder } from "@sparse-encoder/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Tokenizer } from "../../packages/core/src/model/index.ts";
import { expectNumbers } from "../helpers/expected-numbers.ts";
import { goldenModelFolder } from "../helpers/golden-data.ts";
import { editJson } from "../helpers/model-copies.ts";
import { goldenPairs, readRerankerGolden, rerankerCopies } from "../helpers/reranker-folders.ts";

const copyOf = rerankerCopies();

const models = [
  "bert",
  "bert-saved",
  "roberta",
  "xlm-roberta",
  "camembert",
  "distilbert",
  "electra",
  "mpnet",
  "albert",
  "modernbert",
  "modernbert-mean",
  "modernbert-bias",
  "rembert",
  "eurobert",
  "eurobert-bos",
  "llama",
  "mistral",
  "deberta-v2",
  "deberta-v2-types",
  "gte",
  "nomic",
];

describe.each(models)("the reranker %s equals sentence-transformers", (name) => {
  const golden = readRerankerGolden(name);
  let folder: string;
  let reranker: CrossEncoder;

  beforeAll(async () => {
    folder = copyOf(name);
    reranker = await CrossEncoder.load(folder, { workers: 1 });
  });
  afterAll(() => reranker.close());

  it("in labels, length, activation and prompts", () => {
    expect(reranker.labels).toBe(golden.labels);
    expect(reranker.maxSeqLength).toBe(golden.max_seq_length);
    expect(reranker.activation).toBe(golden.activation.toLowerCase());
    expect(reranker.defaultPromptName).toBe(golden.default_prompt_name ?? undefined);
  });

  it("in scores, in batches and one by one, with empty sides and texts that are too long", async () => {
    expectNumbers(await reranker.predict(goldenPairs), golden.scores);
    expectNumbers(await reranker.predict(goldenPairs, { batchSize: 1 }), golden.scores);
    expectNumbers(await reranker.predict(goldenPairs, { activation: "identity" }), golden.logits);
    expectNumbers(await reranker.predict(goldenPairs.slice(0, 3), { activation: "tanh" }), golden.tanh);
    expectNumbers([await reranker.predict(goldenPairs[0]!)], [golden.single!]);
  });

  it("in the order of rank", async () => {
    const [query] = goldenPairs[0]!;
    const documents = goldenPairs.slice(0, 6).map(([, document]) => document);
    const ranked = await reranker.rank(query, documents, { topK: 4 });
    expect(ranked.map(({ index }) => index)).toEqual(golden.rank!.map(([index]) => index));
    expectNumbers(
      ranked.map(({ score }) => score),
      golden.rank!.map(([, score]) => score),
    );
    expect(ranked.map(({ text }) => text)).toEqual(ranked.map(({ index }) => documents[index]));
  });

  it("in tokens and scores of every way to cut", async () => {
    const tokenizer = await Tokenizer.open(folder);
    for (const { length, strategy, pairs, token_ids, type_starts, logits } of golden.cuts) {
      const chosen = pairs.map((position) => goldenPairs[position]!);
      const rows = await tokenizer.encodePairs(chosen, length, { truncation: strategy });
      expect(rows.map(({ ids }) => [...ids])).toEqual(token_ids);
      if (type_starts.some((start) => start !== null)) {
        expect(rows.map(({ typeStart }) => typeStart)).toEqual(type_starts);
      }
      if (strategy === "longest_first") reranker.maxSeqLength = length;
      const options = { workers: 1, maxSeqLength: length, truncation: strategy };
      const cutting = strategy === "longest_first" ? reranker : await CrossEncoder.load(folder, options);
      const scores = await cutting.predict(chosen, { activation: "identity", prompt: "" });
      // Numbers before the sigmoid: the reference itself is up to 7e-6 away from float64 (ModernBERT).
      expectNumbers(scores, logits, 2e-5);
      reranker.maxSeqLength = golden.max_seq_length;
      if (cutting !== reranker) await cutting.close();
    }
  });
});

describe.each(["bert", "xlm-roberta", "distilbert", "modernbert", "deberta-v2"])(
  "the reranker %s with int8 weights",
  (name) => {
    it("gives nearly the same numbers", async () => {
      const folder = copyOf(name);
      const cacheDir = path.join(folder, "cache");
      await using int8 = await CrossEncoder.load(folder, { workers: 1, dtype: "int8", cacheDir });
      const actual = [...(await int8.predict(goldenPairs, { activation: "identity" }))];
      const exact = readRerankerGolden(name).logits.flat();
      const worst = Math.max(...actual.map((score, place) => Math.abs(score - exact[place]!)));
      // Rows of 16 numbers with random weights lose far more than rows of trained models.
      expect(worst).toBeLessThan(0.3 * (Math.max(...exact) - Math.min(...exact)));
      expect(worst).toBeGreaterThan(1e-6);
    });
  },
);

describe("a reranker with prompts", () => {
  it("puts a prompt before the first text, as the reference does", async () => {
    const golden = readRerankerGolden("bert-saved");
    await using reranker = await CrossEncoder.load(copyOf("bert-saved"), { workers: 1 });
    for (const { scores, ...prompt } of golden.prompt_calls!) {
      expectNumbers(await reranker.predict(goldenPairs.slice(0, 4), prompt), scores);
    }
    await expect(reranker.predict(goldenPairs, { promptName: "none" })).rejects.toThrow(
      /promptName must be one of .*query, .*web/,
    );
  });
});

describe("a reranker of several labels", () => {
  let reranker: CrossEncoder;
  beforeAll(async () => {
    reranker = await CrossEncoder.load(copyOf("bert-labels"), { workers: 1 });
  });
  afterAll(() => reranker.close());

  it("gives the numbers of all labels, as the reference does", async () => {
    const golden = readRerankerGolden("bert-labels");
    const scores = await reranker.predictLabels(goldenPairs);
    expect(scores.shape).toEqual([goldenPairs.length, 3]);
    expectNumbers(scores.values, golden.scores);
    const chosen = await reranker.predictLabels(goldenPairs.slice(0, 3), { activation: "softmax" });
    expectNumbers(chosen.values, golden.softmax!);
  });

  it("is refused where one number per pair is needed", async () => {
    const message = /needs a model with one label; the model in .* has 3\. Use predictLabels/;
    await expect(reranker.predict(goldenPairs)).rejects.toThrow(message);
    await expect(reranker.rank("a", ["b"])).rejects.toMatchObject({ code: "MODEL_UNSUPPORTED" });
  });
});

describe("models of the wrong kind", () => {
  it("are refused by name", async () => {
    await expect(CrossEncoder.load(goldenModelFolder("bert-max-relu"))).rejects.toThrow(
      /is a SparseEncoder model \(Transformer, SpladePooling\), not a CrossEncoder; load it with SparseEncoder\.load/,
    );
    await expect(CrossEncoder.load(goldenModelFolder("dense-cls"))).rejects.toThrow(
      /is a SentenceTransformer model .* load it with DenseEncoder\.load/,
    );
    await expect(CrossEncoder.load(goldenModelFolder("plain-mlm"))).rejects.toThrow(
      /no classification head \(tensor "classifier\.weight"\).*BertForMaskedLM.*BertForSequenceClassification/,
    );
    for (const name of ["bert", "bert-saved"]) {
      const folder = copyOf(name);
      const message = /is a CrossEncoder model .* load it with CrossEncoder\.load/;
      await expect(SparseEncoder.load(folder)).rejects.toThrow(message);
      await expect(DenseEncoder.load(folder)).rejects.toThrow(message);
    }
  });

  it("are refused with an activation that is not known, unless the caller names one", async () => {
    const folder = copyOf("bert");
    editJson(path.join(folder, "config.json"), (config) => {
      config.sentence_transformers = { activation_fn: "my_code.Sigmoid" };
    });
    await expect(CrossEncoder.load(folder)).rejects.toThrow(/'my_code\.Sigmoid'.*option activation/);
    await using reranker = await CrossEncoder.load(folder, { activation: "identity", workers: 1 });
    expectNumbers(await reranker.predict(goldenPairs), readRerankerGolden("bert").logits);
  });

  it("do not name their activation under the key of older releases", async () => {
    const folder = copyOf("roberta");
    editJson(path.join(folder, "config.json"), (config) => {
      config.sbert_ce_default_activation_function = "torch.nn.modules.linear.Identity";
    });
    await using reranker = await CrossEncoder.load(folder, { workers: 1 });
    expectNumbers(await reranker.predict(goldenPairs), readRerankerGolden("roberta").logits);
  });
});

describe("calls of a reranker", () => {
  let reranker: CrossEncoder;
  beforeAll(async () => {
    reranker = await CrossEncoder.load(copyOf("bert"), { workers: 1 });
  });
  afterAll(() => reranker.close());

  it("take no pairs and no documents", async () => {
    expect(await reranker.predict([])).toEqual(new Float32Array(0));
    expect(await reranker.rank("a query", [])).toEqual([]);
  });

  it("refuse what is not a pair of texts, with its position", async () => {
    const pairs = [["a", "b"], ["a"]] as unknown as [string, string][];
    await expect(reranker.predict(pairs)).rejects.toThrow(
      /predict: the pair at position 1 must be two strings/,
    );
    await expect(reranker.predict("text" as never)).rejects.toMatchObject({ code: "INVALID_TEXT" });
    await expect(reranker.rank("a", "b" as never)).rejects.toMatchObject({ code: "INVALID_TEXT" });
    await expect(reranker.rank("a", ["b"], { topk: 1 } as never)).rejects.toThrow(
      /rank: unknown option 'topk'/,
    );
    await expect(reranker.rank("a", ["b"], { topK: 0 })).rejects.toThrow(/topK must be a whole number/);
  });

  it("refuse a first text that leaves no room where only the second one is cut", async () => {
    await using second = await CrossEncoder.load(copyOf("bert"), {
      workers: 1,
      truncation: "only_second",
      maxSeqLength: 8,
    });
    await expect(second.predict([["one two three four five six seven", "eight"]])).rejects.toThrow(
      /first text of a pair has \d tokens or more.*longest_first/,
    );
    expect(() => {
      second.maxSeqLength = 2;
    }).toThrow(/at least 3/);
  });

  it("end with an abort, and after close", async () => {
    const signal = AbortSignal.abort();
    await expect(reranker.predict(goldenPairs, { signal })).rejects.toMatchObject({ code: "ABORTED" });
    const closed = await CrossEncoder.load(copyOf("bert"), { workers: 1 });
    const scores = closed.predict(goldenPairs);
    await closed.close();
    expect((await scores).length).toBe(goldenPairs.length);
    await expect(closed.predict(goldenPairs)).rejects.toMatchObject({ code: "CLOSED" });
  });
});
