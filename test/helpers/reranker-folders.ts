import { readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll } from "vitest";
import { withTokenizer } from "./fixture-folders.ts";

/** Token counts and numbers that sentence-transformers gives; test/fixtures/rerankers/make_rerankers.py describes them. */
export interface RerankerGolden {
  readonly tokenizer: string;
  readonly labels: number;
  readonly max_seq_length: number;
  readonly activation: string;
  readonly default_prompt_name: string | null;
  readonly token_ids: number[][];
  readonly type_starts: (number | null)[];
  readonly scores: number[] | number[][];
  readonly logits: number[] | number[][];
  readonly tanh: number[] | number[][];
  readonly softmax?: number[][];
  readonly rank?: [index: number, score: number][];
  readonly single?: number;
  readonly prompt_calls?: { promptName?: string; prompt?: string; scores: number[] }[];
  readonly cuts: {
    length: number;
    strategy: "longest_first" | "only_first" | "only_second";
    pairs: number[];
    token_ids: number[][];
    type_starts: (number | null)[];
    logits: number[] | number[][];
  }[];
}

const fixtures = fileURLToPath(new URL("../fixtures", import.meta.url));

/** The pairs that all golden numbers are about. */
export const goldenPairs = JSON.parse(readFileSync(path.join(fixtures, "rerankers/pairs.json"), "utf8")) as [
  string,
  string,
][];

export function readRerankerGolden(name: string): RerankerGolden {
  return JSON.parse(readFileSync(path.join(fixtures, "rerankers", name, "golden.json"), "utf8"));
}

/** A whole model folder in a folder of its own: the reranker, and the tokenizer that the script used. */
export function rerankerFolder(name: string): string {
  const { tokenizer } = readRerankerGolden(name);
  return withTokenizer(`rerankers/${name}`, tokenizer).folder;
}

/** As {@link rerankerFolder}; the folders are removed after the tests of the file. */
export function rerankerCopies(): (name: string) => string {
  const folders: string[] = [];
  afterAll(() => {
    for (const folder of folders) rmSync(folder, { recursive: true });
  });
  return (name) => {
    const folder = rerankerFolder(name);
    folders.push(folder);
    return folder;
  };
}
