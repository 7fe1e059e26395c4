import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DenseIndex } from "./dense-index.ts";
import type { DenseMetric } from "./store.ts";

/** The slow, obvious ranking. */
function rank(
  vectors: ReadonlyMap<string, Float32Array>,
  query: Float32Array,
  metric: DenseMetric,
): { id: string; score: number }[] {
  const product = (a: Float32Array, b: Float32Array) =>
    a.reduce((sum, value, index) => sum + value * b[index]!, 0);
  const scoreOf = (vector: Float32Array) => {
    if (metric === "dot") return product(vector, query);
    if (metric === "cosine") {
      return product(vector, query) / Math.sqrt(product(vector, vector) * product(query, query));
    }
    const difference = vector.map((value, index) => value - query[index]!);
    return -Math.sqrt(product(difference, difference));
  };
  return [...vectors]
    .map(([id, vector]) => ({ id, score: Math.fround(scoreOf(vector)) + 0 }))
    .sort((a, b) => b.score - a.score || (a.id < b.id ? -1 : 1));
}

// 1,025 rows and more cross blocks; quarters make sums exact, so scores of `dot` and `euclidean` are equal bit for bit.
const dimension = 7;
const vectorOf = (seed: number) =>
  Float32Array.from(
    { length: dimension },
    (_, index) => ((Math.imul(seed + 1, 2654435761 + index * 97) >>> 7) % 16) / 4 + 0.25,
  );

describe("DenseIndex", () => {
  it.each<DenseMetric>(["dot", "euclidean", "cosine"])("finds by %s what a sort of all finds", (metric) => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.boolean(), fc.nat(2500), fc.nat(1e6)), { maxLength: 30 }),
        fc.constantFrom(0, 3, 1023, 1024, 1025, 2049),
        fc.boolean(),
        fc.nat(1e6),
        (changes, count, reopened, seed) => {
          let index = new DenseIndex(dimension, metric);
          const vectors = new Map<string, Float32Array>();
          for (let number = 0; number < count; number++) {
            index.upsert(`${number}`, vectorOf(number));
            vectors.set(`${number}`, vectorOf(number));
          }
          const captured = index.capture();
          const before = captured.blocks.map((block) => block.slice());
          if (reopened) index = DenseIndex.restore(dimension, metric, captured);
          for (const [isDelete, number, value] of changes) {
            if (isDelete) {
              index.delete(`${number}`);
              vectors.delete(`${number}`);
            } else {
              index.upsert(`${number}`, vectorOf(value));
              vectors.set(`${number}`, vectorOf(value));
            }
          }
          const query = vectorOf(seed);
          const hits = index.search(query, 10, () => true);
          const expected = rank(vectors, query, metric).slice(0, 10);
          expect(hits.map(({ score }) => score)).toEqual(
            expected.map(({ score }) => (metric === "cosine" ? expect.closeTo(score, 6) : score)),
          );
          if (metric !== "cosine") expect(hits).toEqual(expected);
          for (const [, number] of changes) expect(index.get(`${number}`)).toEqual(vectors.get(`${number}`));
          // What was captured is as it was, unless it was handed over to the opened index.
          if (!reopened) expect(captured.blocks).toEqual(before);
        },
      ),
      { numRuns: 40 },
    );
  });

  it("has blocks of one row for vectors that are very long", () => {
    const index = new DenseIndex(5_000_000, "dot");
    const long = new Float32Array(5_000_000).fill(1);
    index.upsert("a", long);
    index.upsert(
      "b",
      long.map(() => 2),
    );
    expect(index.search(long, 1, () => true)).toEqual([{ id: "b", score: 10_000_000 }]);
  });

  it("gives vectors that point the same way one cosine", () => {
    const index = new DenseIndex(3, "cosine");
    for (const factor of [1, 3, 7, 0.1, 1e-30, 1e30]) {
      index.upsert(`${factor}`, Float32Array.of(factor, 2 * factor, -3 * factor));
    }
    const hits = index.search(Float32Array.of(1, 2, -3), 10, () => true);
    for (const { score } of hits) expect(score).toBeCloseTo(1, 6);
    expect(hits).toHaveLength(6);
  });
});
