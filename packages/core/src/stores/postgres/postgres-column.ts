import type { DenseMetric } from "../../vector/index.ts";
import type { ResolvedField } from "../vector-fields.ts";

/** A name of vectors and where they stand. */
export interface Column {
  readonly name: string;
  /** Part of the names of the columns. */
  readonly suffix: string;
  readonly field: ResolvedField;
}

/** pgvector's operator of each metric; all give less for what is closer. */
export const distances: Readonly<Record<DenseMetric, string>> = {
  cosine: "<=>",
  dot: "<#>",
  euclidean: "<->",
};

/** The columns of a name of vectors, with pgvector's type. */
export function columnsOf({ suffix, field }: Column): { column: string; type: string }[] {
  if (field.kind === "dense") return [{ column: `vector_${suffix}`, type: "vector" }];
  return ["vector", "absolute", "short"].map((part) => ({ column: `${part}_${suffix}`, type: "sparsevec" }));
}

/** The name itself where it can be part of an identifier, else a number. */
export function suffixOf(name: string, columns: readonly Column[]): string {
  return /^[a-z][a-z0-9_]{0,39}$/.test(name) ? name : `${columns.length}`;
}
