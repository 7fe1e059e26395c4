import { invalidArgument, received } from "../../errors.ts";
import { checkOptionNames, positiveInteger } from "../../options/index.ts";
import type { HybridSearch, NativeFusion } from "../store.ts";
import { checkDense, checkVectorName, isSparse } from "../store-arguments.ts";

const names: readonly NativeFusion["native"][] = ["rrf", "dbsf", "weighted"];

/** A fusion that was checked. */
export interface ResolvedFusion {
  readonly native: NativeFusion["native"];
  readonly k: number;
}

/** @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION` */
export function checkNativeFusion(fusion: NativeFusion): ResolvedFusion {
  if (typeof fusion !== "object" || fusion === null || !names.includes(fusion.native)) {
    throw invalidArgument(
      `fusion must be { native } with one of ${names.join(", ")}, received ${received(fusion)}.`,
    );
  }
  checkOptionNames("fusion", fusion, fusion.native === "rrf" ? ["native", "k"] : ["native"]);
  return { native: fusion.native, k: positiveInteger("fusion: k", fusion.k ?? 60, 2 ** 31 - 2) };
}

/** Checks the searches of a `searchHybrid` as far as no store is needed for it; hits and weights are filled in. */
export function checkHybridSearches(
  searches: readonly HybridSearch[],
): (HybridSearch & { readonly k: number; readonly weight: number })[] {
  const call = "searchHybrid";
  if (!Array.isArray(searches) || searches.length === 0) {
    throw invalidArgument(
      `${call}: expected an array of { vector, query }, at least one, received ${received(searches)}.`,
    );
  }
  return (searches as readonly HybridSearch[]).map((search) => {
    checkOptionNames(call, search, ["vector", "query", "k", "filter", "weight"]);
    const { vector, query, k = 100, filter, weight = 1 } = search;
    checkVectorName(call, vector);
    if (query instanceof Float32Array) checkDense(`${call}: the query`, query);
    else if (!isSparse(query)) {
      throw invalidArgument(
        `${call}: query must be a SparseVector or a Float32Array, received ${received(query)}.`,
      );
    }
    if (typeof weight !== "number" || !Number.isFinite(weight) || weight <= 0) {
      throw invalidArgument(`${call}: weight must be a finite number above 0, received ${received(weight)}.`);
    }
    return { vector, query, k, filter, weight };
  });
}
