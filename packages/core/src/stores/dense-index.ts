import { type SearchHit, TopK } from "../index/index.ts";
import type { DenseMetric } from "./store.ts";

/** Rows of one block, fewer where they are so long that it would pass 16 MiB. */
const maximumBlockRows = 1024;
const maximumBlockLength = 1 << 22;

/** What {@link DenseIndex.capture} gives: later changes of the index leave it as it is. */
export interface CapturedRows {
  /** One id a row. */
  readonly ids: readonly string[];
  /** All of the same number of rows, the last one up to so many. */
  readonly blocks: readonly Float32Array[];
  readonly inverseNorms: Float64Array;
}

/**
 * Dense vectors of one name, searched by comparing the query with each of them: exact, O(rows x dimension).
 *
 * Rows lie in blocks, so that adding needs no copy of all. A deleted row's place is taken by the last one. A block
 * that was captured is copied before it is written to.
 */
export class DenseIndex {
  readonly dimension: number;
  readonly metric: DenseMetric;
  private readonly ids: string[] = [];
  private readonly rows = new Map<string, number>();
  private readonly blocks: Float32Array[] = [];
  /** One over the length of each row: kept for `cosine` alone. */
  private inverseNorms: Float64Array = new Float64Array(0);
  private readonly captured = new Set<number>();
  private readonly blockRows: number;

  constructor(dimension: number, metric: DenseMetric) {
    this.dimension = dimension;
    this.metric = metric;
    this.blockRows = Math.max(1, Math.min(maximumBlockRows, Math.floor(maximumBlockLength / dimension)));
  }

  /** An index over the memory of what was captured: nothing is computed, and only the last block is copied. */
  static restore(
    dimension: number,
    metric: DenseMetric,
    { ids, blocks, inverseNorms }: CapturedRows,
  ): DenseIndex {
    const index = new DenseIndex(dimension, metric);
    for (const [row, id] of ids.entries()) {
      index.ids.push(id);
      index.rows.set(id, row);
    }
    for (const block of blocks)
      index.blocks.push(block.length === index.blockLength ? block : index.copy(block));
    index.inverseNorms = inverseNorms;
    return index;
  }

  upsert(id: string, vector: Float32Array): void {
    let row = this.rows.get(id);
    if (row === undefined) {
      row = this.ids.length;
      this.ids.push(id);
      this.rows.set(id, row);
    }
    this.write(row, vector);
  }

  delete(id: string): void {
    const row = this.rows.get(id);
    if (row === undefined) return;
    const last = this.ids.length - 1;
    if (row !== last) {
      const moved = this.ids[last]!;
      this.write(row, this.row(last));
      this.ids[row] = moved;
      this.rows.set(moved, row);
    }
    this.ids.pop();
    this.rows.delete(id);
    if (this.ids.length % this.blockRows === 0) {
      this.captured.delete(this.blocks.length - 1);
      this.blocks.pop();
    }
  }

  /** A copy of a document's vector. */
  get(id: string): Float32Array | undefined {
    const row = this.rows.get(id);
    return row === undefined ? undefined : this.row(row).slice();
  }

  /** The best `k` of the documents that `accepts` lets pass. Scores are rounded to float32. */
  search(query: Float32Array, k: number, accepts: (id: string) => boolean): SearchHit[] {
    const hits = new TopK(k);
    const wanted = Float64Array.from(query);
    const { dimension, metric, ids, inverseNorms, blockRows } = this;
    const queryFactor = metric === "cosine" ? inverseNorm(query) : 1;
    for (let row = 0; row < ids.length; row++) {
      const block = this.blocks[Math.floor(row / blockRows)]!;
      const start = (row % blockRows) * dimension;
      let score: number;
      if (metric === "euclidean") score = -Math.sqrt(squaredDistance(block, start, wanted));
      else if (metric === "dot") score = dot(block, start, wanted);
      else score = dot(block, start, wanted) * queryFactor * inverseNorms[row]!;
      // -0 would be another score than 0 to a reader of JSON and to some assertions.
      score = Math.fround(score) + 0;
      if (score < hits.threshold) continue;
      const hit = { id: ids[row]!, score };
      if (hits.admits(hit) && accepts(hit.id)) hits.push(hit);
    }
    return hits.ranked();
  }

  capture(): CapturedRows {
    for (const number of this.blocks.keys()) this.captured.add(number);
    const { blockRows } = this;
    const { length } = this.ids;
    return {
      ids: [...this.ids],
      blocks: this.blocks.map((block, number) =>
        block.subarray(0, Math.min(blockRows, length - number * blockRows) * this.dimension),
      ),
      inverseNorms: this.metric === "cosine" ? this.inverseNorms.slice(0, length) : new Float64Array(0),
    };
  }

  private get blockLength(): number {
    return this.blockRows * this.dimension;
  }

  private row(row: number): Float32Array {
    const start = (row % this.blockRows) * this.dimension;
    return this.blocks[Math.floor(row / this.blockRows)]!.subarray(start, start + this.dimension);
  }

  private write(row: number, vector: Float32Array): void {
    const { blockRows } = this;
    const number = Math.floor(row / blockRows);
    if (number === this.blocks.length) this.blocks.push(new Float32Array(this.blockLength));
    else if (this.captured.delete(number)) this.blocks[number] = this.copy(this.blocks[number]!);
    this.blocks[number]!.set(vector, (row % blockRows) * this.dimension);
    if (this.metric !== "cosine") return;
    if (row >= this.inverseNorms.length) {
      const longer = new Float64Array(Math.max(maximumBlockRows, 2 * this.inverseNorms.length));
      longer.set(this.inverseNorms);
      this.inverseNorms = longer;
    }
    this.inverseNorms[row] = inverseNorm(vector);
  }

  private copy(block: Float32Array): Float32Array {
    const whole = new Float32Array(this.blockLength);
    whole.set(block);
    return whole;
  }
}

function inverseNorm(vector: Float32Array): number {
  return 1 / Math.sqrt(dot(vector, 0, Float64Array.from(vector)));
}

/**
 * Four sums at a time, so that no addition waits for the one before; float64, because that costs nothing here. `| 0` spares
 * overflow checks: nearly half of the time.
 */
function dot(block: Float32Array, start: number, query: Float64Array): number {
  const { length } = query;
  let sum0 = 0;
  let sum1 = 0;
  let sum2 = 0;
  let sum3 = 0;
  let index = 0;
  let position = start | 0;
  for (const end = length - 3; index < end; index = (index + 4) | 0) {
    sum0 += block[position]! * query[index]!;
    sum1 += block[(position + 1) | 0]! * query[(index + 1) | 0]!;
    sum2 += block[(position + 2) | 0]! * query[(index + 2) | 0]!;
    sum3 += block[(position + 3) | 0]! * query[(index + 3) | 0]!;
    position = (position + 4) | 0;
  }
  for (; index < length; index++) sum0 += block[start + index]! * query[index]!;
  return sum0 + sum1 + (sum2 + sum3);
}

function squaredDistance(block: Float32Array, start: number, query: Float64Array): number {
  const { length } = query;
  let sum0 = 0;
  let sum1 = 0;
  let sum2 = 0;
  let sum3 = 0;
  let index = 0;
  let position = start | 0;
  for (const end = length - 3; index < end; index = (index + 4) | 0) {
    const difference0 = block[position]! - query[index]!;
    const difference1 = block[(position + 1) | 0]! - query[(index + 1) | 0]!;
    const difference2 = block[(position + 2) | 0]! - query[(index + 2) | 0]!;
    const difference3 = block[(position + 3) | 0]! - query[(index + 3) | 0]!;
    sum0 += difference0 * difference0;
    sum1 += difference1 * difference1;
    sum2 += difference2 * difference2;
    sum3 += difference3 * difference3;
    position = (position + 4) | 0;
  }
  for (; index < length; index++) sum0 += (block[start + index]! - query[index]!) ** 2;
  return sum0 + sum1 + (sum2 + sum3);
}
