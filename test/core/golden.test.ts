import { SparseEncoder, SparseMatrix } from "@sparse-encoder/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  expectVectors,
  goldenModelFolder,
  readGolden,
  toMatrix,
  toVector,
  vectorsOf,
} from "../helpers/golden-data.ts";

/** Every model here is compared with what sentence-transformers computes for it. */
const models = [
  "splade-tiny",
  "bert-max-relu",
  "bert-sum-relu",
  "bert-max-log1p",
  "bert-untied",
  "bert-short",
  "bert-prompts",
  "bert-legacy-v5",
  "bert-baked-padding",
  "bert-tokenizer-mismatch",
  "bert-pytorch-bin",
  "bert-sharded",
  "plain-mlm",
  "distilbert",
  "roberta",
  "xlm-roberta",
  "camembert",
  "modernbert",
  "mpnet",
  "electra",
  "albert",
  "csr",
  "csr-cls",
  "inference-free",
  "inference-free-legacy",
  "inference-free-legacy-root",
];

/** Stored in half precision, computed in float32: compared with the reference's float32 arithmetic on the same weights. */
const halfPrecisionModels = ["bert-fp16", "bert-bf16"];

/** Numbers of an array in a fixed, thoroughly mixed order: steps of a prime that does not divide the length. */
function shuffled(length: number): number[] {
  const step = [13, 17, 19, 23].find((prime) => length % prime !== 0)!;
  return Array.from({ length }, (_, position) => (position * step + 5) % length);
}

describe.each(models)("%s equals sentence-transformers", (name) => {
  const golden = readGolden(name);
  const { texts } = golden;
  const dimension = golden.embedding_dimension;
  let encoder: SparseEncoder;

  beforeAll(async () => {
    encoder = await SparseEncoder.load(goldenModelFolder(name));
  });
  afterAll(() => encoder.close());

  const pick = (positions: readonly number[]) => positions.map((position) => texts[position]!);

  it("in dimension, sequence length, prompts and similarity function", () => {
    expect(encoder.embeddingDimension).toBe(dimension);
    expect(encoder.maxSeqLength).toBe(golden.max_seq_length);
    expect(encoder.prompts).toEqual(golden.prompts);
    expect(encoder.defaultPromptName ?? null).toBe(golden.default_prompt_name);
    expect(encoder.similarityFunction).toBe(golden.similarity_fn_name);
  });

  it("in token ids", async () => {
    const ids = await encoder.tokenize(texts);
    expect(ids.map((row) => [...row])).toEqual(golden.token_ids);
  });

  it.each([1, 7, 32])(
    "in encode, encodeQuery and encodeDocument at batch size %i, shuffled",
    async (batchSize) => {
      const order = shuffled(texts.length);
      const input = pick(order);
      const expected = (method: Parameters<typeof vectorsOf>[1]) =>
        order.map((n) => vectorsOf(golden, method)[n]!);
      expectVectors(await encoder.encode(input, { batchSize }), expected("encode"), input);
      expectVectors(await encoder.encodeQuery(input, { batchSize }), expected("encode_query"), input);
      expectVectors(await encoder.encodeDocument(input, { batchSize }), expected("encode_document"), input);
    },
  );

  it("one text at a time", async () => {
    const rows = [];
    for (const text of texts) rows.push(await encoder.encode(text));
    expectVectors(SparseMatrix.fromRows(rows, dimension), golden.encode, texts);
  });

  it("in a stream", async () => {
    const rows = [];
    for await (const row of encoder.encodeStream(texts)) rows.push(row);
    expectVectors(SparseMatrix.fromRows(rows, dimension), golden.encode, texts);
  });

  it("in similarity and pairwise similarity", async () => {
    const { rows, columns, matrix, pairwise } = golden.similarity;
    for (const [similarity, expected] of Object.entries(matrix)) {
      const other = await SparseEncoder.load(goldenModelFolder(name), { similarity: similarity as "dot" });
      const [a, b] = [await other.encode(pick(rows)), await other.encode(pick(columns))];
      const tolerance = (value: number) => {
        if (similarity === "cosine") return 1e-5;
        // The reference takes euclidean distances from squared norms: noise where they are close to 0.
        if (similarity === "euclidean" && Math.abs(value) < 1e-2) return 1e-2;
        return 1e-4 + 1e-5 * Math.abs(value);
      };
      other.similarity(a, b).forEach((scores, row) => {
        scores.forEach((score, column) => {
          const wanted = expected[row]![column]!;
          expect(Math.abs(score - wanted), `${similarity} ${row} ${column}`).toBeLessThanOrEqual(
            tolerance(wanted),
          );
        });
      });
      other.similarityPairwise(a, b).forEach((score, row) => {
        const wanted = pairwise[similarity]![row]!;
        expect(Math.abs(score - wanted), `${similarity} pair ${row}`).toBeLessThanOrEqual(tolerance(wanted));
      });
      await other.close();
    }
  });

  it("in sparsity", async () => {
    const embeddings = await encoder.encode(texts);
    const { all, each, first } = golden.sparsity;
    // The reference takes the mean in float32; a dim under 5e-5 may be active on one side alone.
    expect(SparseEncoder.sparsity(embeddings).activeDims).toBeCloseTo(all.active_dims, 4);
    expect(encoder.sparsity(embeddings).sparsityRatio).toBeCloseTo(all.sparsity_ratio, 6);
    each.forEach((expected, row) => {
      expect(SparseEncoder.sparsity(embeddings.row(row)).activeDims).toBe(expected.active_dims);
    });
    expect(SparseEncoder.sparsity(await encoder.encode(texts[0]!))).toEqual({
      activeDims: first.active_dims,
      sparsityRatio: first.sparsity_ratio,
    });
  });

  it("in decoded tokens", async () => {
    const embeddings = await encoder.encode(pick(golden.decode.texts));
    const expectTokens = (actual: [string, number][], expected: [string, number][]) => {
      expect(actual.length).toBe(expected.length);
      actual.forEach(([, weight], rank) => {
        expect(Math.abs(weight - expected[rank]![1])).toBeLessThanOrEqual(5e-5 + 1e-5 * Math.abs(weight));
      });
      // Neighbours closer than float noise may swap.
      const close = (rank: number) =>
        Math.abs((expected[rank + 1]?.[1] ?? -1) - expected[rank]![1]) < 1e-4 ||
        Math.abs((expected[rank - 1]?.[1] ?? -1) - expected[rank]![1]) < 1e-4;
      actual.forEach(([token], rank) => {
        if (!close(rank)) expect(token).toBe(expected[rank]![0]);
      });
      expect(new Set(actual.map(([token]) => token))).toEqual(new Set(expected.map(([token]) => token)));
    };
    const all = encoder.decode(embeddings);
    const top = encoder.decode(embeddings, { topK: 5 });
    golden.decode.texts.forEach((_, row) => {
      expectTokens(all[row]!, golden.decode.single_all[row]!);
      expectTokens(top[row]!, golden.decode.batch_top_5[row]!);
      expectTokens(encoder.decode(embeddings.row(row), { topK: 5 }), golden.decode.single_top_5[row]!);
    });
  });

  it("in intersections", async () => {
    const embeddings = await encoder.encode(texts);
    for (const pair of golden.intersection.pairs) {
      const product = encoder.intersection(embeddings.row(pair.a), embeddings.row(pair.b));
      expectVectors(SparseMatrix.fromRows([product]), [pair]);
    }
    const { a, b, rows } = golden.intersection.one_to_many;
    const others = SparseMatrix.fromRows(b.map((row) => embeddings.row(row)));
    expectVectors(encoder.intersection(embeddings.row(a), others), rows);
  });

  it.each([8, 64])("with maxActiveDims %i at the call and at load", async (maxActiveDims) => {
    const { vectors, tie_at_cut: ties } = golden.max_active_dims_calls[String(maxActiveDims)]!;
    expect(ties).not.toContain(true);
    const input = pick(golden.max_active_dims_calls.texts);
    expectVectors(await encoder.encode(input, { maxActiveDims }), vectors, input);
    const limited = await SparseEncoder.load(goldenModelFolder(name), { maxActiveDims });
    expectVectors(await limited.encode(input), vectors, input);
    expectVectors(
      await limited.encode(input, { maxActiveDims: golden.max_active_dims ?? dimension }),
      golden.max_active_dims_calls.texts.map((text) => golden.encode[text]!),
      input,
    );
    await limited.close();
  });

  it("with prompts", async () => {
    const input = pick(golden.prompt_calls.texts);
    for (const { call, prompt, prompt_name: promptName, vectors } of golden.prompt_calls.calls) {
      const method = { encode: "encode", encode_query: "encodeQuery", encode_document: "encodeDocument" }[
        call
      ] as "encode" | "encodeQuery" | "encodeDocument";
      const options = {
        ...(prompt !== undefined && { prompt }),
        ...(promptName !== undefined && { promptName }),
      };
      expectVectors(await encoder[method](input, options), vectors, input);
    }
  });

  it("with maxSeqLength 8, set and at load", async () => {
    const { texts: positions, token_ids: ids, vectors } = golden.max_seq_length_8;
    const input = pick(positions);
    const short = await SparseEncoder.load(goldenModelFolder(name), { maxSeqLength: 8 });
    expect((await short.tokenize(input)).map((row) => [...row])).toEqual(ids);
    expectVectors(await short.encode(input), vectors, input);
    short.maxSeqLength = golden.max_seq_length;
    expectVectors(
      await short.encode(input),
      positions.map((text) => golden.encode[text]!),
      input,
    );
    await short.close();
  });

  it("and the comparison itself notices a wrong weight, a missing dim and an extra dim", () => {
    const [first] = golden.encode;
    const right = toMatrix([first!], dimension);
    expectVectors(right, [first!]);
    const changed = { ...first!, values: first!.values.map((value, n) => (n === 0 ? value + 1e-3 : value)) };
    const missing = { indices: first!.indices.slice(1), values: first!.values.slice(1) };
    for (const wrong of [changed, missing]) {
      expect(() => expectVectors(right, [wrong])).toThrow();
      expect(() => expectVectors(SparseMatrix.fromRows([toVector(wrong, dimension)]), [first!])).toThrow();
    }
  });
});

describe.each(halfPrecisionModels)("%s equals sentence-transformers in float32", (name) => {
  const golden = readGolden(name);
  const expected = golden.encode_float32!;
  let encoder: SparseEncoder;

  beforeAll(async () => {
    encoder = await SparseEncoder.load(goldenModelFolder(name));
  });
  afterAll(() => encoder.close());

  it("in token ids", async () => {
    const ids = await encoder.tokenize(golden.texts);
    expect(ids.map((row) => [...row])).toEqual(golden.token_ids);
  });

  it.each([1, 7, 32])(
    "in encode, encodeQuery and encodeDocument at batch size %i, shuffled",
    async (batchSize) => {
      const order = shuffled(golden.texts.length);
      const input = order.map((position) => golden.texts[position]!);
      const rows = order.map((position) => expected[position]!);
      expectVectors(await encoder.encode(input, { batchSize }), rows, input);
      expectVectors(await encoder.encodeQuery(input, { batchSize }), rows, input);
      expectVectors(await encoder.encodeDocument(input, { batchSize }), rows, input);
    },
  );

  it("one text at a time", async () => {
    const rows = [];
    for (const text of golden.texts) rows.push(await encoder.encode(text));
    expectVectors(SparseMatrix.fromRows(rows), expected, golden.texts);
  });
});
