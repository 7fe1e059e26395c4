import { invalidArgument, received } from "../errors.ts";
import { type Judgements, type RelevantByQuery, toJudgements } from "./metrics/judgements.ts";
import { type TextCollection, toTexts } from "./text-collection.ts";

/** Queries, the documents to find them in, and what should be found. */
export interface RetrievalData {
  /** Query texts by id. */
  readonly queries: TextCollection;
  /** Document texts by id. */
  readonly corpus: TextCollection;
  /** Relevant documents by query id: ids, or grades by id; grades above 0 are relevant. */
  readonly relevantDocuments: RelevantByQuery;
}

/** {@link RetrievalData}, checked; queries that have no relevant document are left out. */
export interface CheckedRetrievalData {
  readonly queries: ReadonlyMap<string, string>;
  readonly corpus: ReadonlyMap<string, string>;
  /** Grade 1 of each relevant document. */
  readonly relevant: Judgements;
}

/**
 * @param allowMissing whether relevant documents may lack in the corpus
 * @throws SparseEncoderError `INVALID_ARGUMENT`, `INVALID_TEXT`
 */
export function checkRetrievalData(
  { queries, corpus, relevantDocuments }: RetrievalData,
  allowMissing: boolean,
): CheckedRetrievalData {
  const allQueries = toTexts("queries", queries);
  const documents = toTexts("corpus", corpus);
  const relevant = new Map<string, ReadonlyMap<string, number>>();
  const missing: string[] = [];
  for (const [query, grades] of toJudgements("relevantDocuments", relevantDocuments)) {
    // Judgements often cover more queries than are evaluated.
    if (!allQueries.has(query)) continue;
    const ids = [...grades].filter(([, grade]) => grade > 0).map(([id]) => id);
    if (ids.length > 0) relevant.set(query, new Map(ids.map((id) => [id, 1])));
    missing.push(...ids.filter((id) => !documents.has(id)));
  }
  const kept = new Map([...allQueries].filter(([id]) => relevant.has(id)));
  if (kept.size === 0) {
    throw invalidArgument(
      `None of the ${allQueries.size} queries has a relevant document: relevantDocuments must use the ids of queries.`,
    );
  }
  if (missing.length > 0 && !allowMissing) {
    throw invalidArgument(
      `relevantDocuments names documents that the corpus lacks, ${missing.length} in all, the first is ${received(missing[0])}. ` +
        "Remove them, or set allowMissingDocuments to count them as never found.",
    );
  }
  return { queries: kept, corpus: documents, relevant };
}
