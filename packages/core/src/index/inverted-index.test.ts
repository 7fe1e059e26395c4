import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SparseMatrix, SparseVector } from "../vector/index.ts";
import { exhaustiveSearch } from "./exhaustive-search.ts";
import { InvertedIndex, maximumPending } from "./inverted-index.ts";
import { maximumDocuments } from "./postings.ts";

const dimension = 24;

/** Small whole weights make ties and sums of exactly zero likely; some weights are far apart. */
const weight = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(-2, -1, 1, 2, 3) },
  { weight: 2, arbitrary: fc.float({ noNaN: true, noDefaultInfinity: true }).filter((value) => value !== 0) },
  { weight: 1, arbitrary: fc.constantFrom(1e-40, -1e-40, 3e38, -3e38) },
);
const positiveWeight = fc.oneof(fc.constantFrom(1, 2, 3), fc.constantFrom(1e-30, 0.1, 3e38));

const vectorOf = (value: fc.Arbitrary<number>) =>
  fc
    .uniqueArray(fc.tuple(fc.nat(dimension - 1), value), { selector: ([index]) => index, maxLength: 6 })
    .map((entries) => SparseVector.from(entries, dimension));

/** The index under test beside the obvious one: a map. */
class Pair {
  readonly index = new InvertedIndex(dimension);
  readonly documents = new Map<string, SparseVector>();

  expectSame(query: SparseVector): void {
    for (const topK of [1, 3, 1000]) {
      const hits = this.index.search(query, { topK });
      expect(hits).toEqual(exhaustiveSearch(this.documents, query, { topK }));
    }
    expect(this.index.size).toBe(this.documents.size);
    expect(this.index.ids().sort()).toEqual([...this.documents.keys()].sort());
  }

  expectSameDocuments(ids: Iterable<string> = this.documents.keys()): void {
    const found = new Map(this.index);
    expect(found.size).toBe(this.documents.size);
    for (const id of ids) {
      const vector = this.documents.get(id)!;
      expect(this.index.get(id)!.equals(vector)).toBe(true);
      expect(found.get(id)!.equals(vector)).toBe(true);
    }
  }
}

/** Steps on few ids, so that most of them meet documents that exist. */
function stepsOf(value: fc.Arbitrary<number>, ids: number) {
  const id = fc.nat(ids - 1).map((number) => `d${number}`);
  const idList = fc.uniqueArray(id, { maxLength: ids });
  const vector = vectorOf(value);
  return fc.array(
    fc.oneof(
      { weight: 4, arbitrary: fc.record({ kind: fc.constant("upsert" as const), id, vector }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant("delete" as const), id }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant("search" as const), query: vectorOf(value) }) },
      {
        weight: 2,
        arbitrary: idList.chain((ids) =>
          fc.record({
            kind: fc.constant("upsertMany" as const),
            ids: fc.constant(ids),
            vectors: fc.array(vector, { minLength: ids.length, maxLength: ids.length }),
          }),
        ),
      },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant("add" as const), id, vector }) },
    ),
    { maxLength: 60 },
  );
}

type Step = ReturnType<typeof stepsOf> extends fc.Arbitrary<(infer Item)[]> ? Item : never;

function apply({ index, documents }: Pair, step: Step): void {
  switch (step.kind) {
    case "upsert":
      index.upsert(step.id, step.vector);
      documents.set(step.id, step.vector);
      break;
    case "upsertMany":
      index.upsertMany(step.ids, SparseMatrix.fromRows(step.vectors, dimension));
      for (const [row, id] of step.ids.entries()) documents.set(id, step.vectors[row]!);
      break;
    case "delete":
      expect(index.delete(step.id)).toBe(documents.delete(step.id));
      break;
    case "add":
      if (documents.has(step.id)) {
        expect(() => index.add(step.id, step.vector)).toThrow("upsert replaces it");
      } else {
        index.add(step.id, step.vector);
        documents.set(step.id, step.vector);
      }
      break;
    case "search":
      break;
  }
}

describe("InvertedIndex", () => {
  it.each([
    ["weights of both signs, few documents", weight, 12],
    ["weights of both signs, over the bound of pending documents", weight, 2 * maximumPending + 2],
    ["weights above zero, few documents", positiveWeight, 12],
    ["weights above zero, over the bound of pending documents", positiveWeight, 2 * maximumPending + 2],
  ])("finds what the exhaustive search finds, whatever came before: %s", (_, value, ids) => {
    fc.assert(
      fc.property(stepsOf(value, ids), vectorOf(value), (steps, query) => {
        const pair = new Pair();
        for (const step of steps) {
          apply(pair, step);
          if (step.kind === "search") pair.expectSame(step.query);
        }
        pair.expectSame(query);
        pair.expectSameDocuments();
      }),
      { numRuns: 150 },
    );
  });

  it.each([maximumPending - 1, maximumPending, maximumPending + 1, 2 * maximumPending + 1])(
    "finds %i documents that came one by one, and the rest after deletes",
    (count) => {
      const random = randomNumbers(count);
      const pair = new Pair();
      for (let number = 0; number < count; number++) {
        const vector = randomVector(random, 6);
        pair.index.add(`d${number}`, vector);
        pair.documents.set(`d${number}`, vector);
      }
      const query = randomVector(random, 6);
      pair.expectSame(query);
      pair.expectSameDocuments();
      // One by one, past the share of tombstones at which segments are rewritten, until nothing is left.
      for (let number = 0; number < count; number++) {
        const id = `d${(number * 7) % count}`;
        expect(pair.index.delete(id)).toBe(pair.documents.delete(id));
        pair.expectSame(query);
      }
      for (const id of [...pair.documents.keys()])
        expect(pair.index.delete(id)).toBe(pair.documents.delete(id));
      expect(pair.index.size).toBe(0);
      expect(pair.index.byteLength).toBe(0);
    },
  );

  it("finds documents on both sides of the bound of a segment, through merges, deletes and upserts", () => {
    const random = randomNumbers(5);
    const pair = new Pair();
    const insert = (from: number, count: number) => {
      const ids = Array.from({ length: count }, (_, number) => `d${from + number}`);
      const vectors = ids.map(() => randomVector(random, 3));
      pair.index.upsertMany(ids, SparseMatrix.fromRows(vectors));
      for (const [row, id] of ids.entries()) pair.documents.set(id, vectors[row]!);
      pair.expectSame(randomVector(random, 3));
      // The first and the last of a segment, by number and by what finds them.
      for (const number of [
        from,
        from + 1,
        from + maximumDocuments - 1,
        from + maximumDocuments,
        from + count - 1,
      ]) {
        const [found, expected] = [pair.index.get(`d${number}`), pair.documents.get(`d${number}`)];
        expect(found?.toJSON()).toEqual(expected?.toJSON());
        if (expected !== undefined) expectExplained(`d${number}`, expected);
      }
    };
    const expectExplained = (id: string, vector: SparseVector) => {
      const parts = pair.index.explain(vector, id);
      expect(parts.map(({ index, documentWeight }) => [index, documentWeight]).sort()).toEqual(
        [...vector].sort(),
      );
    };
    expect(maximumDocuments).toBe(65_536);
    insert(0, 65_535);
    insert(65_535, 1);
    insert(65_536, maximumPending);
    // More than one full segment at once, over documents that exist.
    insert(1000, 65_537);
    for (let number = 0; number < 65_536; number += 3) {
      expect(pair.index.delete(`d${number}`)).toBe(pair.documents.delete(`d${number}`));
    }
    pair.expectSame(randomVector(random, 3));
    // Two that just fit into one, then one too many.
    pair.index.clear();
    pair.documents.clear();
    insert(0, 30_000);
    insert(30_000, 35_536);
    insert(65_536, 40_000);
    pair.expectSameDocuments([...pair.documents.keys()].filter((_, number) => number % 997 === 0));
  }, 120_000);

  it("rewrites two segments at once when that makes them fit for a merge", () => {
    const random = randomNumbers(9);
    const pair = new Pair();
    const upsert = (ids: string[]) => {
      const vectors = ids.map(() => randomVector(random, 4));
      pair.index.upsertMany(ids, SparseMatrix.fromRows(vectors));
      for (const [row, id] of ids.entries()) pair.documents.set(id, vectors[row]!);
    };
    const ids = (name: string, count: number) =>
      Array.from({ length: count }, (_, number) => `${name}${number}`);
    // Too different in size for a merge, until most of the large one is replaced.
    upsert(ids("a", 1000));
    upsert(ids("b", 300));
    upsert([...ids("a", 800), ...ids("b", 150)]);
    for (let run = 0; run < 20; run++) pair.expectSame(randomVector(random, 4));
    pair.expectSameDocuments();
  });

  it("does not keep deleted postings for long", () => {
    const index = new InvertedIndex(dimension);
    const random = randomNumbers(1);
    const ids = Array.from({ length: 1000 }, (_, number) => `d${number}`);
    const matrix = SparseMatrix.fromRows(ids.map(() => randomVector(random, 6)));
    index.addMany(ids, matrix);
    const full = index.byteLength;
    for (let round = 0; round < 20; round++) index.upsertMany(ids, matrix);
    expect(index.size).toBe(1000);
    expect(index.byteLength).toBeLessThan(1.5 * full);
    for (const id of ids.slice(0, 900)) index.delete(id);
    expect(index.byteLength).toBeLessThan(0.2 * full);
    index.clear();
    expect([index.size, index.byteLength, index.ids()]).toEqual([0, 0, []]);
  });

  it("orders equal scores by id in UTF-16 code units, wherever the documents are", () => {
    const index = new InvertedIndex(2);
    const one = new SparseVector([0], [1], 2);
    const ids = ["b", "a", "B", "10", "9", "é", "z", "\u{1f600}", "\uff5e"];
    const fill = Array.from({ length: maximumPending }, (_, number) => `m${number}`);
    index.addMany(fill, SparseMatrix.fromRows(fill.map(() => one)));
    for (const id of ids) index.add(id, one);
    const expected = [...fill, ...ids].sort().map((id) => ({ id, score: 1 }));
    expect(index.search(one, { topK: 1000 })).toEqual(expected);
    for (const topK of [1, 2, 5, 70]) {
      expect(index.search(one, { topK })).toEqual(expected.slice(0, topK));
    }
  });

  it("finds a document with a score of zero or below, but none that shares no term", () => {
    const index = new InvertedIndex(4);
    index.add("zero", new SparseVector([0, 1], [1, -1], 4));
    index.add("below", new SparseVector([0], [-3], 4));
    index.add("apart", new SparseVector([2], [9], 4));
    index.add("empty", new SparseVector([], [], 4));
    const query = new SparseVector([0, 1, 3], [1, 1, 5], 4);
    expect(index.search(query)).toEqual([
      { id: "zero", score: 0 },
      { id: "below", score: -3 },
    ]);
    expect(index.search(new SparseVector([], [], 4))).toEqual([]);
    expect(new InvertedIndex(4).search(query)).toEqual([]);
  });

  it("copies the vectors it is given, and gives copies", () => {
    const values = Float32Array.of(1);
    const vector = new SparseVector(Uint32Array.of(0), values, 2);
    const index = new InvertedIndex(2);
    index.add("a", vector);
    values[0] = 5;
    expect([...index.get("a")!]).toEqual([[0, 1]]);
    index.get("a")!.values[0] = 5;
    expect(index.search(new SparseVector([0], [1], 2))).toEqual([{ id: "a", score: 1 }]);
  });

  it("lets only documents be hits that pass the filter", () => {
    fc.assert(
      fc.property(
        fc.array(vectorOf(weight), { minLength: 100, maxLength: 200 }),
        vectorOf(weight),
        (rows, query) => {
          const ids = rows.map((_, number) => `d${number}`);
          const index = new InvertedIndex(dimension);
          index.addMany(ids.slice(0, 90), SparseMatrix.fromRows(rows.slice(0, 90)));
          for (let row = 90; row < rows.length; row++) index.add(ids[row]!, rows[row]!);
          const filter = (id: string) => Number(id.slice(1)) % 3 === 0;
          const passing = ids.map((id, row) => [id, rows[row]!] as const).filter(([id]) => filter(id));
          expect(index.search(query, { filter, topK: 7 })).toEqual(
            exhaustiveSearch(passing, query, { topK: 7 }),
          );
        },
      ),
      { numRuns: 30 },
    );
  });

  it("can be searched by a filter, and works on after a filter that throws", () => {
    const random = randomNumbers(3);
    const index = new InvertedIndex(dimension);
    const ids = Array.from({ length: 500 }, (_, number) => `d${number}`);
    index.addMany(ids, SparseMatrix.fromRows(ids.map(() => randomVector(random, 6))));
    const [query, other] = [randomVector(random, 6), randomVector(random, 6)];
    const [expected, expectedInner] = [index.search(query), index.search(other)];
    const filter = () => {
      expect(index.search(other)).toEqual(expectedInner);
      return true;
    };
    expect(index.search(query, { filter })).toEqual(expected);
    const broken = () => {
      throw new RangeError("broken");
    };
    expect(() => index.search(query, { filter: broken })).toThrow(RangeError);
    expect(index.search(query)).toEqual(expected);
  });

  it("can be changed while it is iterated over", () => {
    const index = new InvertedIndex(2);
    const vector = new SparseVector([0], [1], 2);
    for (const id of ["a", "b", "c"]) index.add(id, vector);
    const seen: string[] = [];
    for (const [id] of index) {
      seen.push(id);
      index.delete(id);
      index.add(`${id}${id}`, vector);
    }
    expect(seen).toEqual(["a", "b", "c"]);
    expect(index.ids().sort()).toEqual(["aa", "bb", "cc"]);
  });

  it("explains a score by contributions that sum to it", () => {
    const ordinary = fc.float({ min: -10, max: 10, noNaN: true }).filter((value) => value !== 0);
    fc.assert(
      fc.property(
        fc.array(vectorOf(ordinary), { minLength: 70, maxLength: 90 }),
        vectorOf(ordinary),
        (rows, query) => {
          const index = new InvertedIndex(dimension);
          index.addMany(
            rows.slice(0, 65).map((_, number) => `d${number}`),
            SparseMatrix.fromRows(rows.slice(0, 65)),
          );
          for (let row = 65; row < rows.length; row++) index.add(`d${row}`, rows[row]!);
          const scores = new Map(index.search(query, { topK: 1000 }).map(({ id, score }) => [id, score]));
          for (const [row, vector] of rows.entries()) {
            const parts = index.explain(query, `d${row}`);
            const sum = parts.reduce((total, { contribution }) => total + contribution, 0);
            const absolute = parts.reduce((total, { contribution }) => total + Math.abs(contribution), 0);
            expect(scores.has(`d${row}`)).toBe(parts.length > 0);
            expect(Math.abs(sum - (scores.get(`d${row}`) ?? 0))).toBeLessThanOrEqual(1e-6 * absolute + 1e-40);
            for (const [
              position,
              { index: term, queryWeight, documentWeight, contribution },
            ] of parts.entries()) {
              expect([queryWeight, documentWeight]).toEqual([query.get(term), vector.get(term)]);
              expect(contribution).toBe(queryWeight * documentWeight);
              if (position > 0) expect(contribution).toBeLessThanOrEqual(parts[position - 1]!.contribution);
            }
          }
        },
      ),
      { numRuns: 30 },
    );
  });
});

/** Numbers in [0, 1) of a seed: a linear congruential generator. */
function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

function randomVector(random: () => number, activeDims: number): SparseVector {
  const entries = new Map<number, number>();
  while (entries.size < activeDims) {
    const weight = Math.ceil(random() * 8) / 4;
    entries.set(Math.floor(random() * dimension), random() < 0.2 ? -weight : weight);
  }
  return SparseVector.from(entries, dimension);
}
