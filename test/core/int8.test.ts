import {
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { InvertedIndex, SparseEncoder } from "@sparse-encoder/core";
import { ndcg } from "@sparse-encoder/core/evaluation";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readCranfield } from "../../examples/cranfield.ts";
import { quantiseRows } from "../../packages/core/src/graph/weights/int8.ts";
import { goldenModelFolder, readGolden, readJson } from "../helpers/golden-data.ts";

describe("quantiseRows", () => {
  it("gives each row the scale at which its largest absolute value is 63", () => {
    const { values, scales } = quantiseRows(new Float32Array([0.9, -2, 0.5, 0, 0.25, 0.1]), 3);
    // Row 1: scale 2/63; 0.9 is 28.35 steps, 0.5 is 15.75. Row 2: scale 0.25/63; 0.1 is 25.2 steps.
    expect([...values]).toEqual([28, -63, 16, 0, 63, 25]);
    expect(scales[0]).toBe(Math.fround(2 / 63));
    expect(scales[1]).toBe(Math.fround(0.25 / 63));
  });

  it("gives a row of zeros the scale 1, and a row with numbers that are not finite none", () => {
    expect(quantiseRows(new Float32Array(4), 2)).toEqual({
      values: new Int8Array(4),
      scales: new Float32Array([1, 1]),
    });
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      expect(quantiseRows(new Float32Array([bad, 1, 2, 3]), 2).scales[0]).toBeNaN();
    }
  });
});

describe("dtype int8", () => {
  let cacheDir: string;
  beforeAll(() => {
    cacheDir = mkdtempSync(path.join(tmpdir(), "sparse-encoder-int8-"));
  });
  afterAll(() => rmSync(cacheDir, { recursive: true }));

  const load = (model?: string) => SparseEncoder.load(model, { dtype: "int8", cacheDir });
  const cached = () => readdirSync(path.join(cacheDir, "sparse-encoder"));

  it("keeps nDCG@10 on Cranfield within 1 % of the reference's float32 figure, at 30 % of the size", async () => {
    const { documents, queries, judgements } = readCranfield();
    await using encoder = await SparseEncoder.load(undefined, { dtype: "int8", cacheDir, maxSeqLength: 256 });
    const index = new InvertedIndex(encoder.embeddingDimension);
    const ids = documents.map(({ id }) => id);
    index.addMany(ids, await encoder.encodeDocument(documents.map(({ text }) => text)));
    const embeddings = await encoder.encodeQuery(queries.map(({ text }) => text));
    const scores = queries.map(({ id }, row) => {
      const ranking = index.search(embeddings.row(row), { topK: 10 }).map((hit) => hit.id);
      return ndcg(ranking, judgements.get(id)!, 10);
    });
    const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length;
    const reference = (readJson("fixtures/cranfield/results.json") as { splade: { "ndcg@10": number } })
      .splade;
    expect(Math.abs(mean / reference["ndcg@10"] - 1)).toBeLessThanOrEqual(0.01);

    const { dtype, weightsFiles } = encoder.describe();
    expect(dtype).toBe("int8");
    const source = statSync(path.join(goldenModelFolder("splade-tiny"), "model.safetensors")).size;
    expect(statSync(weightsFiles[0]!).size / source).toBeLessThanOrEqual(0.3);
  }, 120_000);

  it.each([
    "bert-max-relu",
    "distilbert",
    "roberta",
    "modernbert",
    "mpnet",
    "electra",
    "albert",
    "bert-fp16",
    "csr",
    "bert-sum-relu",
  ])("runs %s close to float32", async (name) => {
    const texts = readGolden(name).texts.slice(0, 8);
    await using exact = await SparseEncoder.load(goldenModelFolder(name), { similarity: "cosine" });
    await using encoder = await load(goldenModelFolder(name));
    const [a, b] = [await exact.encode(texts), await encoder.encode(texts)];
    expect(b.equals(a)).toBe(false);
    // Random weights have no structure that would help; a trained model comes closer.
    for (const similarity of exact.similarityPairwise(a, b)) expect(similarity).toBeGreaterThan(0.9);
  });

  it("makes the file once and uses it again", async () => {
    await (await load()).close();
    const files = cached();
    const times = files.map((file) => statSync(path.join(cacheDir, "sparse-encoder", file)).mtimeMs);
    await (await load()).close();
    expect(cached()).toEqual(files);
    expect(files.map((file) => statSync(path.join(cacheDir, "sparse-encoder", file)).mtimeMs)).toEqual(times);
    expect(files.every((file) => file.endsWith(".int8.safetensors"))).toBe(true);
  });

  it("makes another file for other weights in the same folder", async () => {
    const folder = mkdtempSync(path.join(tmpdir(), "sparse-encoder-int8-source-"));
    cpSync(goldenModelFolder("bert-max-relu"), folder, { recursive: true });
    const first = await load(folder);
    const [before] = first.describe().weightsFiles;
    await first.close();
    const file = path.join(folder, "model.safetensors");
    const bytes = readFileSync(file);
    bytes.writeFloatLE(0.125, bytes.length - 4);
    writeFileSync(file, bytes);
    const second = await load(folder);
    expect(second.describe().weightsFiles[0]).not.toBe(before);
    await second.close();
    rmSync(folder, { recursive: true });
  });

  it("repairs a file that was cut, or has one bit changed", async () => {
    const name = "bert-max-relu";
    const first = await load(goldenModelFolder(name));
    const file = first.describe().weightsFiles[0]!;
    const expected = await first.encode("the same text");
    await first.close();
    const whole = readFileSync(file);
    const damage = [
      () => truncateSync(file, whole.length - 1),
      () => truncateSync(file, 100),
      () => truncateSync(file, 0),
      () => writeFileSync(file, flipBit(whole, whole.length - 10)),
      () => writeFileSync(file, flipBit(whole, whole.length / 2)),
    ];
    for (const harm of damage) {
      harm();
      await using encoder = await load(goldenModelFolder(name));
      expect((await encoder.encode("the same text")).equals(expected)).toBe(true);
      expect(readFileSync(file).equals(whole)).toBe(true);
    }
  });

  it("gives the same file to encoders that are loaded at once", async () => {
    const other = mkdtempSync(path.join(tmpdir(), "sparse-encoder-int8-together-"));
    const encoders = await Promise.all(
      Array.from({ length: 4 }, () =>
        SparseEncoder.load(goldenModelFolder("bert-max-relu"), { dtype: "int8", cacheDir: other }),
      ),
    );
    const vectors = await Promise.all(encoders.map((encoder) => encoder.encode("a text")));
    for (const vector of vectors) expect(vector.equals(vectors[0]!)).toBe(true);
    await Promise.all(encoders.map((encoder) => encoder.close()));
    expect(readdirSync(path.join(other, "sparse-encoder"))).toHaveLength(1);
    rmSync(other, { recursive: true });
  });

  it("says what to do when the cache cannot be written, and leaves nothing behind", async () => {
    const blocked = path.join(cacheDir, "blocked");
    writeFileSync(blocked, "a file where a folder is needed");
    await expect(
      SparseEncoder.load(goldenModelFolder("bert-max-relu"), { dtype: "int8", cacheDir: blocked }),
    ).rejects.toMatchObject({ code: "CACHE_UNWRITABLE", message: expect.stringContaining("cacheDir") });
    expect(readFileSync(blocked, "utf8")).toBe("a file where a folder is needed");
  });

  it.each([
    "bert.encoder.layer.0.output.dense.weight",
    "bert.encoder.layer.1.intermediate.dense.bias",
    "cls.predictions.transform.LayerNorm.bias",
  ])("names weights that are not finite: %s", async (name) => {
    const folder = mkdtempSync(path.join(tmpdir(), "sparse-encoder-int8-nan-"));
    cpSync(goldenModelFolder("bert-max-relu"), folder, { recursive: true });
    const file = path.join(folder, "model.safetensors");
    const bytes = readFileSync(file);
    const headerBytes = Number(bytes.readBigUInt64LE());
    const header = JSON.parse(bytes.toString("utf8", 8, 8 + headerBytes));
    bytes.writeFloatLE(Number.NaN, 8 + headerBytes + header[name].data_offsets[0] + 8);
    writeFileSync(file, bytes);
    await expect(load(folder)).rejects.toMatchObject({
      code: "WEIGHTS_INVALID",
      message: expect.stringContaining(name),
    });
    expect(cached().filter((entry) => entry.endsWith(".tmp"))).toEqual([]);
    rmSync(folder, { recursive: true });
  });
});

function flipBit(bytes: Buffer, position: number): Buffer {
  const changed = Buffer.from(bytes);
  changed[Math.floor(position)]! ^= 1;
  return changed;
}
