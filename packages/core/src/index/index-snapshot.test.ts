import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { crc32 } from "node:zlib";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SparseVector } from "../vector/index.ts";
import { exhaustiveSearch } from "./exhaustive-search.ts";
import { InvertedIndex } from "./inverted-index.ts";

const dimension = 12;
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "index-snapshot-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const vectorOf = fc
  .uniqueArray(fc.tuple(fc.nat(dimension - 1), fc.constantFrom(-1, 0.5, 1, 2)), {
    selector: ([index]) => index,
    maxLength: 5,
  })
  .map((entries) => SparseVector.from(entries, dimension));

function byId(documents: Iterable<readonly [string, SparseVector]>) {
  return [...documents]
    .map(([id, vector]) => [id, vector.toJSON()] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

describe("a saved index", () => {
  it("is opened with the same documents and hits, and goes on", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(150).map(String), vectorOf), { maxLength: 200 }),
        fc.array(fc.nat(150).map(String), { maxLength: 100 }),
        vectorOf,
        async (added, deleted, query) => {
          const index = new InvertedIndex(dimension);
          const oracle = new Map<string, SparseVector>();
          for (const [id, vector] of added) {
            index.upsert(id, vector);
            oracle.set(id, vector);
          }
          for (const id of deleted) expect(index.delete(id)).toBe(oracle.delete(id));
          await index.save(folder);
          const opened = await InvertedIndex.open(folder);
          expect(opened.size).toBe(oracle.size);
          expect(byId(opened)).toEqual(byId(oracle));
          expect(opened.search(query)).toEqual(exhaustiveSearch(oracle, query));
          for (const [id, vector] of added.slice(0, 5)) {
            opened.upsert(id, vector);
            oracle.set(id, vector);
          }
          expect(opened.search(query)).toEqual(exhaustiveSearch(oracle, query));
        },
      ),
      { numRuns: 60 },
    );
  });

  it("replaces the one before and leaves no other file", async () => {
    const index = new InvertedIndex(dimension);
    await index.save(folder);
    index.add("é 😀", new SparseVector([3], [2], dimension));
    await index.save(folder);
    expect(await readdir(folder)).toEqual(["index.snapshot"]);
    expect([...(await InvertedIndex.open(folder)).ids()]).toEqual(["é 😀"]);
  });

  it("is what it was at the call, whatever changes meanwhile", async () => {
    const index = new InvertedIndex(dimension);
    for (let number = 0; number < 100; number++)
      index.add(`${number}`, new SparseVector([3], [2], dimension));
    const saved = index.save(folder);
    for (let number = 0; number < 50; number++) index.delete(`${number}`);
    await saved;
    expect((await InvertedIndex.open(folder)).size).toBe(100);
  });

  it("is opened for its own model only", async () => {
    const index = new InvertedIndex(dimension);
    await index.save(folder, { model: "a" });
    expect((await InvertedIndex.open(folder)).size).toBe(0);
    expect((await InvertedIndex.open(folder, { model: "a" })).size).toBe(0);
    await expect(InvertedIndex.open(folder, { model: "b" })).rejects.toMatchObject({
      code: "STORE_MISMATCH",
    });
    await index.save(folder);
    await expect(InvertedIndex.open(folder, { model: "b" })).rejects.toMatchObject({
      code: "STORE_MISMATCH",
    });
  });

  it("is refused with any bit flipped, any end cut off, or anything appended", async () => {
    const index = new InvertedIndex(dimension);
    index.add("a", new SparseVector([3, 5], [2, 1], dimension));
    index.add("b", new SparseVector([5], [-1], dimension));
    await index.save(folder);
    const file = path.join(folder, "index.snapshot");
    const good = await readFile(file);
    const refused = async (bytes: Uint8Array) => {
      await writeFile(file, bytes);
      await expect(InvertedIndex.open(folder)).rejects.toMatchObject({
        code: "STORE_CORRUPT",
        message: expect.stringContaining(file),
      });
    };
    for (let position = 0; position < good.length; position++) {
      const flipped = Buffer.from(good);
      flipped[position]! ^= 1 << (position % 8);
      await refused(flipped);
    }
    for (let length = 0; length < good.length; length += 7) await refused(good.subarray(0, length));
    await refused(good.subarray(0, -1));
    await refused(Buffer.concat([good, Buffer.from([0])]));
    await writeFile(file, good);
    expect((await InvertedIndex.open(folder)).size).toBe(2);
  });

  it("of a newer format is told from a damaged one", async () => {
    await new InvertedIndex(dimension).save(folder);
    const file = path.join(folder, "index.snapshot");
    const bytes = await readFile(file);
    bytes.writeUInt32LE(2, 8);
    bytes.writeUInt32LE(crc32(bytes.subarray(0, 12)), 12);
    await writeFile(file, bytes);
    await expect(InvertedIndex.open(folder)).rejects.toMatchObject({
      code: "STORE_MISMATCH",
      message: expect.stringContaining("format version 2"),
    });
  });

  it("needs to be there, and options that exist", async () => {
    await expect(InvertedIndex.open(path.join(folder, "none"))).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
    await expect(InvertedIndex.open("")).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    await expect(InvertedIndex.open(folder, { path: "x" } as object)).rejects.toMatchObject({
      code: "UNKNOWN_OPTION",
    });
    await expect(new InvertedIndex(3).save(folder, { model: "" })).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
    await writeFile(path.join(folder, "file"), "");
    await expect(new InvertedIndex(3).save(path.join(folder, "file", "below"))).rejects.toMatchObject({
      code: "STORE_FAILED",
    });
  });
});

describe("getMany", () => {
  it("gives what get gives, in the order asked for", () => {
    const index = new InvertedIndex(dimension);
    for (let number = 0; number < 300; number++) {
      index.upsert(`${number % 200}`, new SparseVector([number % 12], [number + 1], dimension));
    }
    const ids = ["7", "none", "199", ...Array.from({ length: 40 }, (_, number) => `${150 - number}`), "7"];
    const expected = ids.map((id) => index.get(id)?.toJSON());
    expect(index.getMany(ids).map((vector) => vector?.toJSON())).toEqual(expected);
    expect(index.getMany(ids.slice(0, 3)).map((vector) => vector?.toJSON())).toEqual(expected.slice(0, 3));
  });
});
