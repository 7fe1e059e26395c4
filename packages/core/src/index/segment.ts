import type { SparseMatrix, SparseVector } from "../vector/index.ts";
import { findTerm, type Postings, toRows, toVector, weightAt } from "./postings.ts";
import { minimumPostings, moveToMemory, type Scoring } from "./scoring.ts";

/**
 * Documents that are sealed: their ids and postings. Nothing is added to a segment; a deleted document leaves
 * a tombstone, and its postings stay until the segment is rewritten.
 */
export class Segment {
  /** The id of each document number; empty, which no id is, where the document was deleted. */
  readonly ids: string[];
  readonly postings: Postings;
  /** Scores beside the postings, where these are many. */
  readonly scoring: Scoring | undefined;
  /** Number of documents that are not deleted. */
  size: number;
  private documentNumbers: Map<string, number> | undefined;

  /** @param ids one per document of the postings, empty where the document was deleted */
  constructor(ids: readonly string[], postings: Postings) {
    this.ids = [...ids];
    const moved =
      postings.documents.length < minimumPostings
        ? undefined
        : moveToMemory(postings.documentCount, postings);
    this.postings = moved === undefined ? postings : { ...postings, ...moved.arrays };
    this.scoring = moved?.scoring;
    this.size = 0;
    for (const id of ids) if (id !== "") this.size++;
  }

  get tombstones(): number {
    return this.ids.length - this.size;
  }

  /** Built lazily: searches never use it, and an opened index is ready at once. */
  private get numbers(): Map<string, number> {
    if (this.documentNumbers === undefined) {
      this.documentNumbers = new Map();
      for (const [document, id] of this.ids.entries()) if (id !== "") this.documentNumbers.set(id, document);
    }
    return this.documentNumbers;
  }

  has(id: string): boolean {
    return this.numbers.has(id);
  }

  vector(id: string): SparseVector {
    return toVector(this.postings, this.numbers.get(id)!);
  }

  /** The vectors of the documents that this segment holds, in no order: one pass over the postings. */
  *vectors(ids: ReadonlySet<string>): IterableIterator<[id: string, vector: SparseVector]> {
    const wanted: number[] = [];
    for (const id of ids) {
      const document = this.numbers.get(id);
      if (document !== undefined) wanted.push(document);
    }
    if (wanted.length === 0) return;
    wanted.sort((a, b) => a - b);
    let next = 0;
    const rows = toRows(this.postings, (document) => document === wanted[next] && next++ >= 0);
    for (const [row, vector] of rows.toRows().entries()) yield [this.ids[wanted[row]!]!, vector];
  }

  /** The weight of a document at a term, 0 without one. */
  weight(id: string, term: number): number {
    const position = findTerm(this.postings, term);
    return position === -1 ? 0 : weightAt(this.postings, position, this.numbers.get(id)!);
  }

  /** Number of documents that have the term. */
  activeIn(term: number): number {
    const { offsets, documents } = this.postings;
    const position = findTerm(this.postings, term);
    if (position === -1) return 0;
    const [start, end] = [offsets[position]!, offsets[position + 1]!];
    if (this.tombstones === 0) return end - start;
    let count = 0;
    for (let posting = start; posting < end; posting++) if (this.ids[documents[posting]!] !== "") count++;
    return count;
  }

  delete(id: string): void {
    this.ids[this.numbers.get(id)!] = "";
    this.numbers.delete(id);
    this.size--;
  }

  /** The ids that are left, in the order of {@link Segment.rows}. */
  liveIds(): string[] {
    return this.ids.filter((id) => id !== "");
  }

  /** The vectors that are left. */
  rows(): SparseMatrix {
    return toRows(this.postings, (document) => this.ids[document] !== "");
  }
}
