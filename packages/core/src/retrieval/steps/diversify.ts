import type { Deadline } from "../../calls/index.ts";
import type { SparseVector } from "../../vector/index.ts";
import type { ScoredId } from "../rankings.ts";
import type { RetrieveCall } from "../retrieve-call.ts";
import { type Candidate, compareCandidates, idIn, vectorOf } from "./candidate.ts";

type Vector = SparseVector | Float32Array;

/** A candidate that is not taken yet. */
interface Rest {
  readonly candidate: Candidate;
  /** Its score, scaled from 0 to 1. */
  readonly relevance: number;
  /** The largest cosine with a document already taken; 0 before a comparison. */
  likeness: number;
  compared: boolean;
}

/** Takes `k` of the best candidates by maximal marginal relevance; see the option `mmr`. */
export async function diversify(
  call: RetrieveCall,
  { lambda, fetchK, arm }: NonNullable<RetrieveCall["mmr"]>,
  candidates: readonly Candidate[],
  deadline: Deadline,
): Promise<Candidate[]> {
  const started = performance.now();
  const best = candidates.slice(0, Math.max(fetchK, call.k));
  const stored = best.flatMap((candidate) => {
    const id = idIn(arm.name, candidate);
    return id === undefined ? [] : [{ candidate, id }];
  });
  const { store, vector } = arm.source;
  const ids = stored.map(({ id }) => id);
  const documents = await deadline.race((signal) => store.get(ids, { signal }));
  const vectors = new Map(
    stored.flatMap(({ candidate }, position) => {
      const found = vectorOf(documents[position], vector);
      return found === undefined ? [] : [[candidate, found] as const];
    }),
  );
  const taken = takeDiverse(best, vectors, lambda, call.k);
  call.onEvent({ type: "mmr", candidates: best.length, milliseconds: performance.now() - started });
  return taken;
}

/** O(candidates x k) comparisons of vectors. Equal values: the better candidate first. */
function takeDiverse(
  candidates: readonly Candidate[],
  vectors: ReadonlyMap<Candidate, Vector>,
  lambda: number,
  k: number,
): Candidate[] {
  const rest = candidates.map(
    (candidate): Rest => ({
      candidate,
      relevance: relevance(candidate.document, candidates[0]!.document, candidates.at(-1)!.document),
      likeness: 0,
      compared: false,
    }),
  );
  rest.sort((a, b) => compareCandidates(a.candidate, b.candidate));
  const taken: Candidate[] = [];
  const marginOf = (place: number) => lambda * rest[place]!.relevance - (1 - lambda) * rest[place]!.likeness;
  while (taken.length < k && rest.length > 0) {
    let best = 0;
    for (let place = 1; place < rest.length; place++) if (marginOf(place) > marginOf(best)) best = place;
    const [chosen] = rest.splice(best, 1);
    taken.push(chosen!.candidate);
    const vector = vectors.get(chosen!.candidate);
    if (vector !== undefined) compareWith(vector, rest, vectors);
  }
  return taken;
}

function compareWith(vector: Vector, rest: readonly Rest[], vectors: ReadonlyMap<Candidate, Vector>): void {
  for (const other of rest) {
    const otherVector = vectors.get(other.candidate);
    if (otherVector === undefined) continue;
    const likeness = cosine(vector, otherVector);
    // A first comparison may be negative, and counts as such.
    other.likeness = other.compared ? Math.max(other.likeness, likeness) : likeness;
    other.compared = true;
  }
}

/** The score, scaled so that the best candidate has 1 and the worst 0; 1 if all are equal. */
function relevance({ score }: ScoredId, best: ScoredId, worst: ScoredId): number {
  return best.score === worst.score ? 1 : (score - worst.score) / (best.score - worst.score);
}

function cosine(a: Vector, b: Vector): number {
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
