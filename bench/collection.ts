import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { gunzipSync } from "node:zlib";
import type { Collection } from "../examples/cranfield.ts";

/** Reads a collection in BEIR layout: `corpus.jsonl` and `queries.jsonl`, each also as `.gz`, and `qrels/test.tsv`. */
export function readCollection(folder: string): Collection {
  const records = (name: string) =>
    lines(readText(path.join(folder, name))).map(
      (line) => JSON.parse(line) as { _id: string; title?: string; text: string },
    );
  const judgements = new Map<string, Map<string, number>>();
  for (const line of lines(readText(path.join(folder, "qrels", "test.tsv"))).slice(1)) {
    const [query, document, grade] = line.split("\t") as [string, string, string];
    judgements.set(query, (judgements.get(query) ?? new Map()).set(document, Number(grade)));
  }
  return {
    documents: records("corpus.jsonl").map(({ _id: id, title, text }) => ({
      id,
      text: title === undefined || title === "" ? text : `${title} ${text}`,
    })),
    queries: records("queries.jsonl").map(({ _id: id, text }) => ({ id, text })),
    judgements,
  };
}

function readText(file: string): string {
  return existsSync(file)
    ? readFileSync(file, "utf8")
    : gunzipSync(readFileSync(`${file}.gz`)).toString("utf8");
}

function lines(text: string): string[] {
  return text.split("\n").filter((line) => line !== "");
}
