/**
 * Copies the `count` entries of largest absolute weight among entries [from, to), in rising order of index,
 * to `outIndices` and `outValues` at `outAt`. At equal absolute weight the smaller index is kept. Returns the
 * number of copied entries, min(count, to - from).
 *
 * Finds the cut by selection, then copies in one pass: O(n) on average, no sort of the whole row.
 */
export function copyTopDims(
  indices: Uint32Array,
  values: Float32Array,
  from: number,
  to: number,
  count: number,
  outIndices: Uint32Array,
  outValues: Float32Array,
  outAt: number,
): number {
  const length = to - from;
  if (count >= length) {
    outIndices.set(indices.subarray(from, to), outAt);
    outValues.set(values.subarray(from, to), outAt);
    return length;
  }
  const magnitudes = new Float32Array(length);
  for (let position = 0; position < length; position++) {
    magnitudes[position] = Math.abs(values[from + position]!);
  }
  const cut = kthLargest(magnitudes, count);
  let ties = count;
  for (let position = from; position < to; position++) if (Math.abs(values[position]!) > cut) ties--;
  let out = outAt;
  for (let position = from; position < to; position++) {
    const magnitude = Math.abs(values[position]!);
    if (magnitude < cut || (magnitude === cut && ties-- <= 0)) continue;
    outIndices[out] = indices[position]!;
    outValues[out++] = values[position]!;
  }
  return count;
}

/** The k-th largest number (k from 1), by quickselect; reorders `numbers`. */
function kthLargest(numbers: Float32Array, k: number): number {
  let low = 0;
  let high = numbers.length - 1;
  const target = k - 1;
  while (low < high) {
    const pivot = numbers[(low + high) >>> 1]!;
    let left = low;
    let right = high;
    while (left <= right) {
      while (numbers[left]! > pivot) left++;
      while (numbers[right]! < pivot) right--;
      if (left <= right) {
        const swapped = numbers[left]!;
        numbers[left++] = numbers[right]!;
        numbers[right--] = swapped;
      }
    }
    if (target <= right) high = right;
    else if (target >= left) low = left;
    else break;
  }
  return numbers[target]!;
}
