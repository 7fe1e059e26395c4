import type { StoredDocument } from "../../stores/index.ts";
import type { SparseVector } from "../../vector/index.ts";
import type { ArmHit } from "../arms/arm-query.ts";
import type { RetrievedDocument } from "../retrieval-result.ts";
import { compareScores } from "../weighted-rankings.ts";

/** A document on its way to be a result. */
export interface Candidate {
  readonly document: RetrievedDocument;
  /** The hits that are this document, by name of the arm. */
  readonly hits: ReadonlyMap<string, ArmHit>;
}

/** Order of candidates: score descending, then the smaller id. */
export function compareCandidates(a: Candidate, b: Candidate): number {
  return compareScores(a.document, b.document);
}

/** The documents of candidates. */
export function documentsOf(candidates: readonly Candidate[]): RetrievedDocument[] {
  return candidates.map(({ document }) => document);
}

/** The id by which the store of an arm knows a candidate; undefined if it cannot know it. */
export function idIn(arm: string, { document, hits }: Candidate): string | undefined {
  return hits.get(arm)?.id ?? (document.anonymous === true ? undefined : document.id);
}

/** A vector of a stored document by name. */
export function vectorOf(
  document: StoredDocument | undefined,
  name: string,
): SparseVector | Float32Array | undefined {
  return document !== undefined && Object.hasOwn(document.vectors, name) ? document.vectors[name] : undefined;
}
