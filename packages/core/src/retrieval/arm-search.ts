import { type Deadline, mapInParallel } from "../calls/index.ts";
import { invalidArgument, received, SparseEncoderError } from "../errors.ts";
import type { Filter, Metadata, Store } from "../stores/index.ts";
import type { Arm, FoundDocument, VectorSource } from "./arm.ts";
import type { RetrieveCall } from "./retrieve-call.ts";
import type { Embedder, TextVector } from "./text-embedder.ts";

/** A document that an arm found. */
export interface ArmHit {
  readonly id: string;
  readonly score: number;
  readonly text: string;
  readonly metadata: Metadata;
}

/** What an arm answered, query by query. */
export interface ArmAnswer {
  /** Best first, at most k, none under the score floor. */
  readonly hits: readonly (readonly ArmHit[])[];
  /** Vectors of the queries; none for an arm that is a function. */
  readonly vectors: readonly TextVector[];
  readonly encodeMilliseconds: number;
  readonly searchMilliseconds: number;
}

/** Hits that an arm gives where nothing else is set: enough for the scores of a list to have a distribution. */
export const defaultK = 100;

/** Searches of one call that a store has in hand at once. */
export const parallelSearches = 8;

/**
 * Asks one arm all queries: their vectors, then one search a query.
 *
 * @param embed gives the vectors of the queries
 * @param stores where documents are looked up that a function gives without text
 */
export async function searchArm(
  arm: Arm,
  queries: readonly string[],
  embed: (embedder: Embedder) => Promise<TextVector[]>,
  { k, filter, context }: Pick<RetrieveCall, "k" | "filter" | "context">,
  stores: readonly Store[],
  deadline: Deadline,
): Promise<ArmAnswer> {
  const started = performance.now();
  const both = filterOf(arm, filter);
  const { source } = arm;
  if (source === undefined) {
    const wanted = arm.k ?? Math.max(k, defaultK);
    const lists = await deadline.race((signal) =>
      arm.retrieve!([...queries], { k: wanted, filter: both, signal, context }),
    );
    const hits = await deadline.race((signal) =>
      completed(arm.name, lists, queries.length, wanted, stores, signal),
    );
    const searchMilliseconds = performance.now() - started;
    return { hits: floored(arm, hits), vectors: [], encodeMilliseconds: 0, searchMilliseconds };
  }
  const wanted =
    arm.k ?? Math.min(Math.max(k, defaultK), source.store.capabilities?.maximumK ?? Number.POSITIVE_INFINITY);
  const vectors = await deadline.race(() => embed(source.embedder));
  const encoded = performance.now();
  const hits = await mapInParallel(vectors, parallelSearches, (vector) =>
    deadline.race((signal) => searchStore(source, vector, wanted, both, signal)),
  );
  for (const hit of hits.flat()) checkScore(arm.name, hit);
  return {
    hits: floored(arm, hits),
    vectors,
    encodeMilliseconds: encoded - started,
    searchMilliseconds: performance.now() - encoded,
  };
}

/** What must pass the filter of an arm and that of a call. */
export function filterOf({ filter: own }: Arm, filter: Filter | undefined): Filter | undefined {
  const filters = [own, filter].filter((one) => one !== undefined);
  return filters.length === 2 ? { $and: filters } : filters[0];
}

async function searchStore(
  { store, vector: name }: VectorSource,
  query: TextVector,
  k: number,
  filter: Filter | undefined,
  signal: AbortSignal,
): Promise<readonly ArmHit[]> {
  if (query === undefined) return [];
  const options = { k, filter, signal };
  if (query instanceof Float32Array) return store.searchDense(name, query, options);
  return query.activeDims === 0 ? [] : store.searchSparse(name, query, options);
}

function floored({ minScore }: Arm, hits: readonly (readonly ArmHit[])[]): readonly (readonly ArmHit[])[] {
  return minScore === undefined ? hits : hits.map((list) => list.filter(({ score }) => score >= minScore));
}

/** The hits of a function, checked, each id once, with texts. */
async function completed(
  arm: string,
  lists: unknown,
  queries: number,
  k: number,
  stores: readonly Store[],
  signal: AbortSignal,
): Promise<ArmHit[][]> {
  if (!Array.isArray(lists) || lists.length !== queries || !lists.every((list) => Array.isArray(list))) {
    throw invalidArgument(
      `retrieve of the arm ${arm} must give one array of hits a query, ${queries} in all, received ${received(lists)}.`,
    );
  }
  const found = (lists as FoundDocument[][]).map((list) => scored(distinct(arm, list)).slice(0, k));
  const bare = new Set(
    found.flatMap((list) => list.filter(({ text }) => text === undefined).map(({ id }) => id)),
  );
  const known = await lookUp([...bare], stores, signal);
  const unknown = [...bare].filter((id) => !known.has(id));
  if (unknown.length > 0) {
    throw new SparseEncoderError(
      "INVALID_DOCUMENT",
      `retrieve gave ids without text that no store of this retriever holds: ${received(unknown)}; give their text, or add these documents`,
    );
  }
  return found.map((list) =>
    list.map(({ id, score, text, metadata }) => ({
      id,
      score,
      text: text ?? known.get(id)!.text,
      metadata: metadata ?? known.get(id)?.metadata ?? {},
    })),
  );
}

function distinct(arm: string, hits: readonly FoundDocument[]): FoundDocument[] {
  const seen = new Set<string>();
  return hits.filter((hit) => {
    if (typeof hit?.id !== "string" || hit.id === "") {
      throw invalidArgument(`A hit of the arm ${arm} needs an id, received ${received(hit)}.`);
    }
    if (hit.text !== undefined && typeof hit.text !== "string") {
      throw invalidArgument(
        `The text of hit ${received(hit.id)} of the arm ${arm} must be a string, received ${received(hit.text)}.`,
      );
    }
    if (hits[0]!.score !== undefined || hit.score !== undefined) checkScore(arm, hit);
    if (seen.has(hit.id)) return false;
    seen.add(hit.id);
    return true;
  });
}

function scored(hits: readonly FoundDocument[]): (FoundDocument & { score: number })[] {
  return hits.map((hit, position) => ({ ...hit, score: hit.score ?? 1 / (position + 1) }));
}

function checkScore(arm: string, { id, score }: { id: string; score?: unknown }): void {
  if (typeof score === "number" && Number.isFinite(score)) return;
  throw invalidArgument(
    `The arm ${arm} gives ${received(id)} the score ${received(score)}; it must be a finite number.`,
  );
}

async function lookUp(
  ids: readonly string[],
  stores: readonly Store[],
  signal: AbortSignal,
): Promise<Map<string, { text: string; metadata: Metadata }>> {
  const known = new Map<string, { text: string; metadata: Metadata }>();
  for (const store of stores) {
    const missing = ids.filter((id) => !known.has(id));
    if (missing.length === 0) break;
    for (const document of await store.get(missing, { signal })) {
      if (document !== undefined) known.set(document.id, document);
    }
  }
  return known;
}
