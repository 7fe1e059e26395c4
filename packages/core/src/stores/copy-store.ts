import { forEachInParallel, throwIfAborted, WorkQueue } from "../calls/index.ts";
import { invalidArgument, received, SparseEncoderError } from "../errors.ts";
import { abortSignal, type CheckedOptions, callback, count, declareOptions, flag } from "../options/index.ts";
import type { SparseVector } from "../vector/index.ts";
import type { Store, StoreCallOptions, StoredDocument, StoreHit } from "./store.ts";

/** How far a copy has come. */
export interface CopyProgress {
  /** Documents that were read and are in the other store now. */
  readonly done: number;
  /** Those of them that were there already, just the same. */
  readonly skipped: number;
  /** Documents there were at the start. */
  readonly total: number;
}

/** Options of {@link copyStore}. */
export interface CopyOptions extends StoreCallOptions {
  /** Documents that are read and stored together. Default 500. */
  readonly batchSize?: number | undefined;
  /** Documents whose vectors are searched in both stores at the end, to compare the scores. 0 for none. Default 20. */
  readonly sample?: number | undefined;
  /**
   * Whether documents of the other store that the source does not have are deleted, once all others are copied. A copy that
   * ended early has deleted nothing. Default false.
   */
  readonly deleteStale?: boolean | undefined;
  /** Called after each batch. An error that it throws ends the copy. */
  readonly onProgress?: ((progress: CopyProgress) => void) | undefined;
}

const copyOptions = declareOptions<CopyOptions>()({
  batchSize: count().default(500),
  sample: count({ minimum: 0 }).default(20),
  deleteStale: flag().default(false),
  onProgress: callback<(progress: CopyProgress) => void>(),
  signal: abortSignal(),
});

/** What a copy did. */
export interface CopyResult {
  /** Documents of the source, all of which are in the other store. */
  readonly documents: number;
  /** Documents that were written. */
  readonly copied: number;
  /** Documents that the other store has already, with the same content. */
  readonly skipped: number;
  /** Documents that were deleted from the other store. Only with `deleteStale`. */
  readonly deleted?: number;
}

/** Scores of one document in two stores differ by what their sums in float32 do; more where one keeps rounded weights. */
const tolerance = { exact: 1e-4, approximate: 2e-2 };

/**
 * Copies all documents of a store into another: texts, metadata and vectors as they are, so nothing is encoded again.
 * In memory are as many batches as the other store takes at once (`capabilities.writesAtOnce`), and no more.
 *
 * Documents that are equal in both stores are not written again. So a copy that was ended by a failure,
 * a signal or the end of the process goes on when it is made again. Other documents of the other store stay, unless
 * `deleteStale` is true.
 *
 * What made the sparse vectors of a name (`Store.bindEncoder`) is kept in the other store too, before anything is copied.
 *
 * At the end the number of documents is compared, and the scores that searches with some of their vectors have in both.
 *
 * @throws SparseEncoderError what the stores throw; `STORE_MISMATCH` if the other store has vectors of another encoder, and if
 * numbers or scores differ at the end
 * @example
 * await copyStore(await MemoryStore.open("./index"), await PostgresStore.open({ url, vectors }));
 */
export async function copyStore(from: Store, to: Store, options: CopyOptions = {}): Promise<CopyResult> {
  const checked = copyOptions.check("copyStore", options, "copyStore: ");
  const { batchSize, deleteStale, signal } = checked;
  for (const [name, store] of Object.entries({ from, to })) {
    if (typeof (store as Partial<Store> | undefined)?.count === "function") continue;
    throw invalidArgument(`copyStore: ${name} must be a store, received ${received(store)}.`);
  }
  if (from === to) throw invalidArgument("copyStore: the two stores are one.");
  await bindEncoders(from, to, signal);
  const total = await from.count({ signal });
  const before = await to.count({ signal });
  const { done, replaced, skipped, probes } = await copyAll(from, to, total, before, checked);
  await checkCount(from, to, before - replaced + done, signal);
  const others = before - replaced;
  const deleted = deleteStale && others > 0 ? await deleteOthers(from, to, batchSize, signal) : 0;
  const isWhole = others === deleted;
  for (const probe of probes) {
    throwIfAborted(signal);
    await compareSearches(from, to, probe, isWhole, signal);
  }
  return { documents: done, copied: done - skipped, skipped, ...(deleteStale ? { deleted } : {}) };
}

/** @throws SparseEncoderError `STORE_MISMATCH` if the other store has vectors that something else made */
async function bindEncoders(from: Store, to: Store, signal: AbortSignal | undefined): Promise<void> {
  for (const [name, field] of Object.entries(from.vectors ?? {})) {
    if (field.kind !== "sparse" || field.encoder === undefined) continue;
    const { dimension, encoder: fingerprint } = field;
    await to.bindEncoder?.(name, { dimension, fingerprint }, { signal });
  }
}

/** What the copying of all batches did. */
interface Copied {
  readonly done: number;
  /** Documents that the other store had already, changed or not. */
  readonly replaced: number;
  readonly skipped: number;
  /** Documents whose vectors are searched at the end. */
  readonly probes: readonly StoredDocument[];
}

async function copyAll(
  from: Store,
  to: Store,
  total: number,
  before: number,
  { batchSize, sample, signal, onProgress }: CheckedOptions<(typeof copyOptions)["rules"]>,
): Promise<Copied> {
  const every = sample === 0 ? Number.POSITIVE_INFINITY : Math.max(1, Math.ceil(total / sample));
  const probes: StoredDocument[] = [];
  let [done, replaced, skipped] = [0, 0, 0];
  await forEachInParallel(
    toBatches(from.iterate({ batchSize, signal }), batchSize),
    new WorkQueue(to.capabilities.writesAtOnce ?? 1),
    async (batch, number) => {
      throwIfAborted(signal);
      const ids = batch.map(({ id }) => id);
      const existing = before === 0 ? [] : await to.get(ids, { signal });
      const changed = batch.filter((document, position) => !isSame(document, existing[position]));
      if (changed.length > 0) await to.upsert(changed, { signal });
      // All batches but the last have this size.
      for (const [position, document] of batch.entries())
        if ((number * batchSize + position) % every === 0) probes.push(document);
      done += batch.length;
      skipped += batch.length - changed.length;
      replaced += existing.filter((document) => document !== undefined).length;
      onProgress?.({ done, skipped, total });
    },
  );
  return { done, replaced, skipped, probes };
}

async function checkCount(
  from: Store,
  to: Store,
  expected: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const found = await to.count({ signal });
  if (found === expected) return;
  throw mismatch(
    from,
    to,
    `it should hold ${expected} documents and holds ${found}: one of the stores was changed meanwhile. Copy again`,
  );
}

/**
 * Deletes the documents of a store that another store does not have.
 * @returns how many were deleted
 */
async function deleteOthers(
  from: Store,
  to: Store,
  batchSize: number,
  signal: AbortSignal | undefined,
): Promise<number> {
  let deleted = 0;
  // Deleted batch by batch: an iteration goes on behind the last id that it gave.
  for await (const batch of toBatches(to.iterate({ batchSize, signal }), batchSize)) {
    const ids = batch.map(({ id }) => id);
    const sources = await from.get(ids, { signal });
    const stale = ids.filter((_, position) => sources[position] === undefined);
    if (stale.length > 0) deleted += await to.delete({ ids: stale }, { signal });
  }
  return deleted;
}

async function* toBatches(
  documents: AsyncIterable<StoredDocument>,
  size: number,
): AsyncGenerator<StoredDocument[], void, undefined> {
  let batch: StoredDocument[] = [];
  for await (const document of documents) {
    batch.push(document);
    if (batch.length < size) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/** @param isWhole true if both stores hold the same documents */
async function compareSearches(
  from: Store,
  to: Store,
  { id, vectors }: StoredDocument,
  isWhole: boolean,
  signal: AbortSignal | undefined,
): Promise<void> {
  const isExact = from.capabilities.exact && to.capabilities.exact;
  const allowed = isExact ? tolerance.exact : tolerance.approximate;
  for (const [name, vector] of Object.entries(vectors)) {
    const search = (store: Store): Promise<StoreHit[]> =>
      vector instanceof Float32Array
        ? store.searchDense(name, vector, { signal })
        : store.searchSparse(name, vector, { signal });
    const [wanted, found] = await Promise.all([search(from), search(to)]);
    const scores = new Map(wanted.map((hit) => [hit.id, hit.score]));
    const pairs = found
      .filter((hit) => scores.has(hit.id))
      .map((hit) => [scores.get(hit.id)!, hit.score] as const);
    // Documents of equal scores may differ, scores by rank may not.
    if (isExact && isWhole) {
      const ranks = Math.max(wanted.length, found.length);
      for (let rank = 0; rank < ranks; rank++) {
        pairs.push([wanted[rank]?.score ?? Number.NaN, found[rank]?.score ?? Number.NaN]);
      }
    }
    for (const [one, other] of pairs) {
      if (Math.abs(one - other) <= allowed * Math.max(1, Math.abs(one))) continue;
      throw mismatch(
        from,
        to,
        `a search with the vector ${received(name)} of document ${received(id)} gives score ${other}, not ${one}. ` +
          "Compare the metrics that the vectors have in both",
      );
    }
  }
}

function mismatch(from: Store, to: Store, problem: string): SparseEncoderError {
  return new SparseEncoderError(
    "STORE_MISMATCH",
    `The copy from the ${from.name} store is in the ${to.name} store, but ${problem}.`,
  );
}

function isSame(a: StoredDocument, b: StoredDocument | undefined): boolean {
  if (b === undefined || a.text !== b.text) return false;
  const names = Object.keys(a.vectors);
  return (
    names.length === Object.keys(b.vectors).length &&
    names.every(
      (name) => Object.hasOwn(b.vectors, name) && isSameVector(a.vectors[name]!, b.vectors[name]!),
    ) &&
    isSameValue(a.metadata, b.metadata)
  );
}

function isSameVector(a: SparseVector | Float32Array, b: SparseVector | Float32Array): boolean {
  if (a instanceof Float32Array) return b instanceof Float32Array && isSameArray(a, b);
  if (b instanceof Float32Array) return false;
  return a.dimension === b.dimension && isSameArray(a.indices, b.indices) && isSameArray(a.values, b.values);
}

function isSameArray(a: Uint32Array | Float32Array, b: Uint32Array | Float32Array): boolean {
  return a.length === b.length && a.every((value, position) => value === b[position]);
}

/** Names of objects may come in another order. */
function isSameValue(a: unknown, b: unknown): boolean {
  if (typeof a !== "object" || a === null || typeof b !== "object" || b === null) return a === b;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const names = Object.keys(a);
  return (
    names.length === Object.keys(b).length &&
    names.every(
      (name) =>
        Object.hasOwn(b, name) &&
        isSameValue((a as Record<string, unknown>)[name], (b as Record<string, unknown>)[name]),
    )
  );
}
