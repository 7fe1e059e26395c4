import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { SparseEncoder } from "@sparse-encoder/core";
import { readCranfield } from "../../examples/cranfield.ts";
import { textsOfTokens } from "../texts.ts";

/** Texts to be encoded, of 128 tokens each, special ones included. */
const textCount = 8192;

/** A collection with judgements, as the measuring reads it. */
export interface Collection {
  readonly documents: readonly { readonly id: string; readonly text: string }[];
  readonly queries: readonly { readonly id: string; readonly text: string }[];
  /** By query: relevance by document. */
  readonly judgements: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

const fixtures = fileURLToPath(new URL("../../test/fixtures/", import.meta.url));
const elsewhere = { "all-minilm-l6-v2": fileURLToPath(new URL("../../examples/models/", import.meta.url)) };

/**
 * Writes what the measuring needs beside the packages: `texts.json`, `cranfield.json`, and the golden models with their vectors.
 */
export async function writeData(folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  await using encoder = await SparseEncoder.load(undefined, { device: "cpu" });
  writeFileSync(
    path.join(folder, "texts.json"),
    JSON.stringify(await textsOfTokens(encoder, 128, textCount)),
  );
  const { documents, queries, judgements } = readCranfield();
  const collection: Collection = {
    documents,
    queries,
    judgements: Object.fromEntries(
      [...judgements].map(([query, grades]) => [query, Object.fromEntries(grades)]),
    ),
  };
  writeFileSync(path.join(folder, "cranfield.json"), JSON.stringify(collection));
  for (const part of ["models", "golden"]) {
    cpSync(path.join(fixtures, part), path.join(folder, part), { recursive: true });
  }
  for (const [name, parent] of Object.entries(elsewhere)) {
    cpSync(path.join(parent, name), path.join(folder, "models", name), { recursive: true });
  }
}
