import fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { DenseMetric } from "../vector/index.ts";
import { DenseIndex } from "./dense-index.ts";

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

/** As where a process has a limit on its addresses. */
function withoutMemory() {
  const { WebAssembly } = globalThis as unknown as { WebAssembly: { Memory: () => object } };
  class NoMemory {
    constructor() {
      throw new RangeError("WebAssembly.Memory(): could not allocate memory");
    }
  }
  return vi.spyOn(WebAssembly, "Memory").mockImplementation(NoMemory as never);
}

afterEach(() => {
  vi.restoreAllMocks();
});

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

  it.each<DenseMetric>(["dot", "euclidean", "cosine"])(
    "gives the same scores by %s bit for bit where the system gives no memory, and asks for it once",
    (metric) => {
      const dimension = 67;
      const random = (seed: number) =>
        Float32Array.from({ length: dimension }, (_, index) => Math.sin(seed * 67 + index * index + 1));
      // Blocks that are moved, but for the last one of some rows.
      for (const count of [1023, 1024, 1025, 2 * 1024 + 7]) {
        const index = new DenseIndex(dimension, metric);
        for (let number = 0; number < count; number++) index.upsert(`${number}`, random(number));
        const restored = DenseIndex.restore(dimension, metric, index.capture());
        const query = random(-1);
        const hits = index.search(query, count);
        expect(hits).toHaveLength(count);
        const memory = withoutMemory();
        expect(restored.search(query, count)).toEqual(hits);
        expect(restored.search(query, count)).toEqual(hits);
        expect(memory).toHaveBeenCalledTimes(1);
        vi.restoreAllMocks();
        // A block that was moved before goes on to be compared where it is.
        expect(index.search(query, count)).toEqual(hits);
      }
    },
  );

  it("leaves what was captured as it is once blocks are moved, and moves them again after a copy", () => {
    const dimension = 100;
    const row = (value: number) => new Float32Array(dimension).fill(value);
    const index = new DenseIndex(dimension, "dot");
    for (let number = 0; number < 2000; number++) index.upsert(`${number}`, row(number));
    const query = row(1);
    const best = (expected: number, id: string) =>
      expect(index.search(query, 1)).toEqual([{ id, score: expected * dimension }]);
    const beforeSearch = index.capture();
    best(1999, "1999");
    const afterSearch = index.capture();
    index.upsert("5", row(3000));
    best(3000, "5");
    index.upsert("6", row(4000));
    best(4000, "6");
    index.delete("6");
    index.delete("5");
    best(1999, "1999");
    for (const { ids, blocks } of [beforeSearch, afterSearch]) {
      expect(ids).toHaveLength(2000);
      for (const number of [0, 5, 6, 1023]) expect(blocks[0]![number * dimension]).toBe(number);
      for (const number of [1024, 1998, 1999]) expect(blocks[1]![(number - 1024) * dimension]).toBe(number);
      expect(
        DenseIndex.restore(dimension, "dot", { ids, blocks, inverseNorms: new Float64Array(0) }).search(
          query,
          1,
        ),
      ).toEqual([{ id: "1999", score: 1999 * dimension }]);
    }
  });

  it("finds with a filter what a sort of the documents that pass finds, and asks once at most for each", () => {
    const index = new DenseIndex(dimension, "dot");
    const vectors = new Map<string, Float32Array>();
    for (let number = 0; number < 5000; number++) {
      index.upsert(`${number}`, vectorOf(number));
      vectors.set(`${number}`, vectorOf(number));
    }
    for (let number = 0; number < 5000; number += 9) {
      index.delete(`${number}`);
      vectors.delete(`${number}`);
    }
    const filters: ((number: number) => boolean)[] = [
      () => false,
      () => true,
      (number) => number < 500,
      (number) => number >= 4500,
      (number) => number % 100 === 1,
      (number) => number === 4001,
    ];
    for (const [seed, passes] of filters.entries()) {
      const passing = new Map([...vectors].filter(([id]) => passes(Number(id))));
      for (const k of [1, 10, 100, 1000, 5000]) {
        const tested: string[] = [];
        const filter = (id: string) => tested.push(id) > 0 && passes(Number(id));
        const query = vectorOf(9000 + seed);
        expect(index.search(query, k, filter)).toEqual(rank(passing, query, "dot").slice(0, k));
        expect(new Set(tested).size).toBe(tested.length);
        expect(tested.every((id) => vectors.has(id))).toBe(true);
        if (k === 10 && seed >= 1 && seed <= 3) expect(tested.length).toBeLessThan(k * 20);
      }
    }
  });

  it("can be searched by its filter, and works on after a filter that throws", () => {
    const dimension = 64;
    const vector = (seed: number) =>
      Float32Array.from({ length: dimension }, (_, index) => Math.sin(seed * 64 + index * index));
    const index = new DenseIndex(dimension, "cosine");
    for (let number = 0; number < 3000; number++) index.upsert(`${number}`, vector(number));
    const [query, other] = [vector(-1), vector(-2)];
    const rare = (id: string) => Number(id) % 100 === 0;
    const [expected, expectedInner] = [index.search(query, 10, rare), index.search(other, 10)];
    const fresh = DenseIndex.restore(dimension, "cosine", index.capture());
    let calls = 0;
    const searching = (id: string) => {
      if (calls++ % 100 === 0) expect(fresh.search(other, 10)).toEqual(expectedInner);
      return rare(id);
    };
    expect(fresh.search(query, 10, searching)).toEqual(expected);
    const broken = () => {
      throw new RangeError("broken");
    };
    expect(() => index.search(query, 10, broken)).toThrow(new RangeError("broken"));
    expect(index.search(query, 10, rare)).toEqual(expected);
  });

  it("moves its blocks over some searches, and none that are small", () => {
    const dimension = 64;
    const index = new DenseIndex(dimension, "dot");
    const query = new Float32Array(dimension).fill(1);
    // 40 blocks of 1,024 rows, and one with too few.
    const count = 40 * 1024 + 10;
    for (let number = 0; number < count; number++)
      index.upsert(
        `${number}`,
        query.map(() => number % 5000),
      );
    const counts = [1, 2, 3].map(() => {
      expect(index.search(query, 2)).toEqual([
        { id: "14999", score: 64 * 4999 },
        { id: "19999", score: 64 * 4999 },
      ]);
      // A memory has more than the rows, and the last block is not full in any case.
      const { blocks } = index.capture();
      return blocks.slice(0, 40).filter(({ buffer, byteLength }) => buffer.byteLength > byteLength).length;
    });
    expect(counts).toEqual([16, 32, 40]);
    expect(index.capture().blocks[40]!.buffer.byteLength).toBe(4 * 1024 * dimension);
  });
});
