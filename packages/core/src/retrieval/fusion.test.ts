import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { distributionScore, max, relativeScore, rrf } from "./fusion.ts";
import type { Fusion, Rankings, ScoredId } from "./rankings.ts";
import { compareScores } from "./weighted-rankings.ts";

/** A ranking from `a 3, b 2, …`. */
function ranking(text: string): ScoredId[] {
  return text === ""
    ? []
    : text.split(", ").map((part) => {
        const [id, score] = part.split(" ") as [string, string];
        return { id, score: Number(score) };
      });
}

function scores(hits: readonly ScoredId[]): Record<string, number> {
  return Object.fromEntries(hits.map(({ id, score }) => [id, score]));
}

const fusions: [name: string, fusion: Fusion][] = [
  ["rrf", rrf()],
  ["relativeScore", relativeScore()],
  ["distributionScore", distributionScore()],
  ["max", max()],
];

describe("rrf", () => {
  const arms = { sparse: ranking("a 9, b 8, c 1"), dense: ranking("c 0.9, a 0.8") };

  it("adds 1 / (60 + rank), ranks from 1", () => {
    const fused = rrf()(arms);
    expect(fused.map(({ id }) => id)).toEqual(["a", "c", "b"]);
    expect(scores(fused).a).toBeCloseTo(1 / 61 + 1 / 62, 15);
    expect(scores(fused).b).toBeCloseTo(1 / 62, 15);
    expect(scores(fused).c).toBeCloseTo(1 / 63 + 1 / 61, 15);
  });

  it("multiplies by the weight of the arm, as LangChain's ensemble does", () => {
    const fused = scores(rrf({ weights: { sparse: 0.3, dense: 0.7 } })(arms));
    expect(fused.a).toBeCloseTo(0.3 / 61 + 0.7 / 62, 15);
    expect(fused.b).toBeCloseTo(0.3 / 62, 15);
    expect(fused.c).toBeCloseTo(0.3 / 63 + 0.7 / 61, 15);
  });

  it("counts from rank 0 with k = 59, as LlamaIndex does, and takes k = 0", () => {
    expect(scores(rrf({ k: 59 })(arms)).a).toBeCloseTo(1 / 60 + 1 / 61, 15);
    expect(scores(rrf({ k: 0 })(arms))).toEqual({ a: 1.5, b: 0.5, c: 4 / 3 });
  });

  it("lets a document that comes twice count where it stands first", () => {
    expect(scores(rrf({ k: 0 })({ arm: ranking("a 3, b 2, a 1, c 0") }))).toEqual({ a: 1, b: 0.5, c: 1 / 3 });
  });
});

describe("relativeScore", () => {
  it("scales each arm from 0 to 1 and adds", () => {
    // sparse: (9-1)/8 = 1, (8-1)/8 = 0.875, 0; dense: 1, 0
    const fused = relativeScore()({ sparse: ranking("a 9, b 8, c 1"), dense: ranking("c 0.9, a 0.8") });
    expect(scores(fused)).toEqual({ a: 1, b: 0.875, c: 1 });
    expect(fused.map(({ id }) => id)).toEqual(["a", "c", "b"]);
  });

  it("weighs the arms", () => {
    const arms = { sparse: ranking("a 10, b 0"), dense: ranking("b 4, c 3, a 2") };
    const fused = scores(relativeScore({ weights: { sparse: 0.25, dense: 0.75 } })(arms));
    expect(fused).toEqual({ a: 0.25, b: 0.75, c: 0.375 });
  });

  it("gives 1 to a single result and to equal scores, whatever their sign", () => {
    expect(scores(relativeScore()({ arm: ranking("a -3") }))).toEqual({ a: 1 });
    expect(scores(relativeScore()({ arm: ranking("a 0, b 0") }))).toEqual({ a: 1, b: 1 });
  });
});

describe("lists of equal scores", () => {
  it("get what the options say", () => {
    const sign = { flat: (score: number) => (score > 0 ? 1 : 0) };
    for (const fusion of [relativeScore, distributionScore]) {
      expect(scores(fusion(sign)({ arm: ranking("a 3, b 3") }))).toEqual({ a: 1, b: 1 });
      expect(scores(fusion(sign)({ arm: ranking("a -3") }))).toEqual({ a: 0 });
      expect(scores(fusion({ flat: 0.25 })({ arm: ranking("a 3") }))).toEqual({ a: 0.25 });
      expect(() => fusion({ flat: Number.NaN })).toThrow("flat must be a finite number or a function");
    }
  });
});

describe("distributionScore", () => {
  it("divides by n for the deviation of a population", () => {
    // Mean 4, squares 4 + 0 + 4, so a deviation of sqrt(8 / 3).
    const fused = distributionScore({ deviation: "population" })({ arm: ranking("a 6, b 4, c 2") });
    const step = 2 / (6 * Math.sqrt(8 / 3));
    expect(fused.map(({ score }) => score)).toEqual(
      [0.5 + step, 0.5, 0.5 - step].map((score) => expect.closeTo(score, 12)),
    );
    expect(() => distributionScore({ deviation: "n" as "sample" })).toThrow('"sample" or "population"');
  });

  it("scales by mean and three sample deviations", () => {
    // Mean 2, deviation sqrt((1 + 0 + 1) / 2) = 1: from -1 to 5.
    const fused = scores(distributionScore()({ arm: ranking("a 3, b 2, c 1") }));
    expect(fused.a).toBeCloseTo(4 / 6, 15);
    expect(fused.b).toBeCloseTo(3 / 6, 15);
    expect(fused.c).toBeCloseTo(2 / 6, 15);
  });

  it("does not cut scores beyond three deviations", () => {
    // 20 scores of 0 and one of 21: mean 1, deviation sqrt((20 + 400) / 20) = sqrt(21).
    const zeros = Array.from({ length: 20 }, (_, position) => ({ id: `z${position}`, score: 0 }));
    const fused = scores(distributionScore()({ arm: [{ id: "a", score: 21 }, ...zeros] }));
    expect(fused.a).toBeCloseTo(0.5 + 20 / (6 * Math.sqrt(21)), 12);
    expect(fused.a).toBeGreaterThan(1);
    expect(fused.z0).toBeCloseTo(0.5 - 1 / (6 * Math.sqrt(21)), 12);
  });

  it("adds weighted arms, 0 for what an arm lacks", () => {
    const arms = { sparse: ranking("a 3, b 2, c 1"), dense: ranking("c 7") };
    const fused = scores(distributionScore({ weights: { sparse: 3, dense: 2 } })(arms));
    expect(fused.a).toBeCloseTo(2, 15);
    expect(fused.b).toBeCloseTo(1.5, 15);
    expect(fused.c).toBeCloseTo(1 + 1, 15);
  });

  it("gives 0.5 to a single result and to equal scores, also such as have no exact mean", () => {
    expect(scores(distributionScore()({ arm: ranking("a 0.1, b 0.1, c 0.1") }))).toEqual({
      a: 0.5,
      b: 0.5,
      c: 0.5,
    });
    expect(scores(distributionScore()({ arm: ranking("a -3") }))).toEqual({ a: 0.5 });
  });
});

describe("max", () => {
  it("keeps the largest weighted score", () => {
    const arms = { title: ranking("a 4, b 3"), body: ranking("b 5, a 1, c -2") };
    expect(scores(max()(arms))).toEqual({ a: 4, b: 5, c: -2 });
    expect(scores(max({ weights: { title: 2 } })(arms))).toEqual({ a: 8, b: 6, c: -2 });
  });
});

describe("every fusion", () => {
  const byScore = (hits: ScoredId[]) => [...hits].sort(compareScores);
  const arm = fc
    .uniqueArray(
      fc.record({
        id: fc.string({ minLength: 1, maxLength: 2 }),
        score: fc.oneof(fc.integer({ min: -3, max: 3 }), fc.double({ noNaN: true, noDefaultInfinity: true })),
      }),
      { selector: ({ id }) => id, maxLength: 12 },
    )
    .map(byScore);
  const rankings = fc.dictionary(fc.string({ minLength: 1, maxLength: 3 }), arm, { maxKeys: 4 });

  // A prefix, because an object puts names that are whole numbers first, whatever the order they came in.
  const shuffled = rankings
    .map((arms) => Object.entries(arms).map(([name, hits]) => [`arm ${name}`, hits] as const))
    .chain((arms) =>
      fc.record({
        arms: fc.constant(arms),
        turned: fc.shuffledSubarray(arms, { minLength: arms.length }),
        weights: fc.array(fc.double({ min: 0, max: 10, noNaN: true }), {
          minLength: arms.length,
          maxLength: arms.length,
        }),
      }),
    );

  it.each(fusions)("%s does not depend on the order of the arms, weighted or not", (_, fusion) => {
    fc.assert(
      fc.property(shuffled, ({ arms, turned, weights }) => {
        const [one, other] = [Object.fromEntries(arms), Object.fromEntries(turned)];
        expect(fusion(other)).toEqual(fusion(one));
        const byName = Object.fromEntries(arms.map(([name], position) => [name, weights[position]!]));
        expect(fusion(other, byName)).toEqual(fusion(one, byName));
      }),
      { numRuns: 300 },
    );
  });

  it.each(fusions)("%s gives each document found once, sorted, with a number for a score", (_, fusion) => {
    fc.assert(
      fc.property(rankings, (arms) => {
        const fused = fusion(arms);
        const found = new Set(Object.values(arms).flatMap((hits) => hits.map(({ id }) => id)));
        expect(new Set(fused.map(({ id }) => id))).toEqual(found);
        expect(fused.length).toBe(found.size);
        expect(fused.every(({ score }) => Number.isFinite(score))).toBe(true);
        expect(byScore([...fused])).toEqual(fused);
      }),
    );
  });

  it.each(fusions)("%s keeps the order of a single arm", (_, fusion) => {
    fc.assert(
      fc.property(arm, (hits) => {
        const fused = fusion({ arm: hits });
        const place = new Map(hits.map((hit, position) => [hit.id, position]));
        for (const [position, hit] of fused.entries()) {
          const next = fused[position + 1];
          if (next === undefined || next.score === hit.score) continue;
          expect(place.get(hit.id)).toBeLessThan(place.get(next.id)!);
        }
      }),
    );
  });

  it.each(fusions)("%s breaks ties by the smaller id in UTF-16 code units", (_, fusion) => {
    // U+FF5E sorts after U+1F600 by code units (D83D DE00), before it by code points.
    const arms: Rankings = {
      one: [{ id: "\uff5e", score: 1 }],
      two: [{ id: "\u{1f600}", score: 1 }],
      three: [{ id: "Z", score: 1 }],
      four: [{ id: "a", score: 1 }],
    };
    expect(fusion(arms).map(({ id }) => id)).toEqual(["Z", "a", "\u{1f600}", "\uff5e"]);
  });

  it.each(fusions)("%s answers nothing for no arms and for empty arms", (_, fusion) => {
    expect(fusion({})).toEqual([]);
    expect(fusion({ sparse: [], dense: [] })).toEqual([]);
  });

  it.each(fusions)("%s is not changed by an empty arm", (_, fusion) => {
    const dense = ranking("a 3, b 2, c 1");
    expect(fusion({ sparse: [], dense })).toEqual(fusion({ dense }));
  });

  it.each(fusions)("%s leaves out an arm of weight 0, and weights of the call go first", (_, fusion) => {
    const arms = { sparse: ranking("a 3, b 2"), dense: ranking("c 1") };
    expect(fusion(arms, { dense: 0 })).toEqual(fusion({ sparse: arms.sparse }));
    expect(rrf({ weights: { dense: 0 } })(arms, { dense: 2 })).toEqual(rrf()(arms, { dense: 2 }));
  });

  it.each(fusions)("%s refuses weights and scores that are not finite numbers", (_, fusion) => {
    const arms = { sparse: ranking("a 3") };
    for (const weight of [Number.NaN, Number.POSITIVE_INFINITY, -1]) {
      expect(() => fusion(arms, { sparse: weight })).toThrow("the weight of sparse must be a finite number");
    }
    expect(() => fusion({ sparse: [{ id: "a", score: Number.NaN }] })).toThrow("the arm sparse gives 'a'");
  });

  it("takes arms named like members of Object", () => {
    const arms = JSON.parse(
      '{"__proto__": [{"id": "a", "score": 1}], "constructor": [{"id": "b", "score": 1}]}',
    );
    expect(scores(rrf({ k: 0 })(arms))).toEqual({ a: 1, b: 1 });
  });

  it("refuses wrong options, by name", () => {
    expect(() => rrf({ k: -1 })).toThrow("rrf: k must be");
    expect(() => rrf({ k: Number.NaN })).toThrow("rrf: k must be");
    expect(() => relativeScore({ weights: { dense: -0.5 } })).toThrow("relativeScore: the weight of dense");
    expect(() => max({ weights: [1, 2] as unknown as Record<string, number> })).toThrow("weights must map");
    const unknown = { c: 60 } as unknown as { k: number };
    expect(() => rrf(unknown)).toThrow("rrf: unknown option 'c'. Valid options: k, weights.");
  });
});
