import { type Deadline, mapInParallel } from "../calls/index.ts";
import { messageOf, SparseEncoderError } from "../errors.ts";
import type { HybridSearch } from "../stores/index.ts";
import { defaultK, filterOf, parallelSearches } from "./arm-search.ts";
import type { RetrieveCall } from "./retrieve-call.ts";
import { type Candidate, wantedOf } from "./steps/fuse.ts";
import type { Embedder, TextVector } from "./text-embedder.ts";

/**
 * Asks the one store of all arms, which fuses itself: one request a query.
 *
 * @returns the best of each query, as many as the steps after the fusion look at
 * @throws SparseEncoderError `ARM_FAILED`, `INVALID_FILTER`; what ended the deadline
 */
export async function searchNative(
  call: RetrieveCall,
  queries: readonly string[],
  embed: (embedder: Embedder) => Promise<TextVector[]>,
  deadline: Deadline,
): Promise<Candidate[][]> {
  const started = performance.now();
  const { fusion, store } = call.native!;
  const k = wantedOf(call);
  const most = store.capabilities.maximumK ?? Number.POSITIVE_INFINITY;
  try {
    const vectors = await Promise.all(
      call.arms.map((arm) => deadline.race(() => embed(arm.source!.embedder))),
    );
    const results = await mapInParallel(queries, parallelSearches, async (_, position) => {
      const searches = call.arms.flatMap((arm, at): HybridSearch[] => {
        const query = vectors[at]![position];
        if (query === undefined) return [];
        return [
          {
            vector: arm.source!.vector,
            query,
            k: arm.k ?? Math.min(Math.max(k, defaultK), most),
            filter: filterOf(arm, call.filter),
            weight: call.weights[arm.name],
          },
        ];
      });
      if (searches.length === 0) return [];
      const hits = await deadline.race((signal) =>
        store.searchHybrid!(searches, { fusion, k: Math.min(k, most), signal }),
      );
      return hits.map((hit): Candidate => ({ ...hit, fusedScore: hit.score, arms: {} }));
    });
    const documents = results.reduce((sum, list) => sum + list.length, 0);
    call.onEvent({ type: "fusion", documents, results, milliseconds: performance.now() - started });
    return results;
  } catch (error) {
    if (deadline.signal.aborted || isMistake(error)) throw error;
    throw new SparseEncoderError(
      "ARM_FAILED",
      `The arms failed, which the ${store.name} store searches at once: ${messageOf(error)}`,
      { cause: error },
    );
  }
}

/** What the caller, not an arm, did wrong. */
function isMistake(error: unknown): boolean {
  return (
    SparseEncoderError.is(error) &&
    ["INVALID_FILTER", "INVALID_ARGUMENT", "UNKNOWN_OPTION", "STORE_UNSUPPORTED"].includes(error.code)
  );
}
