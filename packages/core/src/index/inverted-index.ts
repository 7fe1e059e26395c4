import { invalidArgument, received } from "../errors.ts";
import { answerNeighbours, positiveInteger } from "../options/index.ts";
import { type DimCounts, SparseMatrix, SparseVector, TRUSTED } from "../vector/index.ts";
import { checkEmbedding, checkRows } from "./arguments.ts";
import { overlapScore } from "./exhaustive-search.ts";
import { searchFiltered } from "./filtered-search.ts";
import {
  checkFolder,
  type SavedIndexOptions,
  type SearchOptions,
  savedIndexOptions,
  searchOptions,
} from "./index-options.ts";
import { readIndex, saveIndex } from "./index-snapshot.ts";
import { byteLength, invert } from "./postings.ts";
import type { SavedSegment } from "./saved-segment.ts";
import { searchSegments } from "./segment-search.ts";
import { Segments } from "./segments.ts";
import { contributionsOf, type TermContribution } from "./term-contribution.ts";
import type { SearchHit } from "./top-k.ts";

/** Most documents that are not sealed yet; a search compares them one by one, together some 20 microseconds per query. */
export const maximumPending = 64;

/** From this number of documents on, one pass over all postings beats a search for each document in all terms. */
const minimumPass = 16;

/**
 * An exact in-memory index over sparse vectors: the k documents of highest dot product with a query.
 *
 * Documents are named by ids: well-formed strings of 1 to 1,024 UTF-16 code units. A document is a hit if it
 * shares at least one active term with the query, whatever the sign of its score (weights may be negative).
 * Hits are ordered by score, highest first; equal scores by id, smaller first. Scores are float32 sums in
 * rising order of term, so they do not depend on how the index was filled.
 *
 * Vectors are copied. A search costs O(postings of the query's terms + documents), memory is about 6 bytes per
 * posting, plus the ids. All methods are synchronous. A call with a wrong argument changes nothing.
 *
 * Added documents gather in a short list, are sealed into immutable segments of up to 65,536 documents, and small
 * segments are merged as they come: a document is rewritten O(log documents) times. Deleted ones are skipped, and
 * their segment is rewritten when over a quarter of it is deleted.
 *
 * @example
 * const index = new InvertedIndex(4);
 * index.add("a", new SparseVector([0, 2], [1, 0.5], 4));
 * index.add("b", new SparseVector([2], [2], 4));
 * index.search(new SparseVector([2], [3], 4)); // [{ id: "b", score: 6 }, { id: "a", score: 1.5 }]
 */
export class InvertedIndex implements Iterable<[id: string, vector: SparseVector]> {
  static {
    answerNeighbours(InvertedIndex.prototype, {
      query: "search(vector, { topK })",
      addDocuments: "addMany(ids, matrix)",
      remove: "delete(id)",
    });
    answerNeighbours(InvertedIndex, { load: "open(folder)" });
  }

  /** Dimension of the vectors. */
  readonly dimension: number;
  private readonly segments: Segments;
  private readonly pending = new Map<string, SparseVector>();

  /**
   * @param dimension of the vectors, from 1 to 2^32 - 1
   * @throws SparseEncoderError `INVALID_ARGUMENT`
   */
  constructor(dimension: number) {
    this.dimension = positiveInteger("dimension", dimension, 0xffffffff);
    this.segments = new Segments(dimension);
  }

  /**
   * Opens an index that {@link InvertedIndex.save} wrote: its files are read and checked, nothing is built.
   *
   * @param options `model`: what the index was saved with
   * @throws SparseEncoderError `INVALID_ARGUMENT` if there is none, `STORE_CORRUPT` if a file is cut or changed,
   * `STORE_MISMATCH` for another model or a newer format, `STORE_FAILED`
   */
  static async open(folder: string, options: SavedIndexOptions = {}): Promise<InvertedIndex> {
    const { model } = savedIndexOptions.check("InvertedIndex.open", options, "InvertedIndex.open: ");
    checkFolder("InvertedIndex.open", folder);
    const { dimension, segments } = await readIndex(folder, model);
    return InvertedIndex.fromSegments(dimension, segments);
  }

  /** @internal */
  static fromSegments(dimension: number, segments: readonly SavedSegment[]): InvertedIndex {
    const index = new InvertedIndex(dimension);
    index.segments.open(segments);
    return index;
  }

  /**
   * Writes the index into a folder, which is made if need be; an index that is there is replaced at once and whole,
   * when all is on the disk. The index may be changed meanwhile: what it was at the call is written.
   *
   * @param options `model`: a name of the model of the vectors, which `open` then can ask for
   * @throws SparseEncoderError `STORE_FAILED` if the disk is full or fails; what was in the folder is left then
   */
  async save(folder: string, options: SavedIndexOptions = {}): Promise<void> {
    const { model } = savedIndexOptions.check("save", options, "save: ");
    checkFolder("save", folder);
    await saveIndex(folder, this.dimension, this.toSegments(), model);
  }

  /** @internal All documents, in a form that later changes of the index leave as it is. */
  toSegments(): SavedSegment[] {
    const sealed = this.segments.list.map(({ ids, postings }) => ({ ids: [...ids], postings }));
    if (this.pending.size === 0) return sealed;
    const rows = SparseMatrix.fromRows(this.pending.values());
    return [...sealed, { ids: [...this.pending.keys()], postings: invert([rows], this.dimension) }];
  }

  /** Number of documents. */
  get size(): number {
    return this.segments.size + this.pending.size;
  }

  /** Memory of postings, scores and vectors in bytes, with deleted documents, without ids. */
  get byteLength(): number {
    let bytes = 0;
    for (const { postings, scoring } of this.segments.list) {
      bytes += byteLength(postings) + (scoring?.scores.byteLength ?? 0);
    }
    for (const vector of this.pending.values()) bytes += vector.byteLength;
    return bytes;
  }

  /**
   * Adds a document.
   * @throws SparseEncoderError `INVALID_ARGUMENT` for a bad id or one that exists, `INVALID_VECTOR` for a vector
   * of another dimension
   */
  add(id: string, vector: SparseVector): void {
    this.insertOne("add", id, vector, false);
  }

  /**
   * Adds row i of `matrix` as the document `ids[i]`. Much faster than as many calls of {@link InvertedIndex.add}.
   * @throws SparseEncoderError as `add` does; also `INVALID_ARGUMENT` if an id comes twice or the numbers of ids
   * and rows differ
   */
  addMany(ids: readonly string[], matrix: SparseMatrix): void {
    this.insert("addMany", ids, matrix, false);
  }

  /** Adds a document, in place of the one that has the id, if any. Errors as {@link InvertedIndex.add}. */
  upsert(id: string, vector: SparseVector): void {
    this.insertOne("upsert", id, vector, true);
  }

  /** As {@link InvertedIndex.addMany}, in place of the documents that have these ids, if any. */
  upsertMany(ids: readonly string[], matrix: SparseMatrix): void {
    this.insert("upsertMany", ids, matrix, true);
  }

  /** Deletes a document; false if there is none with this id. */
  delete(id: string): boolean {
    const deleted = this.remove(id);
    if (deleted) this.segments.compact();
    return deleted;
  }

  /** Deletes all documents. */
  clear(): void {
    this.segments.clear();
    this.pending.clear();
  }

  /** Whether there is a document with this id. */
  has(id: string): boolean {
    return this.pending.has(id) || this.segments.holderOf(id) !== undefined;
  }

  /**
   * The vector of a document, undefined without one. It is put together from the postings, which takes about a
   * millisecond at 30,000 terms: to read many, iterate over the index.
   */
  get(id: string): SparseVector | undefined {
    const pending = this.pending.get(id);
    return pending === undefined ? this.segments.holderOf(id)?.vector(id) : copy(pending);
  }

  /** The vectors of these documents, undefined where there is none. For more than a few, faster than {@link InvertedIndex.get}. */
  getMany(ids: readonly string[]): (SparseVector | undefined)[] {
    if (ids.length < minimumPass) return ids.map((id) => this.get(id));
    const found = new Map<string, SparseVector>();
    const sealed = new Set<string>();
    for (const id of ids) {
      const pending = this.pending.get(id);
      if (pending === undefined) sealed.add(id);
      else found.set(id, copy(pending));
    }
    for (const segment of this.segments.list) {
      // Copies, because the vectors are views of one matrix.
      for (const [id, vector] of segment.vectors(sealed)) found.set(id, copy(vector));
    }
    return ids.map((id) => found.get(id));
  }

  /** The ids of all documents, in no promised order. */
  ids(): string[] {
    return [...this.segments.list.flatMap((segment) => segment.liveIds()), ...this.pending.keys()];
  }

  /** All documents, in no promised order. The index may be changed meanwhile; what was deleted may still come. */
  *[Symbol.iterator](): IterableIterator<[id: string, vector: SparseVector]> {
    const segments = this.segments.list;
    const pending = [...this.pending];
    for (const segment of segments) {
      const ids = segment.liveIds();
      for (const [row, vector] of segment.rows().toRows().entries()) yield [ids[row]!, vector];
    }
    for (const [id, vector] of pending) yield [id, copy(vector)];
  }

  /**
   * In how many documents each of the dims is active, and how many documents there are: for weights of queries that depend
   * on the collection, such as idf.
   */
  countDims(dims: ArrayLike<number>): DimCounts {
    const active = Array.from(dims, (dim) => {
      let count = 0;
      for (const segment of this.segments.list) count += segment.activeIn(dim);
      for (const vector of this.pending.values()) if (vector.get(dim) !== 0) count++;
      return count;
    });
    return { vectors: this.size, active };
  }

  /**
   * The documents of highest dot product with the query, best first.
   * @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION`, `INVALID_VECTOR` for another dimension
   */
  search(query: SparseVector, options: SearchOptions = {}): SearchHit[] {
    const { topK, filter } = searchOptions.check("search", options);
    checkEmbedding("search", "SparseVector", query, this.dimension);
    const pending: SearchHit[] = [];
    for (const [id, vector] of this.pending) {
      const score = overlapScore(query, vector);
      if (score !== undefined) pending.push({ id, score });
    }
    return searchFiltered(topK, this.size, filter, (hits, accepts) => {
      for (const hit of pending) if (hits.admits(hit) && accepts(hit)) hits.push(hit);
      searchSegments(this.segments.list, query, hits, accepts);
    });
  }

  /**
   * What each term that query and document share adds to the score: largest contribution first, equal ones by
   * rising index. Their sum is the score but for float32 rounding.
   * @throws SparseEncoderError `INVALID_ARGUMENT` if no document has the id, `INVALID_VECTOR`
   */
  explain(query: SparseVector, id: string): TermContribution[] {
    checkEmbedding("explain", "SparseVector", query, this.dimension);
    const holder = this.segments.holderOf(id);
    const vector = this.pending.get(id);
    if (holder === undefined && vector === undefined) {
      throw invalidArgument(`explain: no document has the id ${received(id)}.`);
    }
    return contributionsOf(query, (index) => vector?.get(index) ?? holder!.weight(id, index));
  }

  private insertOne(call: string, id: string, vector: SparseVector, replace: boolean): void {
    checkEmbedding(call, "SparseVector", vector, this.dimension);
    this.insert(call, [id], SparseMatrix.fromRows([vector]), replace);
  }

  private insert(call: string, ids: readonly string[], matrix: SparseMatrix, replace: boolean): void {
    checkRows(call, ids, matrix, this.dimension);
    if (!replace) {
      const taken = ids.find((id) => this.has(id));
      if (taken !== undefined) {
        throw invalidArgument(
          `${call}: there is a document with the id ${received(taken)}; upsert replaces it.`,
        );
      }
    } else {
      for (const id of ids) this.remove(id);
      this.segments.compact();
    }
    if (ids.length < maximumPending) {
      for (const [row, vector] of matrix.toRows().entries()) this.pending.set(ids[row]!, copy(vector));
      if (this.pending.size < maximumPending) return;
      const rows = SparseMatrix.fromRows(this.pending.values());
      this.segments.add([...this.pending.keys()], rows);
      this.pending.clear();
      return;
    }
    this.segments.add(ids, matrix);
  }

  private remove(id: string): boolean {
    return this.pending.delete(id) || this.segments.delete(id);
  }
}

function copy({ indices, values, dimension }: SparseVector): SparseVector {
  return new SparseVector(indices.slice(), values.slice(), dimension, TRUSTED);
}
