import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expectVectors, readGolden } from "../golden-data.ts";
import { openWide } from "./wide-models.ts";

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
  "bert-fp16",
  "bert-bf16",
];

describe("the graph for wide devices, on the CPU provider", () => {
  it.each(models)("gives what sentence-transformers computes for %s", async (name) => {
    const golden = readGolden(name);
    await using model = await openWide(name);
    for (const batchSize of [1, 7, 32]) {
      expectVectors(await model.encodeSparse(golden.token_ids, batchSize), golden.encode, golden.texts);
    }
  });
});

describe("the same in half precision", () => {
  let cache: string;
  beforeAll(() => {
    cache = mkdtempSync(path.join(tmpdir(), "sparse-encoder-fp16-"));
  });
  afterAll(() => rmSync(cache, { recursive: true }));

  it.each(models)("differs by at most 2e-2 from float32 for %s", async (name) => {
    const golden = readGolden(name);
    await using model = await openWide(name, cache);
    const rows = await model.encodeSparse(golden.token_ids, 8);
    let worst = 0;
    golden.encode.forEach(({ indices, values }, row) => {
      const wanted = new Map(indices.map((index, position) => [index, values[position]!]));
      const got = rows.row(row).toMap();
      for (const index of new Set([...wanted.keys(), ...got.keys()])) {
        worst = Math.max(worst, Math.abs((wanted.get(index) ?? 0) - (got.get(index) ?? 0)));
      }
    });
    expect(worst).toBeLessThanOrEqual(2e-2);
    expect(worst).toBeGreaterThan(0);
  });
});
