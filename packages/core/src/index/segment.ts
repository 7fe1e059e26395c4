import type { SparseMatrix, SparseVector } from "../vector/index.ts";
import { findTerm, invert, type Postings, toRows, toVector, weightAt } from "./postings.ts";

/**
 * Documents that are sealed: their ids and postings. Nothing is added to a segment; a deleted document leaves
 * a tombstone, and its postings stay until the segment is rewritten.
 */
export class Segment {
  /** The id of each document number; empty, which no id is, where the document was deleted. */
  readonly ids: string[];
  readonly postings: Postings;
  private readonly numbers: Map<string, number>;

  constructor(ids: readonly string[], matrices: readonly SparseMatrix[], dimension: number) {
    this.ids = [...ids];
    this.postings = invert(matrices, dimension);
    this.numbers = new Map(this.ids.map((id, document) => [id, document]));
  }

  /** Number of documents that are not deleted. */
  get size(): number {
    return this.numbers.size;
  }

  get tombstones(): number {
    return this.ids.length - this.numbers.size;
  }

  has(id: string): boolean {
    return this.numbers.has(id);
  }

  vector(id: string): SparseVector {
    return toVector(this.postings, this.numbers.get(id)!);
  }

  /** The weight of a document at a term, 0 without one. */
  weight(id: string, term: number): number {
    const position = findTerm(this.postings, term);
    return position === -1 ? 0 : weightAt(this.postings, position, this.numbers.get(id)!);
  }

  delete(id: string): void {
    this.ids[this.numbers.get(id)!] = "";
    this.numbers.delete(id);
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
