import type { Deadline } from "../../calls/index.ts";
import { messageOf, SparseEncoderError } from "../../errors.ts";
import type { HybridSearch } from "../../stores/index.ts";
import type { CheckedQuery } from "../retrieval-query.ts";
import type { RetrieveCall } from "../retrieve-call.ts";
import { type Candidate, documentsOf } from "../steps/candidate.ts";
import { candidateCount } from "../steps/fuse.ts";
import type { StoreArm } from "./arm.ts";
import { filterOf, kOf } from "./arm-query.ts";
import type { QueryVectors } from "./query-vectors.ts";

/**
 * Asks the one store of all arms, which searches and fuses in one request.
 *
 * @returns the best documents, as many as the steps after the fusion look at
 * @throws SparseEncoderError `ARM_FAILED`, `INVALID_FILTER`; what ended the deadline
 */
export async function searchNative(
  call: RetrieveCall,
  { fusion, store }: NonNullable<RetrieveCall["native"]>,
  arms: readonly StoreArm[],
  query: CheckedQuery,
  vectors: QueryVectors,
  deadline: Deadline,
): Promise<Candidate[]> {
  const started = performance.now();
  const k = candidateCount(call);
  const maximum = store.capabilities.maximumK ?? Number.POSITIVE_INFINITY;
  try {
    const searches = await Promise.all(
      arms.map((arm) => deadline.race(() => toSearch(call, arm, query, vectors, k))),
    );
    const wanted = searches.filter((search) => search !== undefined);
    const hits =
      wanted.length === 0
        ? []
        : await deadline.race((signal) =>
            store.searchHybrid!(wanted, { fusion, k: Math.min(k, maximum), signal }),
          );
    const candidates = hits.map(
      (hit): Candidate => ({ document: { ...hit, fusedScore: hit.score, arms: {} }, hits: new Map() }),
    );
    call.onEvent({
      type: "fusion",
      documents: candidates.length,
      results: [documentsOf(candidates)],
      milliseconds: performance.now() - started,
    });
    return candidates;
  } catch (error) {
    if (deadline.signal.aborted || isMistake(error)) throw error;
    throw new SparseEncoderError(
      "ARM_FAILED",
      `The arms, which the ${store.name} store searches at once, failed: ${messageOf(error)}`,
      { cause: error },
    );
  }
}

/** The search of one arm; undefined for a query whose vector has no direction. */
async function toSearch(
  call: RetrieveCall,
  arm: StoreArm,
  query: CheckedQuery,
  vectors: QueryVectors,
  k: number,
): Promise<HybridSearch | undefined> {
  const vector = await vectors.of(query, arm);
  if (vector === undefined) return undefined;
  return {
    vector: arm.source.vector,
    query: vector,
    k: kOf(arm, k),
    filter: filterOf(arm, call.filter),
    weight: call.weights[arm.name],
  };
}

/** Whether the caller, rather than an arm, made the error. */
function isMistake(error: unknown): boolean {
  return (
    SparseEncoderError.is(error) &&
    ["INVALID_FILTER", "INVALID_ARGUMENT", "UNKNOWN_OPTION", "STORE_UNSUPPORTED"].includes(error.code)
  );
}
