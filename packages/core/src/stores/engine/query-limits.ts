import { received, SparseEncoderError } from "../../errors.ts";
import type { SparseVector } from "../../vector/index.ts";
import type { Store } from "../store.ts";
import type { CheckedDocument } from "../store-arguments.ts";
import type { ResolvedField } from "../vector-fields.ts";

type Limited = Pick<Store, "name" | "capabilities">;

/** @param problem what the store cannot do, as the rest of a sentence about it */
export function unsupported({ name }: Limited, problem: string): SparseEncoderError {
  return new SparseEncoderError("STORE_UNSUPPORTED", `The ${name} store ${problem}`);
}

/** @throws SparseEncoderError `STORE_UNSUPPORTED` for a vector that is beyond what the store takes */
export function checkDocumentLimits(store: Limited, { id, vectors }: CheckedDocument): void {
  for (const [name, vector] of vectors) {
    if (vector instanceof Float32Array) continue;
    const place = `Document ${received(id)}, vector ${received(name)}`;
    checkSparseLimits(store, place, vector);
  }
}

/** @throws SparseEncoderError `STORE_UNSUPPORTED` */
export function checkQueryLimits(store: Limited, call: string, query: SparseVector): void {
  checkSparseLimits(store, `${call}: the query`, query);
}

function checkSparseLimits(store: Limited, place: string, vector: SparseVector): void {
  const { maximumActiveDims, negativeWeights } = store.capabilities;
  if (maximumActiveDims !== undefined && vector.activeDims > maximumActiveDims) {
    throw unsupported(
      store,
      `takes at most ${maximumActiveDims} active dims. ${place} has ${vector.activeDims}; encode with maxActiveDims.`,
    );
  }
  if (negativeWeights === false && vector.values.some((weight) => weight < 0)) {
    throw unsupported(store, `takes no negative weights. ${place} has some.`);
  }
}

/** @throws SparseEncoderError `INVALID_VECTOR` */
export function checkQueryDimension(
  call: string,
  name: string,
  dimension: number,
  field: ResolvedField,
): void {
  if (dimension === field.dimension) return;
  throw new SparseEncoderError(
    "INVALID_VECTOR",
    `${call}: the query has ${dimension} dimensions, the vectors named "${name}" have ${field.dimension}; ` +
      "query and documents must come from the same model.",
  );
}
