import { copyTopDims } from "../vector/index.ts";
import { notFinite } from "./compressed-rows.ts";
import type { EncodeBatch, SparseRows } from "./messages.ts";

/**
 * The largest weight of each token id of a row, in CSR form. Weights of 0, of padding and of unused ids are left out.
 *
 * @param weights one per token, [B x S], never negative
 * @throws Error for a NaN or an infinity
 */
export function lexicalRows(weights: Float32Array, batch: EncodeBatch): SparseRows {
  const { ids, lengths, unusedIds = [], maxActiveDims } = batch;
  const width = ids.length / Math.max(1, lengths.length);
  const unused = new Set(unusedIds);
  const offsets = new Uint32Array(lengths.length + 1);
  const indices: number[] = [];
  const values: number[] = [];
  lengths.forEach((length, row) => {
    const largest = new Map<number, number>();
    for (let place = row * width; place < row * width + length; place++) {
      const [id, weight] = [ids[place]!, weights[place]!];
      if (!Number.isFinite(weight)) throw notFinite(weight, id);
      if (weight > (largest.get(id) ?? 0) && !unused.has(id)) largest.set(id, weight);
    }
    const entries = topEntries(largest, maxActiveDims);
    for (const [id, weight] of entries) {
      indices.push(id);
      values.push(weight);
    }
    offsets[row + 1] = indices.length;
  });
  return { offsets, indices: Uint32Array.from(indices), values: Float32Array.from(values) };
}

/** By rising id, at most `limit` of the largest weights (0: all). */
function topEntries(weights: ReadonlyMap<number, number>, limit: number): (readonly [number, number])[] {
  const entries = [...weights].sort((a, b) => a[0] - b[0]);
  if (limit === 0 || entries.length <= limit) return entries;
  const indices = Uint32Array.from(entries, ([id]) => id);
  const values = Float32Array.from(entries, ([, weight]) => weight);
  const kept = copyTopDims(indices, values, 0, entries.length, limit, indices, values, 0);
  return Array.from({ length: kept }, (_, place) => [indices[place]!, values[place]!] as const);
}
