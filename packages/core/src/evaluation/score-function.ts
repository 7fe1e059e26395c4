import { invalidArgument, received } from "../errors.ts";
import {
  checkSimilarityFunction,
  type SimilarityFunction,
  type SparseMatrix,
  similarity,
} from "../vector/index.ts";

/** A similarity by name, or a function that scores each query with each document: one list of scores a query. */
export type ScoreFunction =
  | SimilarityFunction
  | ((queries: SparseMatrix, documents: SparseMatrix) => readonly ArrayLike<number>[]);

/** Scores of each query with each document, checked. */
export type Scorer = (queries: SparseMatrix, documents: SparseMatrix) => readonly ArrayLike<number>[];

/** @throws SparseEncoderError `INVALID_ARGUMENT` for an unknown name; the scorer, for scores that cannot be right */
export function toScorer(name: string, score: ScoreFunction): Scorer {
  if (typeof score !== "function") {
    checkSimilarityFunction(score);
    return (queries, documents) => similarity(queries, documents, score);
  }
  return (queries, documents) => {
    const rows = score(queries, documents);
    const [wanted, width] = [queries.length, documents.length];
    if (!Array.isArray(rows) || rows.length !== wanted || rows.some((row) => row?.length !== width)) {
      throw invalidArgument(
        `Score function ${received(name)} must give ${wanted} lists of ${width} scores, received ${received(rows)}.`,
      );
    }
    for (const row of rows) {
      for (let position = 0; position < width; position++) {
        if (typeof row[position] === "number" && !Number.isNaN(row[position])) continue;
        throw invalidArgument(
          `Score function ${received(name)} gave ${received(row[position])} for a score.`,
        );
      }
    }
    return rows;
  };
}

/**
 * Checks a list of similarity functions; undefined or empty leaves the choice to the encoder.
 * @throws SparseEncoderError `INVALID_ARGUMENT`
 */
export function checkSimilarityFunctions(names: readonly SimilarityFunction[] | undefined): void {
  if (names === undefined) return;
  if (!Array.isArray(names)) {
    throw invalidArgument(`similarityFunctions must be an array of names, received ${received(names)}.`);
  }
  for (const name of names) checkSimilarityFunction(name);
  if (new Set(names).size < names.length) {
    throw invalidArgument(`similarityFunctions holds a name twice, received ${received(names)}.`);
  }
}

/**
 * The functions of an evaluation: those chosen, else the main one, else the encoder's.
 * @throws SparseEncoderError `INVALID_ARGUMENT` if the main one is not among those chosen
 */
export function functionsOf(
  chosen: readonly SimilarityFunction[],
  encoder: { readonly similarityFunction: SimilarityFunction },
  main: SimilarityFunction | undefined,
): readonly SimilarityFunction[] {
  if (chosen.length === 0) return [main ?? encoder.similarityFunction];
  if (main !== undefined && !chosen.includes(main)) {
    throw invalidArgument(`${main} must be among similarityFunctions, received ${received(chosen)}.`);
  }
  return chosen;
}
