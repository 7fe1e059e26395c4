import type { Deadline } from "../../calls/index.ts";
import { invalidArgument, received } from "../../errors.ts";
import type { Filter, Metadata, Store } from "../../stores/index.ts";
import type { CheckedQuery } from "../retrieval-query.ts";
import type { RetrieveCall } from "../retrieve-call.ts";
import type { Arm, StoreArm } from "./arm.ts";
import { searchFunction } from "./function-search.ts";
import type { QueryVectors } from "./query-vectors.ts";
import type { TextVector } from "./text-embedder.ts";

/** A document that an arm found. */
export interface ArmHit {
  readonly id: string | undefined;
  readonly score: number;
  readonly text: string;
  readonly metadata: Metadata;
  readonly payload?: unknown;
}

/** What an arm answered. */
export interface ArmAnswer {
  /** Best first, at most k, none under the score floor. */
  readonly hits: readonly ArmHit[];
  /** Keys of the hits, in their order; undefined where a document has none. Empty if there are no keys. */
  readonly keys: readonly (string | undefined)[];
  /** Vector of the query; undefined for an arm that is a function. */
  readonly vector: TextVector;
  readonly encodeMilliseconds: number;
  readonly searchMilliseconds: number;
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

/** Asks one arm: encodes the query, then searches. */
export async function searchArm(arm: Arm, asked: ArmQuery, deadline: Deadline): Promise<ArmAnswer> {
  const started = performance.now();
  const vector =
    arm.source === undefined
      ? undefined
      : await deadline.race(() => asked.vectors.of(asked.query, arm as StoreArm));
  const encoded = performance.now();
  const found =
    arm.source === undefined
      ? await searchFunction(arm, asked, deadline)
      : await searchStore(arm, vector, asked.call, deadline);
  const { minScore = Number.NEGATIVE_INFINITY } = arm;
  const hits = found.filter(({ score }) => score >= minScore);
  return {
    hits,
    keys: asked.call.identify === undefined ? [] : hits.map((hit) => keyOf(arm, hit, asked.call)),
    vector,
    encodeMilliseconds: encoded - started,
    searchMilliseconds: performance.now() - encoded,
  };
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

async function searchStore(
  arm: StoreArm,
  query: TextVector,
  { k, filter }: ArmQuery["call"],
  deadline: Deadline,
): Promise<readonly ArmHit[]> {
  if (query === undefined || (!(query instanceof Float32Array) && query.activeDims === 0)) return [];
  const { store, vector } = arm.source;
  const hits = await deadline.race((signal) => {
    const options = { k: kOf(arm, k), filter: filterOf(arm, filter), signal };
    return query instanceof Float32Array
      ? store.searchDense(vector, query, options)
      : store.searchSparse(vector, query, options);
  });
  for (const { id, score } of hits) checkScore(arm.name, id, score);
  return hits;
}

function keyOf(arm: Arm, hit: ArmHit, { identify }: ArmQuery["call"]): string | undefined {
  const key: unknown = identify?.(hit, arm.name);
  if (key === undefined || (typeof key === "string" && key !== "")) return key;
  throw invalidArgument(
    `identify must give a key that is a text, or undefined; for a document of the arm ${arm.name} it gives ${received(key)}.`,
  );
}
