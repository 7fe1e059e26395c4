import type { SparseMatrix } from "../vector/index.ts";
import { invert, maximumDocuments } from "./postings.ts";
import type { SavedSegment } from "./saved-segment.ts";
import { Segment } from "./segment.ts";

/** A segment is rewritten when more than this share of its documents is deleted. */
const maximumTombstoneShare = 0.25;

/** The segments of an index, each document in one of them. Small segments are merged when documents are added. */
export class Segments {
  /** Replaced at each change, never changed itself. */
  list: readonly Segment[] = [];
  private readonly dimension: number;

  /** @param dimension of the vectors */
  constructor(dimension: number) {
    this.dimension = dimension;
  }

  /** Takes the segments of a saved index. */
  open(saved: readonly SavedSegment[]): void {
    this.list = saved.map(({ ids, postings }) => new Segment(ids, postings));
  }

  /** Number of documents. */
  get size(): number {
    return this.list.reduce((size, segment) => size + segment.size, 0);
  }

  /** The segment that holds a document. */
  holderOf(id: string): Segment | undefined {
    return this.list.find((segment) => segment.has(id));
  }

  /** Adds row i of `matrix` as the document `ids[i]`; none of the documents may be here. */
  add(ids: readonly string[], matrix: SparseMatrix): void {
    for (let start = 0; start < ids.length; start += maximumDocuments) {
      const end = start + maximumDocuments;
      this.seal(ids.slice(start, end), matrix.slice(start, end));
    }
  }

  /** Leaves a tombstone in the place of a document; false if the document is not here. */
  delete(id: string): boolean {
    const segment = this.holderOf(id);
    segment?.delete(id);
    return segment !== undefined;
  }

  clear(): void {
    this.list = [];
  }

  /** Rewrites the segments with too many tombstones. */
  compact(): void {
    for (const segment of this.list) {
      if (segment.tombstones <= maximumTombstoneShare * segment.ids.length) continue;
      // A segment before it may have taken it up.
      if (!this.list.includes(segment)) continue;
      this.list = this.list.filter((part) => part !== segment);
      if (segment.size > 0) this.seal(segment.liveIds(), segment.rows());
    }
  }

  /** Makes a segment of the rows, together with the segments that are at most twice as large and fit in. */
  private seal(ids: readonly string[], rows: SparseMatrix): void {
    const merged: Segment[] = [];
    let size = ids.length;
    for (const segment of this.list.toSorted((a, b) => a.size - b.size)) {
      if (segment.size > 2 * size || size + segment.size > maximumDocuments) break;
      merged.push(segment);
      size += segment.size;
    }
    const segment = new Segment(
      [...merged.flatMap((part) => part.liveIds()), ...ids],
      invert([...merged.map((part) => part.rows()), rows], this.dimension),
    );
    this.list = [...this.list.filter((part) => !merged.includes(part)), segment];
  }
}
