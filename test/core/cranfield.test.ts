import { readFileSync } from "node:fs";
import { InvertedIndex, SparseEncoder } from "@sparse-encoder/core";
import { ndcg } from "@sparse-encoder/core/evaluation";
import { beforeAll, describe, expect, it } from "vitest";
import { readCranfield } from "../../examples/cranfield.ts";
import { readJson } from "../helpers/golden-data.ts";

/** Rankings and quality that sentence-transformers vectors give on Cranfield, from an exact search. */
const expected = readJson("fixtures/cranfield/results.json") as {
  splade: { "ndcg@10": number };
  "splade_per_query_ndcg@10": Record<string, number>;
};

interface RankedDocument {
  id: string;
  score: number;
}

function readRun(): Map<string, RankedDocument[]> {
  const run = new Map<string, RankedDocument[]>();
  const text = readFileSync(new URL("../fixtures/cranfield/splade.top10.tsv", import.meta.url), "utf8");
  for (const line of text.trim().split("\n").slice(1)) {
    const [query, , id, score] = line.split("\t") as [string, string, string, string];
    run.set(query, [...(run.get(query) ?? []), { id, score: Number(score) }]);
  }
  return run;
}

/** Scores of two implementations agree to about this much, so nearer neighbours may swap. */
const tie = 1e-4;

/** True if both rankings hold the same documents in the same order, ties aside. */
function sameRanking(actual: readonly RankedDocument[], wanted: readonly RankedDocument[]): boolean {
  const last = wanted.at(-1)!.score;
  return (
    actual.length === wanted.length &&
    actual.every(({ id, score }, rank) => {
      const reference = wanted.find((document) => document.id === id);
      if (reference === undefined) return Math.abs(score - last) < tie;
      return id === wanted[rank]!.id || Math.abs(reference.score - wanted[rank]!.score) < tie;
    })
  );
}

describe("search on Cranfield", () => {
  const { documents, queries, judgements } = readCranfield();
  const judged = queries.filter(({ id }) => judgements.has(id));
  const run = readRun();
  const rankings = new Map<string, RankedDocument[]>();

  beforeAll(async () => {
    await using encoder = await SparseEncoder.load(undefined, { maxSeqLength: 256 });
    const index = new InvertedIndex(encoder.embeddingDimension);
    const ids = documents.map(({ id }) => id);
    index.addMany(ids, await encoder.encodeDocument(documents.map(({ text }) => text)));
    const embeddings = await encoder.encodeQuery(judged.map(({ text }) => text));
    judged.forEach(({ id }, row) => {
      rankings.set(id, index.search(embeddings.row(row), { topK: 10 }));
    });
  }, 240_000);

  it("has the reference's nDCG@10 to 0.002, over all queries", () => {
    const scores = judged.map(({ id }) => {
      const ranking = rankings.get(id)!.map((document) => document.id);
      return ndcg(ranking, judgements.get(id)!, 10);
    });
    expect(scores.length).toBe(225);
    const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length;
    expect(Math.abs(mean - expected.splade["ndcg@10"])).toBeLessThanOrEqual(0.002);
  });

  it("has the reference's nDCG@10 for at least 98 % of the queries", () => {
    const same = judged.filter(({ id }) => {
      const ranking = rankings.get(id)!.map((document) => document.id);
      return (
        Math.abs(ndcg(ranking, judgements.get(id)!, 10) - expected["splade_per_query_ndcg@10"][id]!) < 1e-5
      );
    });
    expect(same.length / judged.length).toBeGreaterThanOrEqual(0.98);
  });

  it("has the reference's top 10 for at least 98 % of the queries, ties aside", () => {
    const same = judged.filter(({ id }) => sameRanking(rankings.get(id)!, run.get(id)!));
    expect(same.length / judged.length).toBeGreaterThanOrEqual(0.98);
  });
});
