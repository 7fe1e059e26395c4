import type { DenseMetric } from "../vector/index.ts";
import { dot, dots, isInMemory, moveToMemory, squaredDistances } from "./dense-scoring.ts";
import { searchFiltered } from "./filtered-search.ts";
import type { SearchHit } from "./top-k.ts";

/** Rows of one block, fewer where they are so long that it would pass 16 MiB. */
const maximumBlockRows = 1024;
const maximumBlockLength = 1 << 22;

/** With fewer values, comparing them takes so little time that they are not worth a memory: some microseconds. */
const minimumMovedLength = 1 << 16;

/** Most blocks that one search moves: some 17 milliseconds. */
const movesPerSearch = 16;

/** Most blocks that are moved in all: each takes 10 GiB of the 128 TiB of addresses of a process. */
const maximumMovedBlocks = 4096;

/** What {@link DenseIndex.capture} gives: later changes of the index leave it as it is. */
export interface CapturedRows {
  /** One id a row. */
  readonly ids: readonly string[];
  /** All have the same number of rows; the last one may have fewer. */
  readonly blocks: readonly Float32Array[];
  readonly inverseNorms: Float64Array;
}

/**
 * Dense vectors of one name, searched by comparing the query with each of them: exact, O(rows x dimension).
 *
 * Rows lie in blocks, so that adding needs no copy of all. A deleted row's place is taken by the last one. A block
 * that was captured is copied before it is written to. Searches move blocks into memories where they are compared
 * several times as fast.
 */
export class DenseIndex {
  readonly dimension: number;
  readonly metric: DenseMetric;
  private readonly ids: string[] = [];
  private readonly rows = new Map<string, number>();
  private readonly blocks: Float32Array[] = [];
  /** One over the length of each row; kept for `cosine` only. */
  private inverseNorms: Float64Array = new Float64Array(0);
  private readonly captured = new Set<number>();
  readonly blockRows: number;
  /** False once the system gave no memory. */
  private movable = true;

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
    checkRows(index, ids.length, blocks, inverseNorms);
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

  /** The best `k` of the documents that `filter` lets pass. Scores are rounded to float32. */
  search(query: Float32Array, k: number, filter?: (id: string) => boolean): SearchHit[] {
    const { ids } = this;
    const scores = this.scores(query);
    return searchFiltered(k, ids.length, filter, (hits, accepts) => {
      for (let row = 0; row < ids.length; row++) {
        const score = scores[row]!;
        if (score < hits.threshold) continue;
        const hit = { id: ids[row]!, score };
        if (hits.admits(hit) && accepts(hit)) hits.push(hit);
      }
    });
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

  /** One a row. */
  private scores(query: Float32Array): Float32Array {
    const { metric, blockRows, inverseNorms } = this;
    const wanted = Float64Array.from(query);
    const queryFactor = metric === "cosine" ? inverseNorm(query) : 1;
    const compare = metric === "euclidean" ? squaredDistances : dots;
    const scores = new Float32Array(this.ids.length);
    const sums = new Float64Array(Math.min(blockRows, scores.length));
    let moves = 0;
    for (const number of this.blocks.keys()) {
      const first = number * blockRows;
      const count = Math.min(blockRows, scores.length - first);
      if (moves < movesPerSearch && this.move(number, count)) moves++;
      compare(this.blocks[number]!, count, wanted, sums);
      for (let row = 0; row < count; row++) {
        let score = sums[row]!;
        if (metric === "euclidean") score = -Math.sqrt(score);
        else if (metric === "cosine") score = score * queryFactor * inverseNorms[first + row]!;
        // -0 would be another score than 0 to a reader of JSON and to some assertions.
        scores[first + row] = Math.fround(score) + 0;
      }
    }
    return scores;
  }

  /** Moves a block to where its rows are compared fast. False if it is there already, or if the move does not pay or fails. */
  private move(number: number, count: number): boolean {
    const block = this.blocks[number]!;
    if (!this.movable || number >= maximumMovedBlocks || isInMemory(block)) return false;
    if (count * this.dimension < minimumMovedLength) return false;
    const moved = moveToMemory(block, this.dimension);
    this.movable = moved !== undefined;
    if (moved === undefined) return false;
    this.blocks[number] = moved;
    this.captured.delete(number);
    return true;
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

/** @throws RangeError for blocks of other lengths than {@link DenseIndex.capture} gives, or values that are not finite */
function checkRows(
  { dimension, metric, blockRows }: DenseIndex,
  rows: number,
  blocks: readonly Float32Array[],
  inverseNorms: Float64Array,
): void {
  const isFitting = blocks.every(
    ({ length }, number) => length === Math.min(blockRows, rows - number * blockRows) * dimension,
  );
  if (!isFitting || blocks.length !== Math.ceil(rows / blockRows)) {
    throw new RangeError("the blocks of dense vectors have other lengths than their number says");
  }
  if (metric === "cosine" && inverseNorms.length < rows)
    throw new RangeError("norms of dense vectors are missing");
  for (const numbers of [...blocks, inverseNorms]) {
    // Anything times 0 is 0, but for what is not finite.
    let sum = 0;
    for (let position = 0; position < numbers.length; position++) sum += numbers[position]! * 0;
    if (sum !== 0) throw new RangeError("dense vectors have values that are not finite");
  }
}

function inverseNorm(vector: Float32Array): number {
  return 1 / Math.sqrt(dot(vector, 0, Float64Array.from(vector)));
}
