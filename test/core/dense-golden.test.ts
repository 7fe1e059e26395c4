import { DenseEncoder, type DenseMatrix } from "@sparse-encoder/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { goldenModelFolder, readJson } from "../helpers/golden-data.ts";

/** What sentence-transformers computed for a dense model. */
interface DenseGolden {
  embedding_dimension: number;
  max_seq_length: number;
  similarity_fn_name: string;
  texts: string[];
  token_ids: number[][];
  encode: number[][];
  similarity: {
    rows: number[];
    columns: number[];
    matrix: Record<string, number[][]>;
  };
  normalize_embeddings: { texts: number[]; vectors: number[][] };
  truncate_dim_16: { texts: number[]; vectors: number[][] };
  prompt_calls: {
    texts: number[];
    calls: { call: string; prompt?: string; prompt_name?: string; vectors: number[][] }[];
  };
  max_seq_length_8: { texts: number[]; token_ids: number[][]; vectors: number[][] };
}

/** Expects every number to equal the reference to 1e-5. */
function expectRows(actual: DenseMatrix, expected: readonly number[][]): void {
  expect(actual.shape).toEqual([expected.length, expected[0]!.length]);
  let worst = 0;
  for (const [position, row] of [...actual].entries()) {
    row.forEach((value, index) => {
      worst = Math.max(worst, Math.abs(value - expected[position]![index]!));
    });
  }
  expect(worst).toBeLessThanOrEqual(1e-5);
}

const models = ["dense-cls", "dense-mean-normalize", "all-minilm-l6-v2"];

describe.each(models)("%s equals sentence-transformers", (name) => {
  const golden = readJson(`fixtures/golden/${name}.json`) as DenseGolden;
  const { texts } = golden;
  let encoder: DenseEncoder;

  beforeAll(async () => {
    encoder = await DenseEncoder.load(goldenModelFolder(name));
  });
  afterAll(() => encoder.close());

  const pick = (positions: readonly number[]) => positions.map((position) => texts[position]!);

  it("in dimension, sequence length, similarity function and token ids", async () => {
    expect(encoder.embeddingDimension).toBe(golden.embedding_dimension);
    expect(encoder.maxSeqLength).toBe(golden.max_seq_length);
    expect(encoder.similarityFunction).toBe(golden.similarity_fn_name);
    expect((await encoder.tokenize(texts)).map((row) => [...row])).toEqual(golden.token_ids);
  });

  it.each([1, 7, 32])("in encode, encodeQuery and encodeDocument at batch size %i", async (batchSize) => {
    expectRows(await encoder.encode(texts, { batchSize }), golden.encode);
    expectRows(await encoder.encodeQuery(texts, { batchSize }), golden.encode);
    expectRows(await encoder.encodeDocument(texts, { batchSize }), golden.encode);
  });

  it("one text at a time and in a stream", async () => {
    const single = await encoder.encode(texts[0]!);
    single.forEach((value, index) => {
      expect(Math.abs(value - golden.encode[0]![index]!)).toBeLessThanOrEqual(1e-5);
    });
    let position = 0;
    for await (const row of encoder.encodeStream(texts)) {
      const expected = golden.encode[position++]!;
      row.forEach((value, index) => {
        expect(Math.abs(value - expected[index]!)).toBeLessThanOrEqual(1e-5);
      });
    }
    expect(position).toBe(texts.length);
  });

  it("normalised and truncated", async () => {
    const { normalize_embeddings: normalised, truncate_dim_16: truncated } = golden;
    expectRows(await encoder.encode(pick(normalised.texts), { normalize: true }), normalised.vectors);
    expectRows(await encoder.encode(pick(truncated.texts), { truncateDim: 16 }), truncated.vectors);
  });

  it("in similarity", async () => {
    const { rows, columns, matrix } = golden.similarity;
    for (const [similarity, expected] of Object.entries(matrix)) {
      const other = await DenseEncoder.load(goldenModelFolder(name), { similarity: similarity as "dot" });
      const scores = other.similarity(await other.encode(pick(rows)), await other.encode(pick(columns)));
      scores.forEach((row, position) => {
        row.forEach((score, column) => {
          const wanted = expected[position]![column]!;
          expect(Math.abs(score - wanted)).toBeLessThanOrEqual(1e-4 + 1e-5 * Math.abs(wanted));
        });
      });
      await other.close();
    }
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
      expectRows(await encoder[method](input, options), vectors);
    }
  });

  it("with maxSeqLength 8", async () => {
    const { texts: positions, token_ids: ids, vectors } = golden.max_seq_length_8;
    encoder.maxSeqLength = 8;
    try {
      expect((await encoder.tokenize(pick(positions))).map((row) => [...row])).toEqual(ids);
      expectRows(await encoder.encode(pick(positions)), vectors);
    } finally {
      encoder.maxSeqLength = golden.max_seq_length;
    }
  });
});
