import { SparseVector, TRUSTED } from "../../vector/index.ts";

/** A sparse vector as pgvector writes it: indices from 1 on. */
export function toSparseText({ indices, values, dimension }: SparseVector): string {
  let text = "{";
  for (let position = 0; position < indices.length; position++) {
    if (position > 0) text += ",";
    text += `${indices[position]! + 1}:${values[position]}`;
  }
  return `${text}}/${dimension}`;
}

export function fromSparseText(text: string): SparseVector {
  const end = text.lastIndexOf("}");
  const dimension = Number(text.slice(end + 2));
  const entries = end === 1 ? [] : text.slice(1, end).split(",");
  const indices = new Uint32Array(entries.length);
  const values = new Float32Array(entries.length);
  for (const [position, entry] of entries.entries()) {
    const colon = entry.indexOf(":");
    indices[position] = Number(entry.slice(0, colon)) - 1;
    values[position] = Number(entry.slice(colon + 1));
  }
  return new SparseVector(indices, values, dimension, TRUSTED);
}

export function toDenseText(vector: Float32Array): string {
  return `[${vector.join(",")}]`;
}

export function fromDenseText(text: string): Float32Array {
  return Float32Array.from(text.slice(1, -1).split(","), Number);
}

/** The vector with all weights above zero. */
export function absolute({ indices, values, dimension }: SparseVector): SparseVector {
  return new SparseVector(indices, values.map(Math.abs), dimension, TRUSTED);
}
