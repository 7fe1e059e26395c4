import { copyTopDims } from "../vector/index.ts";
import type { DenseRows, SparseRows } from "./messages.ts";

/**
 * The non-zero entries of `rows` dense rows, in CSR form; of each row at most the `maxActiveDims` of largest
 * absolute weight (0 keeps all), equal weights by smaller index.
 *
 * @param dims numbers of the columns, ascending; default 0, 1, 2 …
 * @throws Error for a NaN or an infinity, which no sparse vector may hold
 */
export function compressRows(
  dense: Float32Array,
  rows: number,
  maxActiveDims: number,
  dims?: Uint32Array,
): SparseRows {
  const width = rows === 0 ? 0 : dense.length / rows;
  let active = 0;
  for (let position = 0; position < dense.length; position++) if (dense[position] !== 0) active++;
  const offsets = new Uint32Array(rows + 1);
  const indices = new Uint32Array(active);
  const values = new Float32Array(active);
  let entries = 0;
  for (let row = 0; row < rows; row++) {
    const start = row * width;
    const first = entries;
    for (let column = 0; column < width; column++) {
      const value = dense[start + column]!;
      if (value === 0) continue;
      const index = dims === undefined ? column : dims[column]!;
      if (!Number.isFinite(value)) {
        throw notFinite(value, index);
      }
      indices[entries] = index;
      values[entries++] = value;
    }
    if (maxActiveDims > 0 && entries - first > maxActiveDims) {
      // The kept entries never move up, so they can be written over the row itself.
      entries = first + copyTopDims(indices, values, first, entries, maxActiveDims, indices, values, first);
    }
    offsets[row + 1] = entries;
  }
  // Copies only when something was cut, so that no more than the entries crosses to the main thread.
  return entries === active
    ? { offsets, indices, values }
    : { offsets, indices: indices.slice(0, entries), values: values.slice(0, entries) };
}

/**
 * As {@link compressRows}, of values [entries, rows] for the entries `dims` only, which ascend; all others are 0.
 */
export function compressEntries(
  values: Float32Array,
  dims: Uint32Array,
  rows: number,
  maxActiveDims: number,
): SparseRows {
  const dense = new Float32Array(values.length);
  for (let row = 0; row < rows; row++) {
    for (let entry = 0; entry < dims.length; entry++) {
      dense[row * dims.length + entry] = values[entry * rows + row]!;
    }
  }
  return compressRows(dense, rows, maxActiveDims, dims);
}

/**
 * As {@link compressRows}, of entries that were chosen already.
 *
 * @param places the row of each entry, ascending, then the column of each, ascending in a row
 */
export function chosenRows(
  chosen: Float32Array,
  places: Int32Array,
  rows: number,
  maxActiveDims: number,
): SparseRows {
  const count = chosen.length;
  const offsets = new Uint32Array(rows + 1);
  const indices = new Uint32Array(places.subarray(count));
  const values = chosen.slice();
  let entries = 0;
  for (let position = 0, row = 0; row < rows; row++) {
    const start = position;
    for (; position < count && places[position] === row; position++) {
      if (!Number.isFinite(values[position]!)) throw notFinite(values[position]!, indices[position]!);
    }
    const kept = maxActiveDims > 0 ? Math.min(maxActiveDims, position - start) : position - start;
    // The kept entries never move up, so they can overwrite earlier entries.
    if (kept < position - start)
      copyTopDims(indices, values, start, position, kept, indices, values, entries);
    else if (entries < start) {
      indices.copyWithin(entries, start, position);
      values.copyWithin(entries, start, position);
    }
    entries += kept;
    offsets[row + 1] = entries;
  }
  return entries === count
    ? { offsets, indices, values }
    : { offsets, indices: indices.slice(0, entries), values: values.slice(0, entries) };
}

/** The same rows, without entries for texts that have no tokens: what a graph gives there comes from padding. */
export function withoutTokenless(rows: SparseRows, lengths: Int32Array): SparseRows {
  if (!lengths.includes(0)) return rows;
  const offsets = new Uint32Array(rows.offsets.length);
  const { indices, values } = rows;
  let entries = 0;
  for (let row = 0; row < lengths.length; row++) {
    const [start, end] = [rows.offsets[row]!, rows.offsets[row + 1]!];
    if (lengths[row] !== 0) {
      indices.copyWithin(entries, start, end);
      values.copyWithin(entries, start, end);
      entries += end - start;
    }
    offsets[row + 1] = entries;
  }
  return { offsets, indices: indices.slice(0, entries), values: values.slice(0, entries) };
}

/**
 * The rows as they are: a copy, since they move to another thread, which the runtime's own buffer cannot.
 *
 * @throws Error for a NaN or an infinity
 */
export function denseRows(values: Float32Array, width: number): DenseRows {
  for (let position = 0; position < values.length; position++) {
    if (!Number.isFinite(values[position])) throw notFinite(values[position]!, position % width);
  }
  return { dense: values.slice() };
}

/** The error for a number that no vector may hold. */
export function notFinite(value: number, dim: number): Error {
  return new Error(`the model gives ${value} for dim ${dim}; its weights are broken or overflow`);
}
