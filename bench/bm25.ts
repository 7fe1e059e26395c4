// BM25: ranking quality of its tokens and length norms, collisions of its hashed dims, and long texts without blanks.
// Usage: pnpm bench:bm25 [-- --data folder/of/collections]
// A collection is a folder in BEIR layout; without --data Cranfield, which is in this repository. Besides each collection as it
// is, its documents are joined, so that the mean length changes and the relevant texts stay.
import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import {
  Bm25Encoder,
  type Bm25EncoderOptions,
  InvertedIndex,
  SparseMatrix,
  SparseVector,
} from "@sparse-encoder/core";
import { ndcg, readBeirFolder } from "@sparse-encoder/core/evaluation";
import type { Collection } from "../examples/cranfield.ts";
import { writeReport } from "./report.ts";

const { values: options } = parseArgs({
  args: process.argv.slice(2).filter((argument) => argument !== "--"),
  options: { data: { type: "string", default: fileURLToPath(new URL("../examples/data", import.meta.url)) } },
});

const settings: Record<string, Bm25EncoderOptions> = {
  "bm25s tokens, average": { tokens: "bm25s", lengthNorm: "average" },
  "words, average": { lengthNorm: "average" },
  "words, power (default)": {},
  "b 0.5": { b: 0.5 },
  "b 0.7": { b: 0.7 },
  "k1 1": { k1: 1 },
  "k1 1.5": { k1: 1.5 },
};

/** Dims that vectors are folded into, to see what collisions cost. */
const foldedBits = [14, 16, 18, 20, 24];

const report: Record<string, unknown> = {};
const names = readdirSync(options.data).filter((name) =>
  existsSync(path.join(options.data, name, "qrels", "test.tsv")),
);
for (const name of names) {
  const collection = await readBeirFolder(path.join(options.data, name));
  for (const [label, variant] of Object.entries(variantsOf(collection))) {
    report[`${name}, ${label}`] = await quality(`${name}, ${label}`, variant);
  }
  report[`${name}, folded dims`] = await folded(name, collection);
}
report.collisions = await collisions();
report.longTexts = await longTexts();
writeReport("bm25", report);

function variantsOf(collection: Collection): Record<string, Collection> {
  let state = 7;
  const random = () => {
    state = (state * 1103515245 + 12345) % 2 ** 31;
    return (state >> 16) & 7;
  };
  return {
    "as it is": collection,
    "first sentences": {
      ...collection,
      documents: collection.documents.map((one) => ({ ...one, text: one.text.split(" . ")[0]! })),
    },
    "5 joined": joined(collection, () => 5),
    "20 joined": joined(collection, () => 20),
    "1 to 8 joined": joined(collection, () => [1, 1, 1, 1, 2, 2, 4, 8][random()]!),
  };
}

/** Documents joined in groups; a group is as relevant as its most relevant document. */
function joined({ documents, queries, judgements }: Collection, sizeOf: () => number): Collection {
  const groups: Collection["documents"][number][] = [];
  const groupOf = new Map<string, string>();
  for (let start = 0; start < documents.length; ) {
    const group = documents.slice(start, start + sizeOf());
    const id = `group ${start}`;
    groups.push({ ...group[0]!, id, text: group.map(({ text }) => text).join("\n") });
    for (const document of group) groupOf.set(document.id, id);
    start += group.length;
  }
  const grades = new Map<string, Map<string, number>>();
  for (const [query, known] of judgements) {
    const merged = new Map<string, number>();
    for (const [document, grade] of known) {
      const id = groupOf.get(document);
      if (id !== undefined) merged.set(id, Math.max(merged.get(id) ?? 0, grade));
    }
    grades.set(query, merged);
  }
  return { documents: groups, queries, judgements: grades };
}

async function quality(label: string, collection: Collection): Promise<Record<string, number>> {
  const figures: Record<string, number> = {};
  for (const [name, chosen] of Object.entries(settings)) {
    const encoder = new Bm25Encoder(chosen);
    await encoder.fit(collection.documents.map(({ text }) => text));
    figures[name] = await meanNdcg(encoder, collection);
    figures["mean length"] ??= encoder.summary.currentAverageLength;
  }
  console.log(
    `${label.padEnd(34)}${Object.entries(figures)
      .map(([name, value]) => `${name} ${value.toFixed(4)}`)
      .join("  ")}`,
  );
  return figures;
}

/** @param fold what is done to all vectors before they are indexed and searched */
async function meanNdcg(
  encoder: Bm25Encoder,
  { documents, queries, judgements }: Collection,
  fold: (vector: SparseVector) => SparseVector = (vector) => vector,
): Promise<number> {
  const judged = queries.filter(({ id }) =>
    [...(judgements.get(id)?.values() ?? [])].some((grade) => grade > 0),
  );
  // Positions as ids: equal scores go by position.
  const idOf = new Map(documents.map(({ id }, position) => [id, String(position).padStart(6, "0")]));
  const rows = (await encoder.encodeDocument(documents.map(({ text }) => text))).toRows().map(fold);
  const index = new InvertedIndex(encoder.embeddingDimension);
  index.addMany([...idOf.values()], SparseMatrix.fromRows(rows, encoder.embeddingDimension));
  const vectors = (await encoder.encodeQuery(judged.map(({ text }) => text))).toRows().map(fold);
  const scores = judged.map(({ id }, row) => {
    const grades = new Map([...judgements.get(id)!].map(([document, grade]) => [idOf.get(document)!, grade]));
    return ndcg(
      index.search(vectors[row]!, { topK: 10 }).map((hit) => hit.id),
      grades,
      10,
    );
  });
  return scores.reduce((sum, score) => sum + score, 0) / scores.length;
}

async function folded(label: string, collection: Collection): Promise<Record<string, number>> {
  const encoder = new Bm25Encoder();
  await encoder.fit(collection.documents.map(({ text }) => text));
  const figures: Record<string, number> = { terms: encoder.summary.terms };
  for (const bits of foldedBits) {
    figures[`2^${bits} dims`] = await meanNdcg(encoder, collection, (vector) => {
      const weights = new Map<number, number>();
      for (const [dim, weight] of vector) {
        const place = dim % 2 ** bits;
        weights.set(place, (weights.get(place) ?? 0) + weight);
      }
      const dims = [...weights.keys()].sort((a, b) => a - b);
      return new SparseVector(
        dims,
        dims.map((dim) => weights.get(dim)!),
        vector.dimension,
      );
    });
  }
  console.log(label, figures);
  return figures;
}

/** Terms that share a dim, of vocabularies of random words. */
async function collisions(): Promise<Record<string, number>> {
  const figures: Record<string, number> = {};
  for (const count of [10_000, 100_000, 1_000_000]) {
    const encoder = new Bm25Encoder({ analyzer: (text) => text.split(" ") });
    const words = Array.from(
      { length: count },
      (_, number) => `${((number * 2654435761) % 2 ** 32).toString(36)}x`,
    );
    await encoder.fit([words.join(" ")]);
    figures[`${count} terms`] = count - encoder.summary.terms;
  }
  console.log("terms that share a dim with another", figures);
  return figures;
}

async function longTexts(): Promise<Record<string, { milliseconds: number; longestGap: number }>> {
  const figures: Record<string, { milliseconds: number; longestGap: number }> = {};
  const kinds = {
    Chinese: "床前明月光疑是地上霜举头望明月低头思故乡",
    Thai: "ภาษาไทยเป็นภาษาที่มีความสวยงาม",
    Korean: "한국어",
    "one letter": "a",
    URLs: "https://example.com/a/b?x=1&y=2,",
    emoji: "👍🏽",
    "combining marks": "\u0301\u0323",
    English: "The boundary layer of a flat plate at Mach 3.5 is studied. ",
  };
  for (const [kind, piece] of Object.entries(kinds)) {
    for (const length of [100_000, 1_000_000]) {
      const text = piece.repeat(Math.ceil(length / piece.length)).slice(0, length);
      const encoder = new Bm25Encoder({ language: "zh" });
      await encoder.encodeDocument(piece);
      let last = performance.now();
      let longestGap = 0;
      const timer = setInterval(() => {
        const now = performance.now();
        longestGap = Math.max(longestGap, now - last);
        last = now;
      }, 1);
      const started = performance.now();
      await encoder.encodeDocument(text);
      const milliseconds = performance.now() - started;
      clearInterval(timer);
      figures[`${kind}, ${length} characters`] = { milliseconds, longestGap };
      console.log(
        `${kind}, ${length}`.padEnd(30),
        `${milliseconds.toFixed(0)} ms, gap ${longestGap.toFixed(1)} ms`,
      );
    }
  }
  return figures;
}
