import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { MemoryStore, SparseVector, type StoredDocument } from "@sparse-encoder/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

let base: string;
let folder: string;
beforeEach(async () => {
  base = await mkdtemp(path.join(tmpdir(), "store-repair-"));
  folder = path.join(base, "store");
});
afterEach(() => rm(base, { recursive: true, force: true }));

const documentOf = (id: string): StoredDocument => ({
  id,
  text: `text of ${id}`,
  metadata: {},
  vectors: { sparse: SparseVector.from({ 1: 1 }, 10) },
});

/** A closed store: `a` and `b` in its snapshot; `c`, `d` and `e` in its journal, and `a` deleted there. */
async function fill(): Promise<Map<string, Buffer>> {
  const store = await MemoryStore.open(folder, { model: "m" });
  await store.upsert(["a", "b"].map(documentOf));
  await store.snapshot();
  for (const id of ["c", "d", "e"]) await store.upsert([documentOf(id)]);
  await store.delete({ ids: ["a"] });
  await store.close();
  return filesOf(folder);
}

async function filesOf(place: string): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>();
  for (const name of (await readdir(place)).toSorted())
    files.set(name, await readFile(path.join(place, name)));
  return files;
}

async function idsOf(): Promise<string[]> {
  const store = await MemoryStore.open(folder);
  const ids: string[] = [];
  for await (const { id } of store.iterate()) ids.push(id);
  await store.close();
  return ids;
}

/** Flips a bit of a file where the text of a document stands, or at a position. */
async function damage(name: string, place: string | number): Promise<number> {
  const file = path.join(folder, name);
  const bytes = await readFile(file);
  const position = typeof place === "number" ? place : bytes.indexOf(place);
  expect(position).toBeGreaterThan(-1);
  bytes[position]! ^= 1;
  await writeFile(file, bytes);
  return position;
}

const journal = "journal-00000002";
const snapshot = "snapshot-00000002";

describe("the repair of a store", () => {
  it("finds nothing to do in a folder that opens, also after a crash", async () => {
    await fill();
    const sound = { isSound: true, documents: 4, dropped: [], applied: false };
    expect(await MemoryStore.repair(folder)).toEqual(sound);
    expect(await MemoryStore.repair(folder, { apply: true })).toEqual(sound);
    await rm(path.join(folder, "closed"));
    expect(await MemoryStore.repair(folder)).toEqual(sound);
    expect(await MemoryStore.repair(path.join(base, "store"))).toEqual(sound);
  });

  it("says what it would drop before it drops it, and then drops that and nothing else", async () => {
    await fill();
    const position = await damage(journal, "text of d");
    const before = await filesOf(folder);
    await expect(MemoryStore.open(folder)).rejects.toMatchObject({ code: "STORE_CORRUPT" });
    const report = await MemoryStore.repair(folder);
    expect(report).toEqual({
      isSound: false,
      documents: 3,
      dropped: [
        {
          file: path.join(folder, journal),
          from: expect.any(Number),
          to: expect.any(Number),
          reason: expect.stringContaining("no whole record"),
        },
      ],
      applied: false,
    });
    const [part] = report.dropped;
    expect(part!.from).toBeLessThan(position);
    expect(part!.to).toBeGreaterThan(position);
    expect(await filesOf(folder)).toEqual(before);
    expect(await MemoryStore.repair(folder, { apply: true })).toEqual({ ...report, applied: true });
    expect(await idsOf()).toEqual(["b", "c", "e"]);
    // The damaged file is kept.
    expect((await filesOf(folder)).get(`${journal}.damaged`)).toEqual(before.get(journal));
    await expect(MemoryStore.open(folder, { model: "other" })).rejects.toMatchObject({
      code: "STORE_MISMATCH",
    });
  });

  it("keeps the records of the journal where the snapshot is damaged", async () => {
    await fill();
    await damage(snapshot, "text of b");
    const { documents, dropped } = await MemoryStore.repair(folder, { apply: true });
    expect([documents, dropped.map(({ file }) => path.basename(file))]).toEqual([3, [snapshot]]);
    expect(await idsOf()).toEqual(["c", "d", "e"]);
  });

  it.each<[string, () => Promise<unknown>, string[]]>([
    ["a journal without its head", () => damage(journal, 20), ["b", "c", "d", "e"]],
    ["a missing journal", () => rm(path.join(folder, journal)), ["a", "b"]],
    ["an empty journal", () => writeFile(path.join(folder, journal), ""), ["a", "b"]],
    ["a damaged note of closing", () => damage("closed", 3), ["b", "c", "d", "e"]],
    ["a missing snapshot", () => rm(path.join(folder, snapshot)), ["c", "d", "e"]],
    ["an empty snapshot", () => writeFile(path.join(folder, snapshot), ""), ["c", "d", "e"]],
  ])("opens again a folder with %s", async (_, harm, ids) => {
    await fill();
    await harm();
    await expect(MemoryStore.open(folder)).rejects.toMatchObject({ code: "STORE_CORRUPT" });
    expect((await MemoryStore.repair(folder)).isSound).toBe(false);
    expect((await MemoryStore.repair(folder, { apply: true })).applied).toBe(true);
    expect(await idsOf()).toEqual(ids);
  });

  it("loses no whole record wherever a bit is flipped", async () => {
    const files = await fill();
    const whole = new Set(["a", "b", "c", "d", "e"]);
    for (let position = 0; position < files.get(journal)!.length; position += 41) {
      await rm(folder, { recursive: true });
      await mkdir(folder);
      for (const [name, bytes] of files) await writeFile(path.join(folder, name), bytes);
      await damage(journal, position);
      await MemoryStore.repair(folder, { apply: true });
      const ids = await idsOf();
      // One record at most is lost: of the documents one, or the deletion.
      expect(ids.every((id) => whole.has(id))).toBe(true);
      expect(ids.length, `byte ${position}`).toBeGreaterThanOrEqual(3);
    }
  });

  it("is refused while the store is open, for no folder, and with unknown options", async () => {
    const store = await MemoryStore.open(folder);
    await expect(MemoryStore.repair(folder)).rejects.toMatchObject({ code: "STORE_LOCKED" });
    await store.close();
    await expect(MemoryStore.repair("")).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    await expect(MemoryStore.repair(path.join(base, "none"))).rejects.toMatchObject({ code: "STORE_FAILED" });
    await expect(MemoryStore.repair(folder, { dryRun: true } as object)).rejects.toMatchObject({
      code: "UNKNOWN_OPTION",
    });
    await expect(MemoryStore.repair(folder, { apply: 1 } as object)).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
  });
});
