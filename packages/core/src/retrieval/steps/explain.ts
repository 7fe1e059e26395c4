import type { Deadline } from "../../calls/index.ts";
import type { SparseVector } from "../../vector/index.ts";
import type { Arm, StoreArm } from "../arms/arm.ts";
import type { ArmAnswer } from "../arms/arm-search.ts";
import type { ArmPlace, MatchedTerm } from "../retrieval-result.ts";
import { type Candidate, vectorOf } from "./candidate.ts";

/** Adds the terms that matched, for the arms of sparse vectors. */
export async function explain(
  candidates: readonly Candidate[],
  answers: ReadonlyMap<Arm, ArmAnswer>,
  deadline: Deadline,
): Promise<Candidate[]> {
  let explained = [...candidates];
  for (const [arm, { vector: query }] of answers) {
    if (arm.source === undefined || query === undefined || query instanceof Float32Array) continue;
    explained = await explainArm(explained, arm, query, deadline);
  }
  return explained;
}

async function explainArm(
  candidates: readonly Candidate[],
  { name, source: { store, vector, embedder } }: StoreArm,
  query: SparseVector,
  deadline: Deadline,
): Promise<Candidate[]> {
  const ids = candidates.flatMap(({ hits }) => hits.get(name)?.id ?? []);
  if (ids.length === 0) return [...candidates];
  const documents = await deadline.race((signal) => store.get(ids, { signal }));
  const vectors = new Map(ids.map((id, position) => [id, vectorOf(documents[position], vector)]));
  return candidates.map((candidate) => {
    const { document, hits } = candidate;
    const stored = vectors.get(hits.get(name)?.id ?? "");
    // A document may have been deleted or replaced since it was found.
    if (stored === undefined || stored instanceof Float32Array) return candidate;
    const place: ArmPlace = {
      ...document.arms[name]!,
      terms: matchedTerms(query, stored, embedder.tokenOf),
    };
    return { document: { ...document, arms: { ...document.arms, [name]: place } }, hits };
  });
}

/** The dims that both vectors have, with what each adds to the dot product: largest first, equal ones by rising index. */
function matchedTerms(
  query: SparseVector,
  document: SparseVector,
  tokenOf: ((index: number) => string) | undefined,
): MatchedTerm[] {
  const terms: MatchedTerm[] = [];
  for (const [index, queryWeight] of query) {
    const documentWeight = document.get(index);
    if (documentWeight === 0) continue;
    const contribution = queryWeight * documentWeight;
    terms.push({ index, token: tokenOf?.(index), queryWeight, documentWeight, contribution });
  }
  return terms.sort((a, b) => b.contribution - a.contribution || a.index - b.index);
}
