import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { widenWeights } from "../../packages/core/src/graph/index.ts";
import { readModelFolder, readTensorValues, readWeights } from "../../packages/core/src/model/index.ts";
import { goldenModelFolder } from "../helpers/golden-data.ts";

describe("weights in half precision", () => {
  let cache: string;
  beforeEach(() => {
    cache = mkdtempSync(path.join(tmpdir(), "sparse-encoder-widened-"));
  });
  afterEach(() => rmSync(cache, { recursive: true }));

  const open = async (name: string) => {
    const folder = goldenModelFolder(name);
    const pipeline = (await readModelFolder(folder)).routes.plain;
    return { folder, pipeline, weights: new Map([[folder, await readWeights(folder)]]) };
  };

  it.each(["bert-bf16", "bert-fp16"])("of %s become the same numbers in one float32 file", async (name) => {
    const { folder, pipeline, weights } = await open(name);
    for (let round = 0; round < 2; round++) {
      const widened = (await widenWeights(pipeline, weights, cache, undefined, 1)).get(folder)!;
      expect(readdirSync(cache)).toHaveLength(1);
      for (const [tensor, stored] of widened.entries()) {
        expect(stored.type).toBe("F32");
        const source = weights.get(folder)!.get(tensor, stored.shape);
        expect(await readTensorValues(stored)).toEqual(await readTensorValues(source));
      }
    }
  });

  it("stay as they are if they are few, are float32, or the cache cannot be written", async () => {
    const half = await open("bert-bf16");
    expect(await widenWeights(half.pipeline, half.weights, cache, undefined)).toEqual(half.weights);
    const single = await open("bert-max-relu");
    expect(await widenWeights(single.pipeline, single.weights, cache, undefined, 1)).toEqual(single.weights);
    const file = path.join(cache, "file");
    writeFileSync(file, "");
    expect(await widenWeights(half.pipeline, half.weights, path.join(file, "x"), undefined, 1)).toBe(
      half.weights,
    );
  });
});
