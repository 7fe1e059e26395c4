import { invalidArgument, received } from "../../errors.ts";
import type { Filter, Metadata, Store } from "../../stores/index.ts";
import type { CheckedQuery } from "../retrieval-query.ts";
import type { RetrieveCall } from "../retrieve-call.ts";
import type { Arm } from "./arm.ts";
import type { QueryVectors } from "./query-vectors.ts";

/** A document that an arm found. */
export interface ArmHit {
  readonly id: string | undefined;
  readonly score: number;
  readonly text: string;
  readonly metadata: Metadata;
  readonly payload?: unknown;
}

/** Hits that an arm gives where nothing else is set: enough for the scores of a list to have a distribution. */
const defaultK = 100;

/** A query with what the search of an arm needs beside it. */
export interface ArmQuery {
  readonly query: CheckedQuery;
  readonly vectors: QueryVectors;
  readonly call: Pick<RetrieveCall, "k" | "filter" | "context" | "identify">;
  /** Where documents are looked up that a function gives without text. */
  readonly stores: readonly Store[];
}

/** Hits to ask an arm for. */
export function kOf(arm: Arm, k: number): number {
  const maximum = arm.source?.store.capabilities?.maximumK ?? Number.POSITIVE_INFINITY;
  return arm.k ?? Math.min(Math.max(k, defaultK), maximum);
}

/** Joins the filter of an arm and the filter of a call: documents must pass both. */
export function filterOf({ filter: armFilter }: Arm, filter: Filter | undefined): Filter | undefined {
  const filters = [armFilter, filter].filter((one) => one !== undefined);
  return filters.length === 2 ? { $and: filters } : filters[0];
}

/** @throws SparseEncoderError `INVALID_ARGUMENT` for a score that cannot be ranked by */
export function checkScore(arm: string, name: string | undefined, score: unknown): void {
  if (typeof score === "number" && Number.isFinite(score)) return;
  throw invalidArgument(
    `The arm ${arm} gives ${received(name)} the score ${received(score)}; it must be a finite number.`,
  );
}
