import { mapInParallel } from "../../calls/index.ts";
import type { DimCounts } from "../../vector/index.ts";
import type { Store } from "../store.ts";
import { unsupported } from "../store-limits.ts";
import type { ResolvedField } from "../vector-fields.ts";
import { type CheckedCollection, countsNothing } from "./collection-description.ts";
import { vectorTerm } from "./metadata-terms.ts";

/** Requests that count dims and are under way at once. */
const countsAtOnce = 8;

/** The field of a document in which the active dims of sparse vectors stand, by their place among the names. */
export function dimField(fields: ReadonlyMap<string, ResolvedField>, name: string): string {
  return `dims_${[...fields.keys()].indexOf(name)}`;
}

/** How an engine that keeps dims in {@link dimField} counts documents. */
export interface DimCounting<Condition> {
  /** Condition that a document has a term of its metadata, or a dim in a field. */
  readonly hasTerm: (term: string) => Condition;
  readonly hasDim: (field: string, dim: number) => Condition;
  readonly count: (condition: Condition) => Promise<number>;
}

/**
 * Counts by one request per dim, and one for all vectors of the name.
 * @throws SparseEncoderError `STORE_UNSUPPORTED` for a collection without dims
 */
export async function countDimsOf<Condition>(
  store: Pick<Store, "name">,
  collection: Pick<CheckedCollection, "fields" | "hasDims">,
  { name, dims }: { readonly name: string; readonly dims: readonly number[] },
  { hasTerm, hasDim, count }: DimCounting<Condition>,
): Promise<DimCounts> {
  if (dims.length > 0 && !collection.hasDims) throw unsupported(store, countsNothing);
  const field = dimField(collection.fields, name);
  const conditions = [hasTerm(vectorTerm(name)), ...dims.map((dim) => hasDim(field, dim))];
  const [vectors, ...active] = await mapInParallel(conditions, countsAtOnce, count);
  return { vectors: vectors!, active };
}
