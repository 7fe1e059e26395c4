import { describe, expect, it } from "vitest";
import { evaluateRun } from "./run.ts";

const hits = (...ids: string[]) => ids.map((id, position) => ({ id, score: -position }));

describe("evaluateRun", () => {
  it("counts a query that the run lacks as 0, and leaves out queries that nothing is relevant for", () => {
    const run = new Map([
      ["q1", hits("x", "a")],
      ["q3", hits("a")],
      ["unjudged", hits("a")],
    ]);
    const judgements = { q1: { a: 1 }, q2: { b: 1 }, q3: { a: 0 } };
    const { metrics, perQuery, primaryMetric } = evaluateRun(run, judgements, { ndcgAtK: [1, 10] });
    expect([...perQuery.keys()]).toEqual(["q1", "q2"]);
    expect(metrics["mrr@10"]).toBe((1 / 2 + 0) / 2);
    expect(primaryMetric).toBe("ndcg@10");
    expect(metrics["ndcg@10"]).toBeCloseTo(1 / Math.log2(3) / 2, 12);
  });

  it("takes judgements as ids, sets, maps and objects, and uses grades as gains", () => {
    const run = new Map([["q", hits("b", "a")]]);
    for (const relevant of [
      ["a", "b"],
      new Set(["a", "b"]),
      new Map([
        ["a", 1],
        ["b", 1],
      ]),
      { a: 1, b: 1 },
    ]) {
      expect(evaluateRun(run, { q: relevant }).metrics["ndcg@10"]).toBe(1);
      expect(evaluateRun(run, new Map([["q", relevant]])).metrics["ndcg@10"]).toBe(1);
    }
    const graded = evaluateRun(run, { q: { a: 3, b: 1 } }).metrics["ndcg@10"];
    expect(graded).toBeCloseTo((1 + 3 / Math.log2(3)) / (3 + 1 / Math.log2(3)), 12);
  });

  it("refuses bad input, saying what is wrong", () => {
    const run = new Map([["q", hits("a")]]);
    expect(() => evaluateRun(run, {})).toThrow("no query has a relevant document");
    expect(() => evaluateRun(run, { q: { a: 0 } })).toThrow("no query has a relevant document");
    expect(() => evaluateRun(run, { q: { a: "1" as never } })).toThrow(
      "the grade of document 'a' must be a finite number, received '1'",
    );
    expect(() => evaluateRun(run, { q: { a: Number.NaN } })).toThrow("received NaN");
    expect(() => evaluateRun(run, { q: [1 as never] })).toThrow("document ids must be strings");
    expect(() => evaluateRun(run, [] as never)).toThrow("must map query ids");
    expect(() => evaluateRun({ q: [] } as never, { q: ["a"] })).toThrow("run must be a Map");
    expect(() => evaluateRun(new Map([["q", hits("a", "a")]]), { q: ["a"] })).toThrow("document 'a' twice");
    expect(() => evaluateRun(run, { q: ["a"] }, { mapAtK: [0] })).toThrow("mapAtK");
    expect(() => evaluateRun(run, { q: ["a"] }, { ndcg: 10 } as never)).toThrow("unknown option 'ndcg'");
  });
});
