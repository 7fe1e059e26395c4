import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { SparseMatrix, SparseVector } from "@sparse-encoder/core";
import { expect } from "vitest";

/** A sparse vector as the reference stored it. */
export interface GoldenVector {
  indices: number[];
  values: number[];
}

/** What sentence-transformers computed for one model; test/fixtures/golden/README.md describes the fields. */
export interface Golden {
  embedding_dimension: number;
  max_seq_length: number;
  max_active_dims: number | null;
  prompts: Record<string, string>;
  default_prompt_name: string | null;
  similarity_fn_name: "dot" | "cosine" | "euclidean" | "manhattan";
  texts: string[];
  token_ids: number[][];
  token_ids_query?: number[][];
  token_ids_document?: number[][];
  encode: GoldenVector[];
  encode_float32?: GoldenVector[];
  encode_query: GoldenVector[] | { same_as: string };
  encode_document: GoldenVector[] | { same_as: string };
  similarity: {
    rows: number[];
    columns: number[];
    matrix: Record<string, number[][]>;
    pairwise: Record<string, number[]>;
  };
  sparsity: { all: GoldenSparsity; each: GoldenSparsity[]; first: GoldenSparsity };
  decode: {
    texts: number[];
    single_top_5: [string, number][][];
    single_all: [string, number][][];
    batch_top_5: [string, number][][];
  };
  intersection: {
    pairs: (GoldenVector & { a: number; b: number })[];
    one_to_many: { a: number; b: number[]; rows: GoldenVector[] };
  };
  max_active_dims_calls: { texts: number[] } & Record<
    string,
    { vectors: GoldenVector[]; tie_at_cut: boolean[] }
  >;
  prompt_calls: {
    texts: number[];
    calls: { call: string; prompt?: string; prompt_name?: string; vectors: GoldenVector[] }[];
  };
  max_seq_length_8: { texts: number[]; token_ids: number[][]; vectors: GoldenVector[] };
}

export interface GoldenSparsity {
  active_dims: number;
  sparsity_ratio: number;
}

export function readGolden(name: string): Golden {
  return readJson(`fixtures/golden/${name}.json`) as Golden;
}

/** @param file path below `test/` */
export function readJson(file: string): unknown {
  return JSON.parse(readFileSync(fileURLToPath(new URL(`../${file}`, import.meta.url)), "utf8"));
}

/** The folder of a model that a golden file was made with. */
export function goldenModelFolder(name: string): string {
  const elsewhere: Readonly<Record<string, string>> = {
    "splade-tiny": "../../packages/core/models/splade-tiny",
    "all-minilm-l6-v2": "../../examples/models/all-minilm-l6-v2",
  };
  const folder = elsewhere[name] ?? `../fixtures/models/${name}`;
  return fileURLToPath(new URL(folder, import.meta.url));
}

/** The vectors of one method; the reference names the vectors that equal `encode` bit for bit. */
export function vectorsOf(
  golden: Golden,
  method: "encode" | "encode_query" | "encode_document",
): GoldenVector[] {
  const stored = golden[method];
  return Array.isArray(stored) ? stored : golden.encode;
}

export function toVector(golden: GoldenVector, dimension: number): SparseVector {
  return new SparseVector(golden.indices, golden.values, dimension);
}

export function toMatrix(golden: readonly GoldenVector[], dimension: number): SparseMatrix {
  return SparseMatrix.fromRows(
    golden.map((vector) => toVector(vector, dimension)),
    dimension,
  );
}

/** A dim below this may be active on one side only: its float noise decides. */
const noise = 5e-5;

/**
 * Expects each row to equal the reference within 5e-5 + 1e-5 |b|, with the same active dims but for those under
 * 5e-5. The message names the text and the worst dim.
 */
export function expectVectors(
  actual: SparseMatrix,
  expected: readonly GoldenVector[],
  texts?: readonly string[],
): void {
  expect(actual.length).toBe(expected.length);
  expected.forEach((golden, row) => {
    const wanted = new Map(golden.indices.map((index, position) => [index, golden.values[position]!]));
    const got = actual.row(row).toMap();
    let worst = { index: -1, excess: 0, got: 0, wanted: 0 };
    for (const index of new Set([...wanted.keys(), ...got.keys()])) {
      const [a, b] = [got.get(index) ?? 0, wanted.get(index) ?? 0];
      const excess = Math.abs(a - b) / (noise + 1e-5 * Math.abs(b));
      if (excess > worst.excess) worst = { index, excess, got: a, wanted: b };
    }
    const where = `text ${row} ${JSON.stringify(texts?.[row]?.slice(0, 40) ?? "")}, dim ${worst.index}: ${worst.got}, expected ${worst.wanted}`;
    expect(worst.excess, where).toBeLessThanOrEqual(1);
  });
}
