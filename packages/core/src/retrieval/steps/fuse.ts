import { invalidArgument, received } from "../../errors.ts";
import type { Arm } from "../arms/arm.ts";
import type { ArmAnswer } from "../arms/arm-search.ts";
import type { ScoredId } from "../rankings.ts";
import type { RetrieveCall } from "../retrieve-call.ts";
import { compareScores } from "../weighted-rankings.ts";
import { type Candidate, documentsOf } from "./candidate.ts";
import { type MatchedDocument, MatchedDocuments } from "./matched-documents.ts";

/** Documents that the steps after the fusion look at. */
export function candidateCount({ k, rerank, rerankK, mmr, transform, transformK }: RetrieveCall): number {
  return Math.max(
    k,
    rerank === undefined ? 0 : rerankK,
    mmr?.fetchK ?? 0,
    transform === undefined ? 0 : transformK,
  );
}

/** Makes one ranking of what the arms answered: the best documents, as many as the steps after the fusion look at. */
export function fuse(call: RetrieveCall, answers: ReadonlyMap<Arm, ArmAnswer>): Candidate[] {
  const started = performance.now();
  const matched = new MatchedDocuments(answers);
  const fused = checkFused(call.fusion(matched.rankings, call.weights), matched.documents);
  const candidates = fused
    .slice(0, candidateCount(call))
    .map(({ id, score }) => toCandidate(matched.documents.get(id)!, score));
  call.onEvent({
    type: "fusion",
    documents: candidates.length,
    results: [documentsOf(candidates)],
    milliseconds: performance.now() - started,
  });
  return candidates;
}

/** Checks the result of a fusion, which may be any function, and sorts it. */
function checkFused(fused: unknown, known: ReadonlyMap<string, unknown>): ScoredId[] {
  if (!Array.isArray(fused)) {
    throw invalidArgument(`fusion must give an array of { id, score }, received ${received(fused)}.`);
  }
  const seen = new Set<string>();
  for (const hit of fused as ScoredId[]) {
    if (!known.has(hit?.id) || seen.has(hit.id) || !Number.isFinite(hit.score)) {
      throw invalidArgument(
        `fusion must give each id at most once, only ids that an arm found, and finite scores; received ${received(hit)}.`,
      );
    }
    seen.add(hit.id);
  }
  return (fused as ScoredId[]).toSorted(compareScores);
}

function toCandidate(
  { name, id, bestHit, payload, places, hits }: MatchedDocument,
  score: number,
): Candidate {
  const { text, metadata } = bestHit;
  return {
    document: {
      id: id ?? name,
      text,
      metadata,
      score,
      fusedScore: score,
      // By name, whichever arm ranks it better.
      arms: Object.fromEntries([...places].sort(([a], [b]) => (a < b ? -1 : 1))),
      ...(payload === undefined ? {} : { payload }),
      ...(id === undefined ? { anonymous: true } : {}),
    },
    hits,
  };
}
