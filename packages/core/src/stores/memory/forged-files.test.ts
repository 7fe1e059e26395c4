import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Journal, readJournal, readSnapshot, writeSnapshot } from "../../disk/index.ts";
import { SparseEncoderError } from "../../errors.ts";
import { InvertedIndex } from "../../index/index.ts";
import { Random } from "../../testing/random.ts";
import { SparseMatrix, SparseVector } from "../../vector/index.ts";
import type { StoredDocument } from "../store.ts";
import { MemoryStore } from "./memory-store.ts";

/** Files whose checksums are right and whose contents are not: forged, or written by something else. */
interface Section {
  readonly name: string;
  readonly bytes: Buffer;
}

let base: string;
let sound: string;
beforeAll(async () => {
  base = await mkdtemp(path.join(tmpdir(), "forged-files-"));
  sound = path.join(base, "sound");
  const store = await MemoryStore.open(sound, { model: "m" });
  await store.upsert(Array.from({ length: 90 }, (_, number) => documentOf(number)));
  await store.delete({ ids: ["d3", "d40"] });
  await store.snapshot();
  await store.upsert([91, 92].map(documentOf));
  await store.delete({ ids: ["d5"] });
  await store.close();
});
afterAll(() => rm(base, { recursive: true, force: true }));

function documentOf(number: number): StoredDocument {
  const sparse = new SparseVector([number % 7, 10 + (number % 5), 20], [1, 2, number + 1], 30);
  const dense = Float32Array.of(number + 1, 1, 2);
  return {
    id: `d${number}`,
    text: `text ${number}`,
    metadata: { number, tags: ["a"] },
    vectors: { sparse, dense },
  };
}

const extremes = [0, 1, 2, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff, 0x7fc00000, 0x7f800000, 65_536];

/** Changes some bytes: a number, a stretch, the end, or all. */
function mangle(bytes: Buffer, random: Random): Buffer {
  const copy = Buffer.from(bytes);
  const place = copy.length < 4 ? 0 : 4 * random.below(Math.floor(copy.length / 4));
  switch (random.below(5)) {
    case 0:
      return copy.subarray(0, random.below(copy.length + 1));
    case 1:
      return Buffer.concat([copy, copy.subarray(0, random.below(copy.length + 1))]);
    case 2:
      if (copy.length > 0) copy[random.below(copy.length)] = random.below(256);
      return copy;
    default:
      if (copy.length >= 4) copy.writeUInt32LE(random.pick(extremes), place);
      return copy;
  }
}

/** Changes a value somewhere in JSON. */
function mangleJson(value: unknown, random: Random): unknown {
  const isLeaf = typeof value !== "object" || value === null || Object.keys(value).length === 0;
  if (isLeaf || random.below(6) === 0) {
    return random.pick([null, -1, 0, 1, 2 ** 32, 1.5, "x", "", [], {}, true, [[]], 1e9]);
  }
  const key = random.pick(Object.keys(value));
  const copy: Record<string, unknown> = Array.isArray(value) ? ([...value] as never) : { ...value };
  copy[key] = mangleJson(copy[key], random);
  return copy;
}

/** The sections of a snapshot, one of them or the description changed, with new checksums. */
async function forge(from: string, kind: string, to: string, random: Random): Promise<void> {
  const names = await sectionNames(from, kind);
  const snapshot = await readSnapshot(from, kind);
  let { description } = snapshot;
  let sections: Section[] = names.map((name) => ({ name, bytes: snapshot.bytes(name) }));
  for (let changes = 1 + random.below(2); changes > 0; changes--) {
    const chosen = random.pick(sections);
    switch (random.below(8)) {
      case 0:
      case 1:
        description = mangleJson(description, random);
        break;
      case 2:
        sections = sections.filter((section) => section !== chosen);
        break;
      case 3:
        sections = sections.map((section) =>
          section === chosen ? { name: chosen.name, bytes: random.pick(sections).bytes } : section,
        );
        break;
      default:
        sections = sections.map((section) =>
          section === chosen ? { name: chosen.name, bytes: mangle(chosen.bytes, random) } : section,
        );
    }
  }
  await writeSnapshot(to, kind, description, sections);
}

async function sectionNames(file: string, kind: string): Promise<string[]> {
  const { sections } = (await readSnapshot(file, kind)) as unknown as {
    sections: ReadonlyMap<string, unknown>;
  };
  return [...sections.keys()];
}

/** Uses a store as a program would; resolves with false if any of it was refused by an error of this library. */
async function survives(what: string, use: () => Promise<void>): Promise<boolean> {
  try {
    await use();
    return true;
  } catch (error) {
    if (SparseEncoderError.is(error)) return false;
    throw new Error(`${what}: ${(error as Error).stack}`, { cause: error });
  }
}

async function useStore(folder: string): Promise<void> {
  const store = await MemoryStore.open(folder);
  try {
    for await (const { vectors } of store.iterate()) expect(vectors).toBeDefined();
    const query = new SparseVector([1, 11, 20], [1, 1, 1], 30);
    for (const hits of [
      await store.searchSparse("sparse", query, { filter: { number: { $gte: 2 } } }),
      await store.searchDense("dense", Float32Array.of(1, 2, 3)),
    ]) {
      expect(hits.every(({ score }) => Number.isFinite(score))).toBe(true);
    }
    await store.upsert(Array.from({ length: 70 }, (_, number) => documentOf(100 + number)));
    await store.delete({ filter: { number: { $lt: 60 } } });
    await store.snapshot();
  } finally {
    await store.close();
  }
}

const runs = Number(process.env.FORGED_FILES ?? 120);

describe("files whose checksums are right and whose contents are not", () => {
  it("a store's snapshot is refused by name, or works", async () => {
    const random = new Random(1);
    let refused = 0;
    for (let run = 0; run < runs; run++) {
      const folder = path.join(base, "forged");
      await rm(folder, { recursive: true, force: true });
      await mkdir(folder);
      await forge(
        path.join(sound, "snapshot-00000002"),
        "store",
        path.join(folder, "snapshot-00000002"),
        random,
      );
      const { store } = (await readSnapshot(path.join(sound, "snapshot-00000002"), "store")).description as {
        store: string;
      };
      await (await Journal.create(path.join(folder, "journal-00000002"), { store, generation: 2 })).close();
      if (!(await survives(`run ${run}`, () => useStore(folder)))) refused++;
    }
    expect(refused).toBeGreaterThan(runs / 3);
  }, 120_000);

  it("a record of a journal is refused by name, or works", async () => {
    const random = new Random(2);
    const { store } = (await readSnapshot(path.join(sound, "snapshot-00000002"), "store")).description as {
      store: string;
    };
    const records: Buffer[] = [];
    const origin = { store, generation: 2 };
    await readJournal(path.join(sound, "journal-00000002"), origin, (record) =>
      records.push(Buffer.from(record)),
    );
    expect(records.length).toBe(2);
    let refused = 0;
    for (let run = 0; run < runs; run++) {
      const folder = path.join(base, "forged-journal");
      await rm(folder, { recursive: true, force: true });
      await mkdir(folder);
      const snapshot = await readSnapshot(path.join(sound, "snapshot-00000002"), "store");
      const sections = (await sectionNames(path.join(sound, "snapshot-00000002"), "store")).map((name) => ({
        name,
        bytes: snapshot.bytes(name),
      }));
      await writeSnapshot(path.join(folder, "snapshot-00000002"), "store", snapshot.description, sections);
      const journal = await Journal.create(path.join(folder, "journal-00000002"), origin);
      const forged = random.pick(records);
      const length = forged.readUInt32LE(0);
      const json = JSON.stringify(mangleJson(JSON.parse(forged.toString("utf8", 4, 4 + length)), random));
      const head = Buffer.alloc(4);
      head.writeUInt32LE(Buffer.byteLength(json));
      const changed =
        random.below(2) === 0
          ? mangle(forged, random)
          : Buffer.concat([head, Buffer.from(json), forged.subarray(4 + length)]);
      await journal.append([changed]);
      await journal.close();
      if (!(await survives(`run ${run}`, () => useStore(folder)))) refused++;
    }
    expect(refused).toBeGreaterThan(runs / 3);
  }, 120_000);

  it("a saved index is refused by name, or works", async () => {
    const random = new Random(3);
    const index = new InvertedIndex(30);
    const vectors = Array.from(
      { length: 200 },
      (_, number) => documentOf(number).vectors.sparse as SparseVector,
    );
    index.addMany(
      vectors.map((_, number) => `d${number}`),
      SparseMatrix.fromRows(vectors),
    );
    for (let number = 0; number < 20; number++) index.delete(`d${number}`);
    const folder = path.join(base, "index");
    await index.save(folder);
    let refused = 0;
    for (let run = 0; run < runs; run++) {
      const forged = path.join(base, "forged-index");
      await mkdir(forged, { recursive: true });
      await forge(path.join(folder, "index.snapshot"), "index", path.join(forged, "index.snapshot"), random);
      const works = await survives(`run ${run}`, async () => {
        const opened = await InvertedIndex.open(forged);
        const query = new SparseVector([1, 11, 20], [1, -1, 1], opened.dimension);
        for (const { id, score } of opened.search(query, { topK: 50 })) {
          expect(Number.isFinite(score)).toBe(true);
          opened.get(id);
          opened.explain(query, id);
        }
        for (const [id] of opened) opened.delete(id);
        opened.upsertMany(["new"], SparseMatrix.fromRows([query]));
      });
      if (!works) refused++;
    }
    expect(refused).toBeGreaterThan(runs / 3);
  }, 120_000);
});
