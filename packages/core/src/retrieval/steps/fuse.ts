import type { Deadline } from "../../calls/index.ts";
import { invalidArgument, messageOf, received, SparseEncoderError } from "../../errors.ts";
import type { StoredDocument } from "../../stores/index.ts";
import type { SparseVector } from "../../vector/index.ts";
import type { Arm } from "../arm.ts";
import type { ArmAnswer, ArmHit } from "../arm-search.ts";
import { compareScores, type Rankings, type ScoredId } from "../fusion.ts";
import type { ArmPlace, RetrieveCall, RetrievedDocument } from "../retrieve-call.ts";
import { diversify } from "./diversify.ts";
import { matchedTerms } from "./explain.ts";

/** A document on its way to be a result. */
export interface Candidate extends RetrievedDocument {
  readonly arms: Record<string, ArmPlace>;
}

/** Documents that the steps after the fusion look at. */
export function wantedOf({ k, rerank, rerankK, mmr }: RetrieveCall): number {
  return Math.max(k, rerank === undefined ? 0 : rerankK, mmr?.fetchK ?? 0);
}

/** The best of each query, as many as the steps after the fusion look at. */
export function fuse(
  call: RetrieveCall,
  queries: readonly string[],
  answers: ReadonlyMap<Arm, ArmAnswer>,
): Candidate[][] {
  const started = performance.now();
  const arms = [...answers].sort(([a], [b]) => (a.name < b.name ? -1 : 1));
  const wanted = wantedOf(call);
  const fused = queries.map((_, position) => {
    const rankings: Rankings = Object.fromEntries(
      arms.map(([arm, { hits }]) => [arm.name, hits[position]!.map(({ id, score }) => ({ id, score }))]),
    );
    const known = new Map<string, { hit: ArmHit; places: Record<string, ArmPlace> }>();
    for (const [arm, { hits }] of arms) {
      for (const [offset, hit] of hits[position]!.entries()) {
        const entry = known.get(hit.id) ?? { hit, places: {} };
        entry.places[arm.name] = { rank: offset + 1, score: hit.score };
        known.set(hit.id, entry);
      }
    }
    const ranked = checkFused(call.fusion(rankings, call.weights), known).slice(0, wanted);
    return ranked.map(({ id, score }): Candidate => {
      const { hit, places } = known.get(id)!;
      const { text, metadata } = hit;
      return {
        id,
        text,
        metadata,
        score,
        fusedScore: score,
        arms: places,
      };
    });
  });
  const documents = fused.reduce((sum, list) => sum + list.length, 0);
  call.onEvent({ type: "fusion", documents, results: fused, milliseconds: performance.now() - started });
  return fused;
}

/** A fusion may be anybody's. */
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

/** Reranks and diversifies, where that is asked for, and cuts to k. */
export async function choose(
  call: RetrieveCall,
  query: string,
  fused: readonly Candidate[],
  deadline: Deadline,
): Promise<Candidate[]> {
  let candidates = [...fused];
  if (call.rerank !== undefined && candidates.length > 0) {
    candidates = await rerank(call, query, candidates.slice(0, call.rerankK), deadline);
  }
  if (call.mmr === undefined || candidates.length === 0) return candidates.slice(0, call.k);
  const started = performance.now();
  const { lambda, fetchK, arm } = call.mmr;
  candidates = candidates.slice(0, Math.max(fetchK, call.k));
  const { store, vector } = arm.source!;
  const documents = await deadline.race((signal) =>
    store.get(
      candidates.map(({ id }) => id),
      { signal },
    ),
  );
  const vectors = new Map(
    documents.flatMap((document) => {
      const own = document === undefined ? undefined : vectorOf(document, vector);
      return own === undefined ? [] : [[document!.id, own] as const];
    }),
  );
  const chosen = diversify(candidates, vectors, lambda, call.k);
  call.onEvent({ type: "mmr", candidates: candidates.length, milliseconds: performance.now() - started });
  return chosen;
}

async function rerank(
  call: RetrieveCall,
  query: string,
  candidates: readonly Candidate[],
  deadline: Deadline,
): Promise<Candidate[]> {
  const started = performance.now();
  const shown = candidates.map(({ arms: _, ...candidate }) => candidate);
  const scores = await deadline
    .race((signal) => call.rerank!(query, shown, { signal, context: call.context }))
    .catch((error) => {
      if (deadline.signal.aborted) throw error;
      throw new SparseEncoderError("RERANK_FAILED", `The reranker failed: ${messageOf(error)}`, {
        cause: error,
      });
    });
  const list = typeof scores === "object" && scores !== null ? Array.from(scores) : [];
  if (list.length !== candidates.length || !list.every((score) => Number.isFinite(score))) {
    throw new SparseEncoderError(
      "RERANK_FAILED",
      `rerank must give one finite score for each of its ${candidates.length} candidates, received ${received(scores)}.`,
    );
  }
  call.onEvent({ type: "rerank", candidates: candidates.length, milliseconds: performance.now() - started });
  return candidates
    .map((candidate, position) => ({ ...candidate, score: list[position]! }))
    .sort(compareScores);
}

/** Adds the terms that matched, for the arms of sparse vectors. */
export async function explain(
  documents: readonly Candidate[],
  answers: ReadonlyMap<Arm, ArmAnswer>,
  position: number,
  deadline: Deadline,
): Promise<Candidate[]> {
  const explained = documents.map((document) => ({ ...document, arms: { ...document.arms } }));
  for (const [arm, { vectors }] of answers) {
    const query = vectors[position];
    if (arm.source === undefined || query === undefined || query instanceof Float32Array) continue;
    const { store, vector, embedder } = arm.source;
    const found = explained.filter(({ arms }) => Object.hasOwn(arms, arm.name));
    if (found.length === 0) continue;
    const ids = found.map(({ id }) => id);
    const stored = await deadline.race((signal) => store.get(ids, { signal }));
    for (const [row, document] of found.entries()) {
      const own = stored[row] === undefined ? undefined : vectorOf(stored[row], vector);
      // Deleted or replaced since it was found.
      if (own === undefined || own instanceof Float32Array) continue;
      const place = document.arms[arm.name]!;
      document.arms[arm.name] = { ...place, terms: matchedTerms(query, own, embedder.tokenOf) };
    }
  }
  return explained;
}

function vectorOf(document: StoredDocument, name: string): SparseVector | Float32Array | undefined {
  return Object.hasOwn(document.vectors, name) ? document.vectors[name] : undefined;
}
