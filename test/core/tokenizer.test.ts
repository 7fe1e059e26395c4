import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { Tokenizer } from "../../packages/core/src/model/index.ts";
import { readJson } from "../helpers/golden-data.ts";

type JsonObject = Record<string, unknown>;

/** A fixture model with some files changed, and what transformers makes of the folder. */
interface TokenizerCase {
  name: string;
  base: string;
  /** Entries to set in JSON files, which may not exist yet. */
  set?: Record<string, JsonObject>;
  /** Entries to take out of JSON files. */
  remove?: Record<string, string[]>;
  /** Files to leave out. */
  drop?: string[];
  /** The vocabulary comes in this file rather than in tokenizer.json. */
  vocabulary?: "vocab.txt" | "vocab.json";
  lowercase?: boolean;
  vocabulary_size: number;
  token_ids: number[][];
  token_ids_8: number[][];
  token_ids_plain_8: number[][];
}

const models = fileURLToPath(new URL("../fixtures/models/", import.meta.url));
const { texts, cases } = readJson("fixtures/tokenizers/cases.json") as {
  texts: string[];
  cases: TokenizerCase[];
};

/** Stands in the cases for the normaliser of the base, whose table is long. */
const precompiled = JSON.stringify("the normalizer of the base");

/** Writes the folder of a case: what `write_folder` of make_cases.py does. */
function writeFolder(
  folder: string,
  { base, set = {}, remove = {}, drop = [], vocabulary }: TokenizerCase,
): void {
  const source = path.join(models, base);
  for (const name of ["tokenizer_config.json", "tokenizer.json", "config.json"]) {
    if (drop.includes(name) || (name === "tokenizer.json" && vocabulary !== undefined)) continue;
    copyFileSync(path.join(source, name), path.join(folder, name));
  }
  const original = readObject(path.join(source, "tokenizer.json")) as {
    normalizer: unknown;
    model: { vocab: Record<string, number>; merges: (string | string[])[] };
  };
  const { vocab, merges } = original.model;
  if (vocabulary === "vocab.txt") {
    const pieces = Object.keys(vocab).sort((a, b) => vocab[a]! - vocab[b]!);
    writeFileSync(path.join(folder, "vocab.txt"), pieces.map((piece) => `${piece}\n`).join(""));
  }
  if (vocabulary === "vocab.json") {
    const lines = merges.map((merge) => (typeof merge === "string" ? merge : merge.join(" ")));
    writeFileSync(path.join(folder, "vocab.json"), JSON.stringify(vocab));
    writeFileSync(path.join(folder, "merges.txt"), ["#version: 0.2", ...lines, ""].join("\n"));
  }
  for (const name of new Set([...Object.keys(set), ...Object.keys(remove)])) {
    const file = path.join(folder, name);
    const content: JsonObject = { ...readObject(file), ...set[name] };
    for (const key of remove[name] ?? []) delete content[key];
    const text = JSON.stringify(content).replaceAll(precompiled, () => JSON.stringify(original.normalizer));
    writeFileSync(file, text);
  }
}

function readObject(file: string): JsonObject {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as JsonObject;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return {};
    throw error;
  }
}

const rows = (ids: Int32Array[]) => ids.map((row) => Array.from(row));

describe("tokenizers of folders with other settings than those of the fixture models", () => {
  it("has cases to test", () => {
    expect(cases.length).toBe(69);
    for (const { token_ids } of cases) expect(token_ids.length).toBe(texts.length);
  });

  it.each(cases.map((tokenizerCase) => [tokenizerCase.name, tokenizerCase] as const))(
    "has transformers' token ids: %s",
    async (_, tokenizerCase) => {
      const folder = mkdtempSync(path.join(tmpdir(), "tokenizer-"));
      try {
        writeFolder(folder, tokenizerCase);
        const tokenizer = await Tokenizer.open(folder, { lowercase: tokenizerCase.lowercase ?? false });
        expect(tokenizer.vocabularySize).toBe(tokenizerCase.vocabulary_size);
        expect(rows(await tokenizer.encode(texts, 10_000))).toEqual(tokenizerCase.token_ids);
        expect(rows(await tokenizer.encode(texts, 8))).toEqual(tokenizerCase.token_ids_8);
        const plain = await tokenizer.encode(texts, 8, { specialTokens: false });
        expect(rows(plain)).toEqual(tokenizerCase.token_ids_plain_8);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
  );
});
