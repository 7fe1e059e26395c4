import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { SparseEncoderError, type SparseEncoderErrorCode } from "../errors.ts";
import type { Filter, Store, StoredDocument } from "../stores/index.ts";
import type { DenseMetric, SparseVector } from "../vector/index.ts";
import { passesFilter } from "./filter-oracle.ts";

/** A hit as far as it is compared. */
export interface ExpectedHit {
  readonly id: string;
  readonly score: number;
}

/** A store that is nothing but a map: the slow, obvious answers. */
export class StoreOracle {
  readonly documents = new Map<string, StoredDocument>();

  upsert(documents: readonly StoredDocument[]): void {
    for (const document of documents) this.documents.set(document.id, document);
  }

  delete(ids: Iterable<string>): void {
    for (const id of ids) this.documents.delete(id);
  }

  /** Ids in rising order. */
  ids(filter: Filter = {}): string[] {
    return [...this.documents.values()]
      .filter(({ metadata }) => passesFilter(filter, metadata))
      .map(({ id }) => id)
      .sort();
  }

  /** All hits, best first. */
  searchSparse(name: string, query: SparseVector, filter: Filter = {}): ExpectedHit[] {
    return this.rank(name, filter, (vector) => {
      const weights = new Map(vector as SparseVector);
      const shared = [...query].filter(([index]) => weights.has(index));
      if (shared.length === 0) return undefined;
      return shared.reduce((sum, [index, weight]) => sum + weight * weights.get(index)!, 0);
    });
  }

  /** All hits, best first. */
  searchDense(name: string, query: Float32Array, metric: DenseMetric, filter: Filter = {}): ExpectedHit[] {
    const product = (a: ArrayLike<number>, b: ArrayLike<number>) =>
      Array.from(a).reduce((sum, value, index) => sum + value * b[index]!, 0);
    return this.rank(name, filter, (vector) => {
      const values = vector as Float32Array;
      if (metric === "dot") return product(values, query);
      if (metric === "cosine") {
        return product(values, query) / Math.sqrt(product(values, values) * product(query, query));
      }
      const difference = Array.from(values, (value, index) => value - query[index]!);
      return -Math.sqrt(product(difference, difference));
    });
  }

  private rank(
    name: string,
    filter: Filter,
    scoreOf: (vector: SparseVector | Float32Array) => number | undefined,
  ): ExpectedHit[] {
    const hits: ExpectedHit[] = [];
    for (const id of this.ids(filter)) {
      const { vectors } = this.documents.get(id)!;
      const score = Object.hasOwn(vectors, name) ? scoreOf(vectors[name]!) : undefined;
      if (score !== undefined) hits.push({ id, score });
    }
    // The sort is stable, and the ids rise.
    return hits.sort((a, b) => b.score - a.score);
  }
}

/** Compares a document with what was stored: vectors by their numbers, whatever class holds them. */
export function sameDocument(actual: StoredDocument | undefined, expected: StoredDocument | undefined): void {
  deepStrictEqual(plain(actual), plain(expected));
}

/**
 * Asserts that hits are the best `k` of all. Scores may differ by what float32 sums do, and so may the order of documents
 * whose scores differ by no more; documents of equal scores must come in the order of their ids.
 */
export function sameHits(actual: readonly ExpectedHit[], all: readonly ExpectedHit[], k = 10): void {
  strictEqual(actual.length, Math.min(k, all.length));
  strictEqual(new Set(actual.map(({ id }) => id)).size, actual.length);
  const scores = new Map(all.map(({ id, score }) => [id, score]));
  for (const [rank, { id, score }] of actual.entries()) {
    for (const expected of [all[rank]!.score, scores.get(id)]) {
      ok(
        expected !== undefined && Math.abs(score - expected) <= 1e-5 * Math.max(1, Math.abs(expected)),
        `rank ${rank}: ${id} has score ${score}, not ${expected}`,
      );
    }
    const next = actual[rank + 1];
    ok(
      next === undefined || next.score < score || (next.score === score && id < next.id),
      `rank ${rank}: ${id} with score ${score} does not belong before ${next?.id} with ${next?.score}`,
    );
  }
}

/** Asserts that a store holds just what the oracle does: by id, in order, and in number. */
export async function sameContent(store: Store, oracle: StoreOracle): Promise<void> {
  strictEqual(await store.count(), oracle.documents.size);
  const ids: string[] = [];
  for await (const document of store.iterate()) {
    ids.push(document.id);
    sameDocument(document, oracle.documents.get(document.id));
  }
  deepStrictEqual(ids, oracle.ids());
}

/** Asserts that a call is refused with an error of this library of one of these codes. */
export async function isRefused(
  call: Promise<unknown> | (() => Promise<unknown>),
  ...codes: readonly SparseEncoderErrorCode[]
): Promise<void> {
  await rejects(typeof call === "function" ? async () => call() : call, (error: unknown) => {
    ok(
      codes.some((code) => SparseEncoderError.is(error, code)),
      `expected ${codes.join(" or ")}, received ${String(error)}`,
    );
    return true;
  });
}

function plain(document: StoredDocument | undefined): unknown {
  if (document === undefined) return undefined;
  const vectors = Object.entries(document.vectors).map(([name, vector]) => [
    name,
    vector instanceof Float32Array
      ? [...vector]
      : { indices: [...vector.indices], values: [...vector.values], dimension: vector.dimension },
  ]);
  return {
    id: document.id,
    text: document.text,
    // JSON, because a `__proto__` of its own is lost on comparison otherwise.
    metadata: canonical(document.metadata),
    vectors: vectors.sort(([a], [b]) => ((a as string) < (b as string) ? -1 : 1)),
  };
}

/** JSON with the names of objects in order: a store need not keep the order. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([name, part]) => `${JSON.stringify(name)}:${canonical(part)}`).join()}}`;
}
