import type { RetrievedDocument } from "@sparse-encoder/core";
import { type BeirCollection, ndcg } from "@sparse-encoder/core/evaluation";

/** Ranks that the quality of a ranking looks at. */
const ndcgCut = 10;

/** Queries with judgements, found by their texts. */
export class JudgementSet {
  readonly queries: readonly { readonly id: string; readonly text: string }[];
  private readonly grades = new Map<string, ReadonlyMap<string, number>>();

  constructor({ queries, judgements }: BeirCollection) {
    this.queries = queries.filter(({ id }) => judgements.has(id));
    for (const { id, text } of this.queries) this.grades.set(text.trim(), judgements.get(id)!);
  }

  /** Grades by document id; undefined for a query that nobody judged. */
  of(query: string): ReadonlyMap<string, number> | undefined {
    return this.grades.get(query.trim());
  }
}

/** nDCG@10 of hits. */
export function judgedNdcg(
  hits: readonly Pick<RetrievedDocument, "id">[],
  grades: ReadonlyMap<string, number>,
): number {
  return ndcg(
    hits.map(({ id }) => id),
    grades,
    ndcgCut,
  );
}
