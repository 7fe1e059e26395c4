import { SparseMatrix, SparseVector, TRUSTED } from "../vector/index.ts";

/** Documents of one set of postings are numbered in 16 bits. */
export const maximumDocuments = 65_536;

/**
 * An immutable inverted file: sparse rows in compressed sparse column (CSC) form, 6 bytes per posting and 8 per term.
 * Plain typed arrays, so that it can be written to a file or handed to another thread as it is.
 */
export interface Postings {
  readonly dimension: number;
  /** Number of documents; they are numbered from 0. At most {@link maximumDocuments}. */
  readonly documentCount: number;
  /** The terms (dimension numbers) that have postings, rising. */
  readonly terms: Uint32Array;
  /** Term i owns the postings `offsets[i]` to `offsets[i + 1]`. */
  readonly offsets: Uint32Array;
  /** The document of each posting, rising within a term. */
  readonly documents: Uint16Array;
  /** The weight of each posting. */
  readonly weights: Float32Array;
  /** The smallest weight, Infinity without postings. */
  readonly leastWeight: number;
}

/** Postings before they are grouped: entry i says that `documents[i]` has `weights[i]` at `terms[i]`. */
interface Entries {
  readonly terms: Uint32Array;
  readonly documents: Uint16Array;
  readonly weights: Float32Array;
}

/**
 * Inverts the rows of `matrices`, taken together at most {@link maximumDocuments}; document numbers follow their
 * order. A stable radix sort by term, 16 bits a pass: O(entries), and no table as long as the dimension.
 */
export function invert(matrices: readonly SparseMatrix[], dimension: number): Postings {
  const rows = listEntries(matrices);
  let sorted = sortByDigit(rows, 0, dimension);
  if (dimension > 0x10000) sorted = sortByDigit(sorted, 16, dimension);
  let termCount = 0;
  let leastWeight = Number.POSITIVE_INFINITY;
  for (let entry = 0; entry < sorted.terms.length; entry++) {
    if (entry === 0 || sorted.terms[entry] !== sorted.terms[entry - 1]) termCount++;
    if (sorted.weights[entry]! < leastWeight) leastWeight = sorted.weights[entry]!;
  }
  const terms = new Uint32Array(termCount);
  const offsets = new Uint32Array(termCount + 1);
  let position = 0;
  for (let entry = 0; entry < sorted.terms.length; entry++) {
    if (entry !== 0 && sorted.terms[entry] === sorted.terms[entry - 1]) continue;
    terms[position] = sorted.terms[entry]!;
    offsets[position++] = entry;
  }
  offsets[termCount] = sorted.terms.length;
  return {
    dimension,
    documentCount: matrices.reduce((count, matrix) => count + matrix.length, 0),
    terms,
    offsets,
    documents: sorted.documents,
    weights: sorted.weights,
    leastWeight,
  };
}

function listEntries(matrices: readonly SparseMatrix[]): Entries {
  const length = matrices.reduce((count, matrix) => count + matrix.activeDims, 0);
  const terms = new Uint32Array(length);
  const documents = new Uint16Array(length);
  const weights = new Float32Array(length);
  let document = 0;
  let entry = 0;
  for (const { offsets, indices, values } of matrices) {
    terms.set(indices, entry);
    weights.set(values, entry);
    for (let row = 0; row + 1 < offsets.length; row++) {
      documents.fill(document++, entry + offsets[row]!, entry + offsets[row + 1]!);
    }
    entry += indices.length;
  }
  return { terms, documents, weights };
}

function sortByDigit(entries: Entries, shift: 0 | 16, dimension: number): Entries {
  const length = entries.terms.length;
  const next = new Uint32Array(Math.min(dimension, 0x10000));
  for (let entry = 0; entry < length; entry++) next[(entries.terms[entry]! >>> shift) & 0xffff]!++;
  let start = 0;
  for (let digit = 0; digit < next.length; digit++) {
    const count = next[digit]!;
    next[digit] = start;
    start += count;
  }
  const terms = new Uint32Array(length);
  const documents = new Uint16Array(length);
  const weights = new Float32Array(length);
  for (let entry = 0; entry < length; entry++) {
    const term = entries.terms[entry]!;
    const target = next[(term >>> shift) & 0xffff]!++;
    terms[target] = term;
    documents[target] = entries.documents[entry]!;
    weights[target] = entries.weights[entry]!;
  }
  return { terms, documents, weights };
}

/** The rows of the documents for which `keep` holds, in order of number: undoes {@link invert}. O(postings). */
export function toRows(postings: Postings, keep: (document: number) => boolean): SparseMatrix {
  const { terms, documents, weights } = postings;
  const activeDims = new Uint32Array(postings.documentCount);
  for (const document of documents) activeDims[document]!++;
  const next = new Uint32Array(postings.documentCount);
  const kept = new Uint8Array(postings.documentCount);
  const offsets = [0];
  let end = 0;
  for (let document = 0; document < postings.documentCount; document++) {
    if (!keep(document)) continue;
    kept[document] = 1;
    next[document] = end;
    end += activeDims[document]!;
    offsets.push(end);
  }
  const indices = new Uint32Array(end);
  const values = new Float32Array(end);
  for (let position = 0; position < terms.length; position++) {
    for (let posting = postings.offsets[position]!; posting < postings.offsets[position + 1]!; posting++) {
      const document = documents[posting]!;
      if (kept[document] === 0) continue;
      indices[next[document]!] = terms[position]!;
      values[next[document]!++] = weights[posting]!;
    }
  }
  return new SparseMatrix(Uint32Array.from(offsets), indices, values, postings.dimension, TRUSTED);
}

/** One document's vector: a binary search in each posting list. */
export function toVector(postings: Postings, document: number): SparseVector {
  const indices: number[] = [];
  const values: number[] = [];
  for (let position = 0; position < postings.terms.length; position++) {
    const weight = weightAt(postings, position, document);
    if (weight === 0) continue;
    indices.push(postings.terms[position]!);
    values.push(weight);
  }
  return new SparseVector(Uint32Array.from(indices), Float32Array.from(values), postings.dimension, TRUSTED);
}

/** Where `term` stands in `postings.terms`, or -1. */
export function findTerm(postings: Postings, term: number): number {
  return find(postings.terms, term, 0, postings.terms.length);
}

/** The weight of a document at the term that stands at `position`, 0 without one. */
export function weightAt(postings: Postings, position: number, document: number): number {
  const posting = find(
    postings.documents,
    document,
    postings.offsets[position]!,
    postings.offsets[position + 1]!,
  );
  return posting === -1 ? 0 : postings.weights[posting]!;
}

/** Memory of the typed arrays in bytes. */
export function byteLength({ terms, offsets, documents, weights }: Postings): number {
  return terms.byteLength + offsets.byteLength + documents.byteLength + weights.byteLength;
}

/** Position of `wanted` in the rising numbers [from, to), or -1. */
function find(numbers: Uint32Array | Uint16Array, wanted: number, from: number, to: number): number {
  let low = from;
  let high = to - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const found = numbers[middle]!;
    if (found === wanted) return middle;
    if (found < wanted) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}
