import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { SparseMatrix } from "@sparse-encoder/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DenseRows } from "../../packages/core/src/runtime/index.ts";
import { expectVectors, goldenModelFolder, readGolden, readJson, toMatrix } from "../helpers/golden-data.ts";
import { openWide } from "../helpers/wide-models.ts";

const models = [
  "splade-tiny",
  "bert-max-relu",
  "bert-sum-relu",
  "bert-max-log1p",
  "bert-untied",
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
];

/** Stored in half precision: compared with the reference's float32 arithmetic on the same weights. */
const halfPrecisionModels = ["bert-fp16", "bert-bf16"];

describe("the graph for wide devices, on the CPU provider", () => {
  it.each([...models, ...halfPrecisionModels])(
    "gives what sentence-transformers computes for %s",
    async (name) => {
      const golden = readGolden(name);
      const expected = golden.encode_float32 ?? golden.encode;
      await using model = await openWide(name);
      for (const batchSize of [1, 7, 32]) {
        expectVectors(await model.encodeSparse(golden.token_ids, batchSize), expected, golden.texts);
      }
    },
  );

  it.each(["dense-cls", "dense-mean-normalize"])("gives the dense vectors of %s", async (name) => {
    const { token_ids, encode } = readJson(`fixtures/golden/${name}.json`) as DenseGolden;
    await using model = await openWide(name);
    const rows = (await model.encode(token_ids, token_ids.length)) as DenseRows[];
    const width = model.compiled.dimension;
    encode.forEach((vector, row) => {
      vector.forEach((value, index) => {
        expect(Math.abs(rows[0]!.dense[row * width + index]! - value)).toBeLessThanOrEqual(1e-5);
      });
    });
  });
});

interface DenseGolden {
  readonly token_ids: number[][];
  readonly encode: number[][];
}

describe("the same in half precision", () => {
  let cache: string;
  beforeAll(() => {
    cache = mkdtempSync(path.join(tmpdir(), "sparse-encoder-fp16-"));
  });
  afterAll(() => rmSync(cache, { recursive: true }));

  /** Largest difference of two entries. */
  const worst = (a: SparseMatrix, b: SparseMatrix) => {
    let largest = 0;
    for (const [row, vector] of [...a].entries()) {
      const other = b.row(row).toMap();
      for (const [index, value] of vector.toMap()) {
        largest = Math.max(largest, Math.abs(value - (other.get(index) ?? 0)));
        other.delete(index);
      }
      for (const value of other.values()) largest = Math.max(largest, value);
    }
    return largest;
  };

  it("differs by at most 2e-2 from float32 with a trained model, and keeps two files' worth of bytes in one", async () => {
    const golden = readGolden("splade-tiny");
    await using model = await openWide("splade-tiny", cache);
    const expected = toMatrix(golden.encode, golden.embedding_dimension);
    const difference = worst(await model.encodeSparse(golden.token_ids, 8), expected);
    expect(difference).toBeLessThanOrEqual(2e-2);
    expect(difference).toBeGreaterThan(0);
    const [file] = readdirSync(cache).filter((name) => name.endsWith(".fp16.safetensors"));
    const source = statSync(path.join(goldenModelFolder("splade-tiny"), "model.safetensors")).size;
    expect(statSync(path.join(cache, file!)).size / source).toBeLessThan(0.52);
  });

  // Random weights have no structure that would help.
  it.each(models.filter((name) => name !== "splade-tiny"))("stays close to float32 with %s", async (name) => {
    const golden = readGolden(name);
    await using model = await openWide(name, cache);
    const expected = toMatrix(golden.encode, golden.embedding_dimension);
    const rows = await model.encodeSparse(golden.token_ids, 8);
    // Which latents are among the largest is close where they are close.
    const least = name.startsWith("csr") ? 0.95 : 0.9995;
    for (const [row, vector] of [...rows].entries()) {
      const norms = vector.dot(vector) * expected.row(row).dot(expected.row(row));
      expect(vector.dot(expected.row(row)) / Math.sqrt(norms)).toBeGreaterThan(least);
    }
  });

  it.each(halfPrecisionModels)("needs no second file for %s", async (name) => {
    const folder = path.join(cache, name);
    await using model = await openWide(name, folder);
    await model.encodeSparse(readGolden(name).token_ids, 8);
    expect(existsSync(folder)).toBe(false);
  });
});
