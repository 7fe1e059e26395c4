import type { RetrievedDocument } from "@sparse-encoder/core";
import { type BeirCollection, ndcg, readBeirQueries, readQrels } from "@sparse-encoder/core/evaluation";

/** Ranks that the quality of a ranking looks at. */
const ndcgCut = 10;

/** What judgements are made of. */
type Judged = Pick<BeirCollection, "queries" | "judgements">;

/** A query that somebody judged. */
export interface JudgedQuery {
  readonly id: string;
  readonly text: string;
  /** Grades by document id. */
  readonly grades: ReadonlyMap<string, number>;
}

/** Queries with judgements, found by their texts. */
export class JudgementSet {
  readonly queries: readonly JudgedQuery[];
  private readonly byText = new Map<string, JudgedQuery>();

  constructor({ queries, judgements }: Judged) {
    this.queries = queries.flatMap(({ id, text }) => {
      const grades = judgements.get(id);
      return grades === undefined ? [] : [{ id, text, grades }];
    });
    for (const query of this.queries) this.byText.set(query.text.trim(), query);
  }

  /** Queries that have a relevant document: the queries that means are over, as in `evaluate`. */
  get measured(): readonly JudgedQuery[] {
    return this.queries.filter(({ grades }) => [...grades.values()].some((grade) => grade > 0));
  }

  /** Grades by document id; undefined for a query that nobody judged. */
  of(query: string): ReadonlyMap<string, number> | undefined {
    return this.byText.get(query.trim())?.grades;
  }
}

/** Files of judgements, or their contents under names. */
export interface JudgementFiles {
  /** Queries in the layout of BEIR. */
  readonly queries: Parameters<typeof readBeirQueries>[0];
  /** Judgements in the layout of BEIR or of TREC. */
  readonly qrels: Parameters<typeof readQrels>[0];
}

/**
 * Reads judgements.
 * @param problem makes the error for judgements of other queries
 * @throws SparseEncoderError `DATA_INVALID`, naming the line that is wrong; what `problem` makes
 */
export async function readJudgements(
  { queries, qrels }: JudgementFiles,
  problem: (message: string) => Error,
): Promise<JudgementSet> {
  const judged = { queries: await readBeirQueries(queries), judgements: await readQrels(qrels) };
  const set = new JudgementSet(judged);
  if (set.measured.length > 0) return set;
  const [query] = judged.queries;
  const [judgedId] = judged.judgements.keys();
  if (query === undefined || judgedId === undefined) {
    throw problem(query === undefined ? "There are no queries." : "There are no judgements.");
  }
  throw problem(
    set.queries.length > 0
      ? "No query has a relevant document, whose grade is above 0."
      : `No query is judged: the ids differ, such as ${JSON.stringify(query.id)} of a query and ${JSON.stringify(judgedId)} of a judgement.`,
  );
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
