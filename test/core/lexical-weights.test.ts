import { readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import {
  DenseEncoder,
  HybridEncoder,
  HybridRetriever,
  MemoryStore,
  SparseEncoder,
} from "@sparse-encoder/core";
import { afterAll, describe, expect, it, vi } from "vitest";
import { withTokenizer } from "../helpers/fixture-folders.ts";
import { expectVectors, type GoldenVector, goldenModelFolder } from "../helpers/golden-data.ts";

interface LexicalGolden {
  readonly texts: string[];
  readonly vocabulary: number;
  readonly dense: number[][];
  readonly sparse: GoldenVector[];
}

const fixtures = fileURLToPath(new URL("../fixtures", import.meta.url));
const { texts, ...golden } = JSON.parse(
  readFileSync(path.join(fixtures, "lexical-weights/golden.json"), "utf8"),
) as LexicalGolden;

const { folder, remove } = withTokenizer("lexical-weights/model", "xlm-roberta");
afterAll(remove);

function expectDense(actual: Iterable<Float32Array>): void {
  for (const [row, vector] of [...actual].entries()) {
    const differences = golden.dense[row]!.map((value, place) => Math.abs(value - vector[place]!));
    expect(Math.max(...differences), `text ${row}`).toBeLessThanOrEqual(1e-5);
  }
}

describe("a model with lexical weights beside dense vectors", () => {
  it.each([1, 3, 32])("gives the reference's sparse vectors at batch size %i", async (batchSize) => {
    await using encoder = await SparseEncoder.load(folder, { workers: 1 });
    expect(encoder.embeddingDimension).toBe(golden.vocabulary);
    expectVectors(await encoder.encode(texts, { batchSize }), golden.sparse, texts);
    const [token] = encoder.decode(await encoder.encode(texts[1]!), { topK: 1 })[0]!;
    expect(token).toMatch(/\w/);
    const cut = await encoder.encode(texts, { maxActiveDims: 3 });
    for (const [row, vector] of [...cut].entries()) {
      const kept = [...golden.sparse[row]!.values].sort((a, b) => b - a).slice(0, 3);
      expect([...vector.values].sort((a, b) => b - a).map((value) => value.toFixed(4))).toEqual(
        kept.map((value) => value.toFixed(4)),
      );
    }
  });

  it("gives the reference's dense vectors", async () => {
    await using encoder = await DenseEncoder.load(folder, { workers: 1 });
    expectDense(await encoder.encode(texts));
  });

  it("gives both in one pass", async () => {
    await using encoder = await HybridEncoder.load(folder, { workers: 1 });
    expect([encoder.sparseDimension, encoder.embeddingDimension]).toEqual([golden.vocabulary, 16]);
    for (const rows of [
      await encoder.encodeDocument(texts, { batchSize: 2 }),
      await encoder.encodeQuery(texts),
    ]) {
      expectVectors(rows.sparse, golden.sparse, texts);
      expectDense(rows.dense);
    }
    const one = await encoder.encode(texts[2]!);
    expect(one.sparse.indices.length).toBe(golden.sparse[2]!.indices.length);
    let count = 0;
    for await (const { sparse } of encoder.encodeStream(texts)) {
      expect(sparse.indices.length).toBe(golden.sparse[count++]!.indices.length);
    }
    expect(count).toBe(texts.length);
  });

  it("shares one run of the model between two arms of a retriever", async () => {
    await using encoder = await HybridEncoder.load(folder, { workers: 1 });
    const [document, query] = [vi.spyOn(encoder, "encodeDocument"), vi.spyOn(encoder, "encodeQuery")];
    const store = new MemoryStore();
    const retriever = new HybridRetriever({
      arms: { sparse: { encoder: encoder.sparse, store }, dense: { encoder: encoder.dense, store } },
    });
    await retriever.add(texts.slice(0, 4).map((text, id) => ({ id: `${id}`, text })));
    expect(document).toHaveBeenCalledTimes(1);
    const [best] = await retriever.retrieve(texts[1]!);
    expect(best!.id).toBe("1");
    expect(query).toHaveBeenCalledTimes(1);
    const hits = await retriever.retrieve(texts[1]!, { explain: true });
    expect(hits.length).toBeGreaterThan(0);
  });

  it("goes on for one half when the other one is aborted", async () => {
    await using encoder = await HybridEncoder.load(folder, { workers: 1 });
    const controller = new AbortController();
    const sparse = encoder.sparse.encodeDocument(texts, { signal: controller.signal });
    const dense = encoder.dense.encodeDocument(texts);
    controller.abort();
    await expect(sparse).rejects.toMatchObject({ code: "ABORTED" });
    expectDense(await dense);
  });

  it("runs with int8 weights, and is not saved", async () => {
    const cacheDir = path.join(folder, "cache");
    await using encoder = await HybridEncoder.load(folder, { workers: 1, dtype: "int8", cacheDir });
    expect((await encoder.encode(texts)).sparse.length).toBe(texts.length);
    await expect(encoder.save(path.join(folder, "saved"))).rejects.toThrow(/copy the folder/);
  });
});

it("names the file that a model lacks", async () => {
  await expect(HybridEncoder.load(goldenModelFolder("dense-cls"))).rejects.toThrow(
    /not a HybridEncoder; load it with DenseEncoder\.load\(\)\. .*sparse_linear\.pt/,
  );
  await expect(HybridEncoder.load(goldenModelFolder("bert-max-relu"))).rejects.toThrow(
    /is a SparseEncoder model/,
  );
});
