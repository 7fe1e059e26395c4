import type { SparseVector } from "../../vector/index.ts";
import { compareScores, type ScoredId } from "../fusion.ts";

/**
 * Takes `k` of the candidates by maximal marginal relevance; O(candidates x k) comparisons of vectors. Equal values: the
 * better candidate first.
 *
 * @param candidates best first
 * @param vectors by id
 */
export function diversify<Candidate extends ScoredId>(
  candidates: readonly Candidate[],
  vectors: ReadonlyMap<string, SparseVector | Float32Array>,
  lambda: number,
  k: number,
): Candidate[] {
  const left = candidates.map((candidate) => ({
    candidate,
    relevance: relevance(candidate, candidates),
    likeness: 0,
    compared: false,
  }));
  left.sort((a, b) => compareScores(a.candidate, b.candidate));
  const taken: Candidate[] = [];
  while (taken.length < k && left.length > 0) {
    let best = 0;
    const value = (at: number) => lambda * left[at]!.relevance - (1 - lambda) * left[at]!.likeness;
    for (let at = 1; at < left.length; at++) if (value(at) > value(best)) best = at;
    const [chosen] = left.splice(best, 1);
    taken.push(chosen!.candidate);
    const vector = vectors.get(chosen!.candidate.id);
    if (vector === undefined) continue;
    for (const other of left) {
      const own = vectors.get(other.candidate.id);
      if (own === undefined) continue;
      const alike = cosine(vector, own);
      // A first comparison may be negative, and counts as such.
      other.likeness = other.compared ? Math.max(other.likeness, alike) : alike;
      other.compared = true;
    }
  }
  return taken;
}

/** The score, scaled so that the best candidate has 1 and the worst 0; 1 if all are equal. */
function relevance({ score }: ScoredId, candidates: readonly ScoredId[]): number {
  const [most, least] = [candidates[0]!.score, candidates.at(-1)!.score];
  return most === least ? 1 : (score - least) / (most - least);
}

function cosine(a: SparseVector | Float32Array, b: SparseVector | Float32Array): number {
  if (!(a instanceof Float32Array || b instanceof Float32Array)) return a.cosine(b);
  const norms = norm(a as Float32Array) * norm(b as Float32Array);
  return norms === 0 ? 0 : denseDot(a as Float32Array, b as Float32Array) / norms;
}

function denseDot(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, index) => sum + value * b[index]!, 0);
}

function norm(vector: Float32Array): number {
  return Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));
}
