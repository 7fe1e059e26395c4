import type { Deadline } from "../../calls/index.ts";
import { messageOf, received, SparseEncoderError } from "../../errors.ts";
import type { Rerank } from "../retrieval-settings.ts";
import type { RetrieveCall } from "../retrieve-call.ts";
import { type Candidate, compareCandidates } from "./candidate.ts";
import { lateIn } from "./late.ts";

/**
 * Orders the best candidates by the scores of a reranker.
 *
 * @param query the text of the query; undefined for a query by vectors only
 * @throws SparseEncoderError `RERANK_FAILED`, `INVALID_TEXT`; what ended the deadline
 */
export async function rerank(
  call: RetrieveCall,
  scorer: Rerank,
  query: string | undefined,
  candidates: readonly Candidate[],
  deadline: Deadline,
): Promise<Candidate[]> {
  if (query === undefined) {
    throw new SparseEncoderError(
      "INVALID_TEXT",
      `${call.name}: rerank needs the text of the query; give it beside the vectors, or set rerank: false.`,
    );
  }
  const started = performance.now();
  const best = candidates.slice(0, call.rerankK);
  const shown = best.map(({ document: { arms: _, ...candidate } }) => candidate);
  const scores = await deadline
    .race((signal) => scorer(query, shown, { signal, context: call.context }))
    .catch((error: unknown) => {
      if (deadline.signal.aborted) throw lateIn(error, "the reranker");
      throw new SparseEncoderError("RERANK_FAILED", `The reranker failed: ${messageOf(error)}`, {
        cause: error,
      });
    });
  const list = typeof scores === "object" && scores !== null ? Array.from(scores) : [];
  if (list.length !== best.length || !list.every((score) => Number.isFinite(score))) {
    throw new SparseEncoderError(
      "RERANK_FAILED",
      `rerank must give one finite score for each of its ${best.length} candidates, received ${received(scores)}.`,
    );
  }
  call.onEvent({ type: "rerank", candidates: best.length, milliseconds: performance.now() - started });
  return best
    .map(({ document, hits }, position) => ({ document: { ...document, score: list[position]! }, hits }))
    .sort(compareCandidates);
}
