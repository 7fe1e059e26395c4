import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SparseMatrix, SparseVector } from "../vector/index.ts";
import { exhaustiveSearch } from "./exhaustive-search.ts";
import { searchFiltered } from "./filtered-search.ts";
import { InvertedIndex } from "./inverted-index.ts";
import { compareHits, type SearchHit } from "./top-k.ts";

const documentCount = 5000;

/** A whole number below `bound` of each number: a hash, so that it follows no order of documents. */
const hashOf = (number: number, seed: number, bound: number) =>
  ((Math.imul(number + 1, 2654435761) ^ Math.imul(seed + 1, 40503)) >>> 5) % bound;

/** Hits in an order of their own; with few scores, most of them tie. */
const hitsOf = (seed: number, scores: number): SearchHit[] =>
  Array.from({ length: documentCount }, (_, number) => ({
    id: `d${number}`,
    score: hashOf(number, seed, scores) - 1,
  }));

const numberOf = (id: string) => Number(id.slice(1));

/** Selectivities from none to all, of documents that lie first, last or spread in the order of insertion. */
const filterOf = fc
  .tuple(fc.constantFrom(0, 0.001, 0.01, 0.1, 0.5, 1), fc.constantFrom("first", "last", "spread"), fc.nat(99))
  .map(([share, place, seed]) => {
    const count = share * documentCount;
    return (id: string) => {
      const number = numberOf(id);
      if (place === "first") return number < count;
      if (place === "last") return number >= documentCount - count;
      return hashOf(number, seed, documentCount) < count;
    };
  });

const limit = fc.constantFrom(1, 3, 10, 100, 1000, documentCount, 2 * documentCount);

/** Searches the hits, and counts the calls of the filter. */
function search(
  all: readonly SearchHit[],
  k: number,
  filter: ((id: string) => boolean) | undefined,
): { readonly hits: SearchHit[]; readonly tested: string[]; readonly rounds: number } {
  const tested: string[] = [];
  let rounds = 0;
  const counted = filter && ((id: string) => tested.push(id) > 0 && filter(id));
  const hits = searchFiltered(k, all.length, counted, (best, accepts) => {
    rounds++;
    for (const hit of all) {
      if (hit.score >= best.threshold && best.admits(hit) && accepts(hit)) best.push(hit);
    }
  });
  return { hits, tested, rounds };
}

describe("a filtered search", () => {
  it("finds what a sort of all that pass finds, and tests none twice", () => {
    fc.assert(
      fc.property(fc.nat(1e6), fc.constantFrom(1, 2, 30, 1e6), limit, filterOf, (seed, scores, k, filter) => {
        const all = hitsOf(seed, scores);
        const { hits, tested } = search(all, k, filter);
        const expected = all
          .filter(({ id }) => filter(id))
          .sort(compareHits)
          .slice(0, k);
        expect(hits).toEqual(expected);
        expect(new Set(tested).size).toBe(tested.length);
      }),
      { numRuns: 200 },
    );
  });

  it("tests few documents where a tenth passes, wherever they lie", () => {
    const all = hitsOf(3, 1e6);
    for (const passes of [
      (number: number) => number < documentCount / 10,
      (number: number) => number >= 0.9 * documentCount,
      (number: number) => hashOf(number, 8, 10) === 0,
    ]) {
      // Some 50 have to be tested until five pass.
      expect(search(all, 5, (id) => passes(numberOf(id))).tested.length).toBeLessThan(150);
    }
    expect(search(all, 10, () => true).tested).toHaveLength(10);
  });

  it("asks a filter that lets nothing pass no more often than there are documents, in two rounds", () => {
    const { hits, tested, rounds } = search(hitsOf(4, 1e6), 10, () => false);
    expect([hits, tested.length, rounds]).toEqual([[], documentCount, 2]);
  });

  it("goes on behind the best as often as it takes, then tests what is left", () => {
    // The best 64 hold five that pass, the next hundred none, then there are others.
    const all = hitsOf(5, 1e6).sort(compareHits);
    const rank = new Map(all.map(({ id }, position) => [id, position]));
    const filter = (id: string) => rank.get(id)! < 5 || rank.get(id)! >= 160;
    const { hits, rounds } = search(all, 10, filter);
    expect(hits).toEqual([...all.slice(0, 5), ...all.slice(160, 165)]);
    expect(rounds).toBe(3);
  });

  it("is one round without a filter", () => {
    const all = hitsOf(6, 30);
    expect(search(all, 7, undefined)).toEqual({
      hits: [...all].sort(compareHits).slice(0, 7),
      tested: [],
      rounds: 1,
    });
  });
});

describe("a filtered search of an inverted index", () => {
  const dimension = 40;
  const ids = Array.from({ length: documentCount }, (_, number) => `d${number}`);
  const vectorOf = (seed: number, sign: number) => {
    const entries = new Map<number, number>();
    for (let term = 0; term < 5; term++) {
      const weight = (hashOf(seed, 50 + term, 4) + 1) / 2;
      entries.set(hashOf(seed, term, dimension), hashOf(seed, 99, 5) === 0 ? sign * weight : weight);
    }
    return SparseVector.from(entries, dimension);
  };

  it.each([1, -1])(
    "finds what the exhaustive search finds among the documents that pass (sign %i)",
    (sign) => {
      const documents = new Map(ids.map((id, number) => [id, vectorOf(number, sign)]));
      const index = new InvertedIndex(dimension);
      // The last ones come one by one, so that some are pending.
      const sealed = documentCount - 30;
      index.addMany(ids.slice(0, sealed), SparseMatrix.fromRows([...documents.values()].slice(0, sealed)));
      for (const id of ids.slice(sealed)) index.add(id, documents.get(id)!);
      for (let number = 0; number < documentCount; number += 7) {
        index.delete(`d${number}`);
        documents.delete(`d${number}`);
      }
      fc.assert(
        fc.property(fc.nat(1e6), limit, filterOf, (seed, topK, filter) => {
          const query = vectorOf(seed, sign);
          const tested: string[] = [];
          const hits = index.search(query, { topK, filter: (id) => tested.push(id) > 0 && filter(id) });
          const passing = [...documents].filter(([id]) => filter(id));
          expect(hits).toEqual(exhaustiveSearch(passing, query, { topK }));
          expect(new Set(tested).size).toBe(tested.length);
          expect(tested.every((id) => documents.has(id))).toBe(true);
        }),
        { numRuns: 40 },
      );
    },
  );

  it("can be searched by its filter in each round, and works on after a filter that throws in any", () => {
    const index = new InvertedIndex(dimension);
    index.addMany(ids, SparseMatrix.fromRows(ids.map((_, number) => vectorOf(number, 1))));
    const [query, other] = [vectorOf(1, 1), vectorOf(2, 1)];
    const rare = (id: string) => numberOf(id) % 100 === 0;
    const [expected, expectedInner] = [index.search(query, { filter: rare }), index.search(other)];
    let calls = 0;
    const searching = (id: string) => {
      if (calls++ % 50 === 0) expect(index.search(other)).toEqual(expectedInner);
      return rare(id);
    };
    expect(index.search(query, { filter: searching })).toEqual(expected);
    for (const last of [1, 64, 65, Math.floor(calls / 2)]) {
      let count = 0;
      const broken = (id: string) => {
        if (++count === last) throw new RangeError("broken");
        return rare(id);
      };
      expect(() => index.search(query, { filter: broken })).toThrow(new RangeError("broken"));
      expect(index.search(query, { filter: rare })).toEqual(expected);
    }
  });
});
