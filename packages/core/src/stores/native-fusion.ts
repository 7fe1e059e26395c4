import { invalidArgument, received } from "../errors.ts";
import { checkOptionNames } from "../options/index.ts";
import type { SparseVector } from "../vector/index.ts";
import type { Filter } from "./filter/filter.ts";
import type { HybridSearch, NativeFusion } from "./store.ts";
import { checkDenseQuery, checkSparseQuery, checkVectorName, isSparse } from "./store-arguments.ts";
import { hybridSearchOptions, rrfOptions } from "./store-options.ts";

const names: readonly NativeFusion["native"][] = ["rrf", "dbsf", "minMax", "weighted"];

/** A fusion that was checked. */
export interface ResolvedFusion {
  /** Name of the fusion. */
  readonly native: NativeFusion["native"];
  /** Hits to find. */
  readonly k: number;
}

/** One of the searches of a `searchHybrid`, as far as no store is needed to check it. */
export interface CheckedHybridSearch {
  readonly vector: string;
  /** A copy. */
  readonly query: SparseVector | Float32Array;
  readonly k: number;
  readonly filter: Filter | undefined;
  readonly weight: number;
}

/** @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION` */
export function checkNativeFusion(fusion: NativeFusion | undefined): ResolvedFusion {
  if (typeof fusion !== "object" || fusion === null || !names.includes(fusion.native)) {
    throw invalidArgument(
      `fusion must be { native } with one of ${names.join(", ")}, received ${received(fusion)}.`,
    );
  }
  if (fusion.native !== "rrf") checkOptionNames("fusion", fusion, ["native"]);
  const { k } = rrfOptions.check("fusion", fusion, "fusion: ");
  return { native: fusion.native, k };
}

/** Copies and checks the searches of a `searchHybrid`; fills in hits and weights. */
export function checkHybridSearches(call: string, searches: readonly HybridSearch[]): CheckedHybridSearch[] {
  if (!Array.isArray(searches) || searches.length === 0) {
    throw invalidArgument(
      `${call}: expected an array of { vector, query }, at least one, received ${received(searches)}.`,
    );
  }
  return Array.from(searches, (search: unknown) => {
    const { vector, query, k, filter, weight } = hybridSearchOptions.check(call, search, `${call}: `);
    checkVectorName(call, vector);
    if (!(query instanceof Float32Array) && !isSparse(query)) {
      throw invalidArgument(
        `${call}: query must be a SparseVector or a Float32Array, received ${received(query)}.`,
      );
    }
    const copy = query instanceof Float32Array ? checkDenseQuery(call, query) : checkSparseQuery(call, query);
    return { vector, query: copy, k, filter, weight };
  });
}
