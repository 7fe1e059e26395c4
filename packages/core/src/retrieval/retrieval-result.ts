import type { Metadata } from "../stores/index.ts";

/** A document that was found. */
export interface RetrievedDocument {
  /** Its id. Where no arm knows an id, a name made of the text; `anonymous` is then true. */
  readonly id: string;
  /** As in the arm that ranks it best. */
  readonly text: string;
  /** As in the arm that ranks it best. */
  readonly metadata: Metadata;
  /** The documents are ordered by this score: the score of the reranker if there is one, else of the fusion. */
  readonly score: number;
  /** Score of the fusion. */
  readonly fusedScore: number;
  /** The arms that found it. Empty if the store fused, or if only a filter was searched by. */
  readonly arms: Readonly<Record<string, ArmPlace>>;
  /** What a retrieve function gave with it. */
  readonly payload?: unknown;
  /** True if no arm knows an id of the document; otherwise absent. */
  readonly anonymous?: true;
}

/** The place of a document in the answer of one arm. */
export interface ArmPlace {
  /** From 1. */
  readonly rank: number;
  /** Score that the arm gave. */
  readonly score: number;
  /** With `explain`, for an arm of sparse vectors: largest contribution first. The contributions add up to the score. */
  readonly terms?: readonly MatchedTerm[];
}

/** A dim that query and document share. */
export interface MatchedTerm {
  /** The dim. */
  readonly index: number;
  /** Name of the dim, if the encoder of the arm has names. */
  readonly token: string | undefined;
  /** Weight of the dim in the query. */
  readonly queryWeight: number;
  /** Weight of the dim in the document. */
  readonly documentWeight: number;
  /** Query weight x document weight. */
  readonly contribution: number;
}

/** An arm that failed in a call that went on without it. */
export interface ArmFailure {
  /** Name of the arm. */
  readonly arm: string;
  /** What the arm failed with. */
  readonly error: unknown;
}

/** Documents found, best first, and the arms that failed. */
export type RetrievalResult = readonly RetrievedDocument[] & {
  /** Empty unless the result is degraded. Not among the enumerable properties. */
  readonly failures: readonly ArmFailure[];
};

/** Makes a result. */
export function toResult(
  documents: readonly RetrievedDocument[],
  failures: readonly ArmFailure[],
): RetrievalResult {
  return Object.defineProperty(Object.assign([...documents], { failures }), "failures", {
    enumerable: false,
  });
}
