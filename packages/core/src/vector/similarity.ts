import { invalidArgument } from "../errors.ts";
import { oneOf } from "../options/index.ts";
import { SparseMatrix } from "./sparse-matrix.ts";
import type { SparseVector } from "./sparse-vector.ts";
import { sameDimension } from "./vector-checks.ts";

/** How two vectors are compared. Distances are negated, so that larger always means more alike. */
export type SimilarityFunction = "dot" | "cosine" | "euclidean" | "manhattan";

/** The names that {@link SimilarityFunction} allows. */
export const similarityFunctions: readonly SimilarityFunction[] = ["dot", "cosine", "euclidean", "manhattan"];

/** Vectors of more dimensions are compared entry by entry: a dense copy of a row would cost gigabytes. */
const maximumScattered = 1 << 22;

/** What other libraries call them. */
const similarityElsewhere = {
  dot_score: "dot",
  dotproduct: "dot",
  dot_product: "dot",
  inner_product: "dot",
  innerproduct: "dot",
  ip: "dot",
  cos: "cosine",
  cos_sim: "cosine",
  cosine_similarity: "cosine",
  cosinesimilarity: "cosine",
  l2: "euclidean",
  euclid: "euclidean",
  euclidean_sim: "euclidean",
  l1: "manhattan",
  manhattan_sim: "manhattan",
} as const;

/** The rule of an option that is a similarity function. */
export const similarityRule = oneOf(similarityFunctions, similarityElsewhere);

/** Returns `name` if it is a similarity function. */
export function checkSimilarityFunction(name: unknown): SimilarityFunction {
  return similarityRule.required().check(name, "similarity");
}

/**
 * Similarity of every row of `a` with every row of `b`: n arrays of m float32 numbers. A vector counts as one
 * row. Cosine with an all-zero vector is 0. Sums are in float64.
 * Source: `util.dot_score` and its kin in sentence-transformers.
 */
export function similarity(
  a: SparseVector | SparseMatrix,
  b: SparseVector | SparseMatrix,
  name: SimilarityFunction = "dot",
): Float32Array[] {
  sameDimension("similarity", a, b);
  checkSimilarityFunction(name);
  const columns = [...asMatrix(b)];
  if (name === "euclidean" || name === "manhattan") {
    return Array.from(asMatrix(a), (row) =>
      Float32Array.from(columns, (column) => 0 - distance(row, column, name)),
    );
  }
  const columnNorms = name === "cosine" ? columns.map((column) => column.norm) : [];
  const dense =
    columns.length > 1 && a.dimension <= maximumScattered ? new Float32Array(a.dimension) : undefined;
  return Array.from(asMatrix(a), (row) => {
    const { indices, values } = row;
    // Scattered once, so that each column costs its own entries only.
    if (dense !== undefined) {
      for (let position = 0; position < indices.length; position++)
        dense[indices[position]!] = values[position]!;
    }
    const rowNorm = name === "cosine" ? row.norm : 0;
    const scores = Float32Array.from(columns, (column, position) => {
      const dot = dense === undefined ? row.dot(column) : gatherDot(dense, column);
      if (name === "dot") return dot;
      const norms = rowNorm * columnNorms[position]!;
      return norms === 0 ? 0 : dot / norms;
    });
    if (dense !== undefined) for (const index of indices) dense[index] = 0;
    return scores;
  });
}

/**
 * Similarity of row i of `a` with row i of `b`: n float32 numbers. Both need the same number of rows; a vector
 * counts as one row.
 */
export function similarityPairwise(
  a: SparseVector | SparseMatrix,
  b: SparseVector | SparseMatrix,
  name: SimilarityFunction = "dot",
): Float32Array {
  sameDimension("similarityPairwise", a, b);
  checkSimilarityFunction(name);
  const left = asMatrix(a);
  const right = asMatrix(b);
  if (left.length !== right.length) {
    throw invalidArgument(
      `similarityPairwise: both sides need the same number of rows, received ${left.length} and ${right.length}.`,
    );
  }
  return Float32Array.from(left, (row, position) => similarity(row, right.row(position), name)[0]![0]!);
}

function asMatrix(embeddings: SparseVector | SparseMatrix): SparseMatrix {
  return "offsets" in embeddings ? embeddings : SparseMatrix.fromRows([embeddings]);
}

function gatherDot(dense: Float32Array, { indices, values }: SparseVector): number {
  let sum = 0;
  for (let position = 0; position < indices.length; position++)
    sum += dense[indices[position]!]! * values[position]!;
  return sum;
}

function distance(a: SparseVector, b: SparseVector, name: "euclidean" | "manhattan"): number {
  let sum = 0;
  let left = 0;
  let right = 0;
  while (left < a.indices.length || right < b.indices.length) {
    const leftIndex = a.indices[left] ?? Number.POSITIVE_INFINITY;
    const rightIndex = b.indices[right] ?? Number.POSITIVE_INFINITY;
    const difference =
      (leftIndex <= rightIndex ? a.values[left++]! : 0) - (rightIndex <= leftIndex ? b.values[right++]! : 0);
    sum += name === "euclidean" ? difference * difference : Math.abs(difference);
  }
  return name === "euclidean" ? Math.sqrt(sum) : sum;
}
