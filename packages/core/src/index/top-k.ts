/** A document found by a search. */
export interface SearchHit {
  /** Id of the document. */
  readonly id: string;
  /** Dot product of query and document, summed in float32. */
  readonly score: number;
}

/** The order of hits: score descending, then the smaller id by UTF-16 code units. No two hits are equal. */
export function compareHits(a: SearchHit, b: SearchHit): number {
  return b.score - a.score || (a.id < b.id ? -1 : 1);
}

/** The best `capacity` hits of those offered: a binary heap with the worst kept hit at its root. */
export class TopK {
  private readonly heap: SearchHit[] = [];
  private readonly capacity: number;

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  /** Scores below this are dropped: the score of the worst hit, -Infinity while there is room. */
  get threshold(): number {
    return this.heap.length < this.capacity ? Number.NEGATIVE_INFINITY : this.heap[0]!.score;
  }

  /** Whether {@link TopK.push} would keep the hit. */
  admits(hit: SearchHit): boolean {
    return this.heap.length < this.capacity || compareHits(hit, this.heap[0]!) < 0;
  }

  /** Keeps a hit that is admitted. O(log capacity). */
  push(hit: SearchHit): void {
    if (this.heap.length < this.capacity) this.rise(hit);
    else this.sink(hit);
  }

  /** The kept hits, best first. */
  ranked(): SearchHit[] {
    return [...this.heap].sort(compareHits);
  }

  private rise(hit: SearchHit): void {
    const { heap } = this;
    let position = heap.length;
    heap.push(hit);
    while (position > 0) {
      const parent = (position - 1) >>> 1;
      if (compareHits(hit, heap[parent]!) < 0) break;
      heap[position] = heap[parent]!;
      position = parent;
    }
    heap[position] = hit;
  }

  /** Replaces the root. */
  private sink(hit: SearchHit): void {
    const { heap } = this;
    let position = 0;
    for (;;) {
      let child = 2 * position + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && compareHits(heap[child + 1]!, heap[child]!) > 0) child++;
      if (compareHits(heap[child]!, hit) < 0) break;
      heap[position] = heap[child]!;
      position = child;
    }
    heap[position] = hit;
  }
}
