import { CrossEncoder, SparseEncoder } from "@sparse-encoder/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expectNumbers } from "../helpers/expected-numbers.ts";
import { goldenModelFolder } from "../helpers/golden-data.ts";
import { goldenPairs, readRerankerGolden, rerankerCopies } from "../helpers/reranker-folders.ts";

const copyOf = rerankerCopies();

describe("a pool of a reranker", () => {
  const golden = readRerankerGolden("bert");
  let reranker: CrossEncoder;
  beforeAll(async () => {
    reranker = await CrossEncoder.load(copyOf("bert"), { workers: 1 });
  });
  afterAll(() => reranker.close());

  it("gives the scores of the reranker's own workers, and of the reference", async () => {
    await using pool = await reranker.startPool(["cpu", "cpu"]);
    const alone = await reranker.predict(goldenPairs, { batchSize: 2 });
    for (const batchSize of [1, 2, 32]) {
      const scores = await reranker.predict(goldenPairs, { pool, batchSize });
      expectNumbers(scores, golden.scores);
      expectNumbers(scores, [...alone]);
    }
    expectNumbers((await reranker.predictLabels(goldenPairs, { pool })).values, golden.scores);
    const [query] = goldenPairs[0]!;
    const documents = goldenPairs.slice(0, 6).map(([, document]) => document);
    const ranked = await reranker.rank(query, documents, { topK: 4, pool });
    expect(ranked.map(({ index }) => index)).toEqual(golden.rank!.map(([index]) => index));
  });

  it("does the work in place of the reranker's own workers", async () => {
    const pool = await reranker.startPool(["cpu"]);
    const refused = expect(reranker.predict(goldenPairs, { pool })).rejects.toMatchObject({ code: "CLOSED" });
    await pool.destroy();
    await refused;
    expectNumbers(await reranker.predict(goldenPairs), golden.scores);
  });

  it("lets calls finish when it is stopped, and then takes no more", async () => {
    const pool = await reranker.startPool(["cpu"]);
    const scores = reranker.predict(goldenPairs, { pool, batchSize: 1 });
    await reranker.stopPool(pool);
    expectNumbers(await scores, golden.scores);
    const calls = [() => reranker.predict(goldenPairs, { pool }), () => reranker.rank("a", ["b"], { pool })];
    for (const call of calls) {
      await expect(call()).rejects.toMatchObject({
        code: "CLOSED",
        message: expect.stringMatching(/start another one with startPool/),
      });
    }
  });

  it("is refused by other models, and stops when its reranker closes", async () => {
    await using encoder = await SparseEncoder.load(goldenModelFolder("bert-max-relu"), { workers: 1 });
    await using encoderPool = await encoder.startPool(["cpu"]);
    await expect(reranker.predict(goldenPairs, { pool: encoderPool })).rejects.toThrow(
      /started by another encoder or reranker/,
    );
    const other = await CrossEncoder.load(copyOf("bert"), { workers: 1 });
    const pool = await other.startPool(["cpu"]);
    await expect(reranker.rank("a", ["b"], { pool })).rejects.toThrow(/another encoder or reranker/);
    await expect(encoder.encode("a", { pool })).rejects.toThrow(/another encoder or reranker/);
    await expect(reranker.predict(goldenPairs, { pool: {} as never })).rejects.toThrow(
      /pool must come from startPool of this model/,
    );
    await other.close();
    await expect(reranker.predict(goldenPairs, { pool })).rejects.toMatchObject({ code: "CLOSED" });
    await expect(other.startPool(["cpu"])).rejects.toThrow(/The reranker was closed/);
  });
});
