import { invalidArgument, received } from "../../errors.ts";

/** Grades by query id and document id. A grade above 0 is relevant; a document without one is not. */
export type Judgements = ReadonlyMap<string, ReadonlyMap<string, number>>;

/** Ids of the relevant documents of a query, or grades by document id. */
export type RelevantDocuments =
  | ReadonlySet<string>
  | readonly string[]
  | ReadonlyMap<string, number>
  | Readonly<Record<string, number>>;

/** Relevant documents by query id. */
export type RelevantByQuery =
  | ReadonlyMap<string, RelevantDocuments>
  | Readonly<Record<string, RelevantDocuments>>;

/** Number of relevant documents. */
export function countRelevant(judgements: ReadonlyMap<string, number>): number {
  let count = 0;
  for (const grade of judgements.values()) if (grade > 0) count++;
  return count;
}

/** True if the document is judged relevant. */
export function isRelevant(judgements: ReadonlyMap<string, number>, id: string): boolean {
  return (judgements.get(id) ?? 0) > 0;
}

/**
 * Checks relevant documents and brings them to one form; ids that come without a grade get 1.
 * @throws SparseEncoderError `INVALID_ARGUMENT` for other shapes and for grades that are not finite numbers
 */
export function toJudgements(name: string, relevant: RelevantByQuery): Judgements {
  const source: unknown = relevant;
  if (typeof source !== "object" || source === null || Array.isArray(source) || source instanceof Set) {
    throw invalidArgument(
      `${name} must map query ids to relevant document ids or to grades, received ${received(source)}.`,
    );
  }
  const entries: Iterable<[string, unknown]> = source instanceof Map ? source : Object.entries(source);
  const judgements = new Map<string, ReadonlyMap<string, number>>();
  for (const [query, documents] of entries) {
    judgements.set(query, gradesOf(`${name} of query ${received(query)}`, documents));
  }
  return judgements;
}

function gradesOf(what: string, documents: unknown): ReadonlyMap<string, number> {
  if (typeof documents !== "object" || documents === null) {
    throw invalidArgument(`${what} must be document ids or grades by id, received ${received(documents)}.`);
  }
  const grades = new Map<string, number>();
  if (Array.isArray(documents) || documents instanceof Set) {
    for (const id of documents as Iterable<unknown>) {
      if (typeof id !== "string") {
        throw invalidArgument(`${what}: document ids must be strings, received ${received(id)}.`);
      }
      grades.set(id, 1);
    }
    return grades;
  }
  for (const [id, grade] of documents instanceof Map ? documents : Object.entries(documents)) {
    if (typeof grade !== "number" || !Number.isFinite(grade)) {
      throw invalidArgument(
        `${what}: the grade of document ${received(id)} must be a finite number, received ${received(grade)}.`,
      );
    }
    grades.set(id, grade);
  }
  return grades;
}
