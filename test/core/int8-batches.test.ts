import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { CrossEncoder, DenseEncoder, HybridEncoder, SparseEncoder } from "@sparse-encoder/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { withTokenizer } from "../helpers/fixture-folders.ts";
import { goldenModelFolder } from "../helpers/golden-data.ts";
import { rerankerFolder } from "../helpers/reranker-folders.ts";

/**
 * With int8 products, numbers of a text that depend on its batch differ by a step of the quantisation, 1e-3 and more; what the
 * order of float32 sums changes is below 1e-6.
 */
const rounding = 1e-6;

const seeded = (seed: number) => () => {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
  return seed / 2 ** 32;
};

/** Texts of 0 to 160 words of all kinds, long ones and short ones mixed. */
function randomTexts(random: () => number, count: number): string[] {
  const words =
    "wing flow HEAT Wärme 熱 42 don't supersonic https://a.b/c? , -- 🚀 x in of λ 'n' re-entry".split(" ");
  const draw = (limit: number) => Math.floor(random() * limit);
  return Array.from({ length: count }, () => {
    const length = draw(2) === 0 ? draw(12) : draw(160);
    return Array.from({ length }, () => words[draw(words.length)]).join(" ");
  });
}

/** Numbers of each text by their place. */
type Rows = Iterable<Float32Array | { readonly indices: Uint32Array; readonly values: Float32Array }>;

function numbersOf(rows: Rows): Map<number, number>[] {
  return Array.from(rows, (row) =>
    "indices" in row
      ? new Map(Array.from(row.indices, (index, place) => [index, row.values[place]!]))
      : new Map(row.entries()),
  );
}

function expectEqualRows(actual: Rows, expected: Rows): void {
  const wanted = numbersOf(expected);
  for (const [text, numbers] of numbersOf(actual).entries()) {
    for (const place of new Set([...numbers.keys(), ...wanted[text]!.keys()])) {
      const [value, other] = [numbers.get(place) ?? 0, wanted[text]!.get(place) ?? 0];
      const difference = Math.abs(value - other) / Math.max(1, Math.abs(other));
      if (!(difference <= rounding)) expect.fail(`text ${text}, place ${place}: ${value} and ${other}`);
    }
  }
}

describe("an int8 model gives a text the same numbers alone and in every batch", () => {
  let cacheDir: string;
  beforeAll(() => {
    cacheDir = mkdtempSync(path.join(tmpdir(), "sparse-encoder-int8-batches-"));
  });
  afterAll(() => rmSync(cacheDir, { recursive: true }));
  const options = () => ({ dtype: "int8", cacheDir, workers: 1, maxSeqLength: 128 }) as const;

  const random = seeded(20_261_126);
  const texts = randomTexts(random, 24);
  /** Some of the texts in some order, and a batch size. */
  const draws = [2, 3, 5, 8, 32].map((batchSize) => ({
    batchSize,
    chosen: texts
      .map((_, text) => ({ text, order: random() }))
      .sort((a, b) => a.order - b.order)
      .slice(0, 6 + Math.floor(random() * 18))
      .map(({ text }) => text),
  }));

  /** Compares the rows that `encode` gives for texts alone and in the drawn batches. */
  async function compare<R extends Float32Array | { indices: Uint32Array; values: Float32Array }>(
    encode: (texts: string[], batchSize: number) => Promise<Iterable<R>>,
  ): Promise<void> {
    const alone = [...(await encode(texts, 1))];
    for (const { batchSize, chosen } of draws) {
      const rows = await encode(
        chosen.map((text) => texts[text]!),
        batchSize,
      );
      expectEqualRows(
        rows,
        chosen.map((text) => alone[text]!),
      );
    }
  }

  it.each([
    "bert-max-relu",
    "bert-max-log1p",
    "bert-sum-relu",
    "bert-untied",
    "distilbert",
    "roberta",
    "camembert",
    "xlm-roberta",
    "modernbert",
    "mpnet",
    "electra",
    "albert",
    "csr",
  ])("sparse: %s", async (name) => {
    await using encoder = await SparseEncoder.load(goldenModelFolder(name), options());
    await compare((some, batchSize) => encoder.encode(some, { batchSize }));
  });

  it.each(["qwen3", "qwen3-causal-window", "llama3", "mistral-causal", "deberta-v3"])(
    "sparse, of another family: %s",
    async (name) => {
      const folder = fileURLToPath(new URL(`../fixtures/families/${name}`, import.meta.url));
      await using encoder = await SparseEncoder.load(folder, options());
      await compare((some, batchSize) => encoder.encode(some, { batchSize }));
    },
  );

  it("sparse: the embedded model, also with several threads", async () => {
    for (const threads of [1, 2]) {
      await using encoder = await SparseEncoder.load(undefined, { ...options(), threads });
      await compare((some, batchSize) => encoder.encode(some, { batchSize }));
    }
  });

  it.each(["dense-cls", "dense-mean-normalize"])("dense: %s", async (name) => {
    await using encoder = await DenseEncoder.load(goldenModelFolder(name), options());
    await compare((some, batchSize) => encoder.encode(some, { batchSize }));
  });

  it("both: lexical weights beside dense vectors", async () => {
    const { folder, remove } = withTokenizer("lexical-weights/model", "xlm-roberta");
    await using encoder = await HybridEncoder.load(folder, options());
    await compare(async (some, batchSize) => (await encoder.encode(some, { batchSize })).sparse);
    await compare(async (some, batchSize) => (await encoder.encode(some, { batchSize })).dense);
    remove();
  });

  it.each(["bert", "roberta", "distilbert", "electra", "mpnet", "albert", "modernbert", "deberta-v2"])(
    "pairs: %s",
    async (name) => {
      const folder = rerankerFolder(name);
      await using encoder = await CrossEncoder.load(folder, options());
      await compare(async (some, batchSize) => {
        const scores = await encoder.predict(
          some.map((text) => ["flow around a wing", text] as const),
          { batchSize },
        );
        return Array.from(scores, (score) => Float32Array.of(score));
      });
      rmSync(folder, { recursive: true });
    },
  );
});
