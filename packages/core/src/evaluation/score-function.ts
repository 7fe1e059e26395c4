import { invalidArgument, received } from "../errors.ts";
import { rule } from "../options/index.ts";
import {
  checkSimilarityFunction,
  type EmbeddingMatrix,
  matrixSimilarity,
  type SimilarityFunction,
  similarityRule,
} from "../vector/index.ts";

/** A similarity by name, or a function that scores each query with each document: one list of scores per query. */
export type ScoreFunction = SimilarityFunction | ScoreCallback["score"];

/** As a method, so that a function for only one kind of matrix fits. */
interface ScoreCallback {
  score(queries: EmbeddingMatrix, documents: EmbeddingMatrix): readonly ArrayLike<number>[];
}

/** Scores of each query with each document, checked. */
export type Scorer = (queries: EmbeddingMatrix, documents: EmbeddingMatrix) => readonly ArrayLike<number>[];

/** A similarity function by name. */
export const similarityName = similarityRule;

/** @throws SparseEncoderError `INVALID_ARGUMENT` for an unknown name; the scorer, for scores that cannot be right */
export function toScorer(name: string, score: ScoreFunction): Scorer {
  if (typeof score !== "function") {
    similarityName.required().check(score, name);
    return (queries, documents) => matrixSimilarity(queries, documents, score);
  }
  return (queries, documents) => {
    const rows = score(queries, documents);
    const [height, width] = [queries.length, documents.length];
    if (!Array.isArray(rows) || rows.length !== height || rows.some((row) => row?.length !== width)) {
      throw invalidArgument(
        `Score function ${received(name)} must give ${height} lists of ${width} scores, received ${received(rows)}.`,
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

/** A list of similarity functions, none twice; an empty one leaves the choice to the encoder. */
export const similarityNames = rule((value, name) => {
  if (!Array.isArray(value)) {
    throw invalidArgument(`${name} must be an array of names, received ${received(value)}.`);
  }
  const names = value.map((item: unknown) => checkSimilarityFunction(item));
  if (new Set(names).size < names.length) {
    throw invalidArgument(`${name} holds a name twice, received ${received(names)}.`);
  }
  return names;
});

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
