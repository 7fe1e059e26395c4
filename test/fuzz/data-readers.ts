import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { Bm25Encoder, InvertedIndex, SparseMatrix, SparseVector } from "@sparse-encoder/core";
import { readBeirFolder, readTrecQrels, readTrecRun } from "@sparse-encoder/core/evaluation";
import { type Attempt, silentAcceptance } from "./attempts.ts";
import { forgeSnapshot } from "./forged-snapshots.ts";
import { hostileText, mutatedBytes, mutatedJson, type Random } from "./mutations.ts";

/** Dimension of the vectors of the index. */
const dimension = 30;

/** The fit and the saved file of a BM25 encoder. */
async function savedBm25(file: string): Promise<{ header: Record<string, unknown>; body: unknown }> {
  const encoder = new Bm25Encoder({ language: "en" });
  await encoder.fit(["a cat sat", "two cats", "a dog and a cat"]);
  await encoder.save(file);
  const [header, body] = readFileSync(file, "utf8").split("\n");
  return { header: JSON.parse(header!) as Record<string, unknown>, body: JSON.parse(body!) };
}

/** Damages a text file, and packs it in one of three cases; returns its name then. */
function damage(file: string, random: Random): string {
  const bytes = mutatedBytes(readFileSync(file), random);
  if (!random.oneIn(3)) {
    writeFileSync(file, bytes);
    return file;
  }
  rmSync(file);
  const packed = gzipSync(bytes);
  writeFileSync(`${file}.gz`, random.oneIn(2) ? mutatedBytes(packed, random) : packed);
  return `${file}.gz`;
}

/** Readers of files that this library wrote, and of data for evaluations. */
export const dataReaders: Readonly<Record<string, Attempt>> = {
  bm25: async (random, scratch) => {
    const file = path.join(scratch, "bm25.json");
    const { header, body } = await savedBm25(file);
    const forged = JSON.stringify(mutatedJson(body, random));
    const sha256 = createHash("sha256").update(forged).digest("hex");
    const head = JSON.stringify(mutatedJson({ ...header, sha256 }, random));
    const kept = random.oneIn(2) ? JSON.stringify({ ...header, sha256 }) : head;
    writeFileSync(file, random.oneIn(4) ? mutatedBytes(readFileSync(file), random) : `${kept}\n${forged}\n`);
    const encoder = await Bm25Encoder.load(file);
    const vectors = [
      await encoder.encodeQuery(hostileText(random)),
      await encoder.encodeDocument("a cat sat"),
    ];
    if (!vectors.every((vector) => vector.values.every(Number.isFinite)))
      throw silentAcceptance("a weight is not a number");
  },
  index: async (random, scratch) => {
    const [sound, forged] = [path.join(scratch, "sound"), path.join(scratch, "forged")];
    const index = new InvertedIndex(dimension);
    const rows = Array.from(
      { length: 200 },
      (_, row) => new SparseVector([row % 7, 10 + (row % 5), 20], [1, 2, row + 1], dimension),
    );
    index.addMany(
      rows.map((_, row) => `d${row}`),
      SparseMatrix.fromRows(rows),
    );
    for (let row = 0; row < 20; row++) index.delete(`d${row}`);
    await index.save(sound);
    mkdirSync(forged);
    const name = "index.snapshot";
    await forgeSnapshot(path.join(sound, name), "index", path.join(forged, name), random);
    const opened = await InvertedIndex.open(forged);
    const dims = [1, 11, 20].filter((dim) => dim < opened.dimension);
    const query = new SparseVector(
      dims,
      dims.map(() => 1),
      opened.dimension,
    );
    for (const { id, score } of opened.search(query, { topK: 50 })) {
      if (Number.isNaN(score)) throw silentAcceptance("a score is not a number");
      opened.get(id);
      opened.explain(query, id);
    }
    for (const [id] of opened) opened.delete(id);
    opened.upsertMany(["new"], SparseMatrix.fromRows([query]));
  },
  trec: async (random, scratch) => {
    const file = path.join(scratch, "trec");
    const isRun = random.oneIn(2);
    writeFileSync(file, (isRun ? runLines : judgementLines).repeat(1 + random.below(40)));
    const damaged = damage(file, random);
    if (!isRun) {
      await readTrecQrels(damaged);
      return;
    }
    for (const ranking of (await readTrecRun(damaged)).values())
      if (!ranking.every(({ score }) => Number.isFinite(score)))
        throw silentAcceptance("a score is not a number");
  },
  beir: async (random, scratch) => {
    mkdirSync(path.join(scratch, "qrels"));
    for (const [name, lines] of Object.entries(beirFiles)) writeFileSync(path.join(scratch, name), lines);
    damage(path.join(scratch, random.pick(Object.keys(beirFiles))), random);
    await readBeirFolder(scratch);
  },
};

const runLines = "q1 Q0 d1 1 2.5 run\nq2 Q0 d1 1 -3e2 run\n";
const judgementLines = "q1 0 d1 1\nq1 0 d2 0\nq2 0 d1 2\n";

/** A small collection in the layout of BEIR. */
const beirFiles: Readonly<Record<string, string>> = {
  "corpus.jsonl": Array.from(
    { length: 20 },
    (_, row) => `{"_id": "d${row}", "title": "Title ${row}", "text": "A text é ${row}"}\n`,
  ).join(""),
  "queries.jsonl": '{"_id": "q1", "text": "what?"}\n{"_id": "q2", "text": "why?"}\n',
  "qrels/test.tsv": "query-id\tcorpus-id\tscore\nq1\td1\t1\nq2\td3\t2\n",
};
