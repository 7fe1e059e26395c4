import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";

/** The Cranfield collection in examples/data/cranfield: 1,400 abstracts on aerodynamics with 225 judged queries. */
export interface Collection {
  documents: { id: string; text: string }[];
  queries: { id: string; text: string }[];
  /** Grades by query id and document id. */
  judgements: Map<string, Map<string, number>>;
}

export function readCranfield(): Collection {
  const folder = new URL("data/cranfield/", import.meta.url);
  const lines = (text: string) => text.split("\n").filter((line) => line !== "");
  const corpus = gunzipSync(readFileSync(new URL("corpus.jsonl.gz", folder))).toString("utf8");
  const judgements = new Map<string, Map<string, number>>();
  for (const line of lines(readFileSync(new URL("qrels/test.tsv", folder), "utf8")).slice(1)) {
    const [query, document, grade] = line.split("\t") as [string, string, string];
    judgements.set(query, (judgements.get(query) ?? new Map()).set(document, Number(grade)));
  }
  return {
    documents: lines(corpus).map((line) => {
      const { _id: id, title, text } = JSON.parse(line);
      return { id, text: title === "" ? text : `${title} ${text}` };
    }),
    queries: lines(readFileSync(new URL("queries.jsonl", folder), "utf8")).map((line) => {
      const { _id: id, text } = JSON.parse(line);
      return { id, text };
    }),
    judgements,
  };
}
