import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { MemoryStore, SparseVector, type StoredDocument } from "@sparse-encoder/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { canMount } from "../helpers/small-disk.ts";

let folder: string;
let base: string;

beforeEach(async () => {
  base = await mkdtemp(path.join(tmpdir(), "durable-store-"));
  folder = path.join(base, "store");
});
afterEach(async () => {
  await rm(base, { recursive: true, force: true });
});

const documentOf = (number: number, text = `text ${number}`): StoredDocument => ({
  id: `d${number}`,
  text,
  metadata: { number },
  vectors: {
    sparse: new SparseVector([number % 7, 9], [1, number + 1], 10),
    dense: Float32Array.of(number + 1, 1),
  },
});

const documentsOf = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, position) => documentOf(from + position));

async function idsOf(store: MemoryStore): Promise<string[]> {
  const ids: string[] = [];
  for await (const { id } of store.iterate()) ids.push(id);
  return ids;
}

async function opens(options: Parameters<typeof MemoryStore.open>[1] = {}): Promise<MemoryStore> {
  return MemoryStore.open(folder, options);
}

describe("a store in a folder", () => {
  it("is found again after it was closed, and after it was not", async () => {
    const first = await opens();
    await first.upsert(documentsOf(0, 20));
    await first.delete({ ids: ["d3"] });
    await first.close();
    const second = await opens();
    await second.delete({ filter: { number: { $gte: 15 } } });
    await second.upsert([documentOf(3, "again")]);
    // As a crash would leave it: the lock belongs to this process, and is not copied.
    const copy = path.join(base, "copy");
    await cp(folder, copy, { recursive: true, filter: (name) => path.basename(name) !== "lock" });
    const third = await MemoryStore.open(copy);
    const ids = documentsOf(0, 15).map(({ id }) => id);
    expect(await idsOf(third)).toEqual(ids.toSorted());
    expect((await third.get(["d3"]))[0]?.text).toBe("again");
    const [hit] = await third.searchSparse("sparse", new SparseVector([9], [2], 10), { k: 1 });
    expect(hit).toEqual({ id: "d14", score: 30, text: "text 14", metadata: { number: 14 } });
    await third.close();
    await second.close();
  });

  it("goes on through snapshots that come by themselves, and through those asked for", async () => {
    let store = await opens({ journalBytes: 2000 });
    for (let number = 0; number < 100; number++) {
      await store.upsert([documentOf(number)]);
      if (number % 3 === 0) await store.delete({ ids: [`d${number / 3}`] });
      if (number % 40 === 0) await Promise.all([store.snapshot(), store.snapshot(), store.snapshot()]);
    }
    const expected = await idsOf(store);
    await store.close();
    const [, journal, snapshot] = (await readdir(folder)).toSorted();
    expect([journal?.slice(0, 8), snapshot?.slice(0, 9)]).toEqual(["journal-", "snapshot-"]);
    expect(Number(snapshot?.slice(9))).toBeGreaterThan(5);
    store = await opens();
    expect(await idsOf(store)).toEqual(expected);
    await store.close();
  });

  it("takes all calls that were made before close", async () => {
    const store = await opens();
    const calls = documentsOf(0, 10).map((document) => store.upsert([document]));
    await Promise.all([store.close(), ...calls]);
    const again = await opens();
    expect(await again.count()).toBe(10);
    await again.close();
  });

  it("refuses a second writer, in this process and in another one", async () => {
    const store = await opens();
    await expect(opens()).rejects.toMatchObject({ code: "STORE_LOCKED" });
    const script = `
      import { MemoryStore } from "@sparse-encoder/core";
      await MemoryStore.open(process.argv[1]).catch(({ code }) => console.log(code));
    `;
    const child = spawn(process.execPath, ["--input-type=module", "-e", script, folder], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let output = "";
    child.stdout.on("data", (data) => {
      output += data;
    });
    await once(child, "close");
    expect(output).toBe("STORE_LOCKED\n");
    await store.upsert([documentOf(1)]);
    await store.close();
    await (await opens()).close();
  });

  it("writes no more once its lock is gone", async () => {
    const store = await opens();
    await store.upsert([documentOf(1)]);
    await rm(path.join(folder, "lock"));
    const other = await opens();
    await expect(store.upsert([documentOf(2)])).rejects.toMatchObject({ code: "STORE_LOCKED" });
    expect(await store.count()).toBe(1);
    await other.upsert([documentOf(3)]);
    await store.close();
    await other.close();
    const again = await opens();
    expect(await idsOf(again)).toEqual(["d1", "d3"]);
    await again.close();
  });

  it("is opened for its own model only", async () => {
    await (await opens({ model: "a" })).close();
    await (await opens({ model: "a" })).close();
    await (await opens()).close();
    await expect(opens({ model: "b" })).rejects.toMatchObject({
      code: "STORE_MISMATCH",
      message: expect.stringContaining("'a'"),
    });
    await (await opens({ model: "a" })).close();
  });

  it("is opened for the vectors that it has, and for further ones", async () => {
    const store = await opens();
    await store.upsert([documentOf(1)]);
    await store.close();
    for (const vectors of [
      { sparse: { kind: "sparse", dimension: 11 } },
      { sparse: { kind: "dense", dimension: 10 } },
      { dense: { kind: "dense", dimension: 2, metric: "dot" } },
    ] as const) {
      await expect(opens({ vectors })).rejects.toMatchObject({ code: "STORE_MISMATCH" });
    }
    const vectors = {
      sparse: { kind: "sparse", dimension: 10 },
      other: { kind: "dense", dimension: 1, metric: "dot" },
    } as const;
    await (await opens({ vectors })).close();
    const again = await opens();
    expect(again.vectors).toEqual({ ...vectors, dense: { kind: "dense", dimension: 2, metric: "cosine" } });
    await again.close();
  });

  it("refuses options and folders that cannot be", async () => {
    await expect(MemoryStore.open("")).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    await expect(opens({ file: "x" } as object)).rejects.toMatchObject({ code: "UNKNOWN_OPTION" });
    await expect(opens({ journalBytes: 0 })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    await expect(opens({ model: "" })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    expect(() => new MemoryStore({ model: "x" } as object)).toThrow("unknown option 'model'");
    await writeFile(folder, "a file");
    await expect(opens()).rejects.toMatchObject({ code: "STORE_FAILED" });
    await expect(new MemoryStore().snapshot()).rejects.toMatchObject({ code: "STORE_UNSUPPORTED" });
  });
});

describe("a damaged folder", () => {
  /** A closed store with a snapshot and a journal with records. */
  async function fill(): Promise<Map<string, Buffer>> {
    const store = await opens({ model: "m" });
    await store.upsert(documentsOf(0, 5));
    await store.snapshot();
    await store.upsert(documentsOf(5, 7));
    await store.delete({ ids: ["d0"] });
    await store.close();
    const files = new Map<string, Buffer>();
    for (const name of await readdir(folder)) files.set(name, await readFile(path.join(folder, name)));
    return files;
  }

  async function restore(files: ReadonlyMap<string, Uint8Array>): Promise<void> {
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder);
    for (const [name, bytes] of files) await writeFile(path.join(folder, name), bytes);
  }

  /** Refused, and left as it is: what is there may be all that is left of the data. */
  async function isRefused(files: ReadonlyMap<string, Uint8Array>, named: string): Promise<void> {
    await restore(files);
    await expect(opens(), named).rejects.toMatchObject({
      code: "STORE_CORRUPT",
      message: expect.stringContaining(path.join(folder, named)),
    });
    const left = await readdir(folder);
    expect(left.toSorted()).toEqual([...files.keys()].sort());
    for (const [name, bytes] of files) {
      expect(Buffer.compare(await readFile(path.join(folder, name)), bytes)).toBe(0);
    }
  }

  it("is refused with a bit flipped, in any file", async () => {
    const files = await fill();
    expect([...files.keys()].sort()).toEqual(["closed", "journal-00000002", "snapshot-00000002"]);
    for (const [name, bytes] of files) {
      for (let position = 0; position < bytes.length; position += name === "closed" ? 7 : 37) {
        const flipped = Buffer.from(bytes);
        flipped[position]! ^= 1 << (position % 8);
        await isRefused(new Map(files).set(name, flipped), name);
      }
    }
  });

  it("is refused with a file cut, emptied or missing", async () => {
    const files = await fill();
    for (const [name, bytes] of files) {
      for (const length of [0, 1, 10, 36, 40, bytes.length >> 1, bytes.length - 1]) {
        if (length < bytes.length) await isRefused(new Map(files).set(name, bytes.subarray(0, length)), name);
      }
      if (name === "closed") continue;
      const without = new Map(files);
      without.delete(name);
      await isRefused(without, name.startsWith("snapshot") ? "" : name);
    }
  });

  it("with a journal cut after a crash has the calls before the cut, whole", async () => {
    const files = await fill();
    files.delete("closed");
    const journal = files.get("journal-00000002")!;
    const all = documentsOf(0, 7).map(({ id }) => id);
    const seen = new Set<string>();
    for (let length = 36; length <= journal.length; length += 13) {
      await restore(new Map(files).set("journal-00000002", journal.subarray(0, length)));
      const store = await opens();
      const ids = await idsOf(store);
      await store.upsert([documentOf(9)]);
      await store.close();
      const again = await opens();
      expect(await idsOf(again)).toEqual([...ids, "d9"]);
      await again.close();
      seen.add(ids.join());
      expect([all.slice(0, 5).join(), all.join(), all.slice(1).join()]).toContain(ids.join());
    }
    expect(seen.size).toBeGreaterThanOrEqual(2);
  });

  it("with files of another store among its own is refused", async () => {
    const files = await fill();
    await rm(folder, { recursive: true });
    const other = await fill();
    await isRefused(
      new Map(files).set("journal-00000002", other.get("journal-00000002")!),
      "journal-00000002",
    );
  });
});

describe.runIf(await canMount())("a store on a full disk (where a small disk can be mounted)", () => {
  it("refuses what does not fit, keeps what was acknowledged, and goes on when there is room", async () => {
    await mkdir(folder);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=256k", "tmpfs", folder]);
    try {
      const place = path.join(folder, "store");
      let store = await MemoryStore.open(place, { journalBytes: 60_000 });
      const acknowledged: string[] = [];
      let refused = 0;
      for (let number = 0; number < 60; number++) {
        const document = documentOf(number, `${number} `.repeat(3000));
        await store.upsert([document]).then(
          () => acknowledged.push(document.id),
          (error: { code: string; message: string }) => {
            refused++;
            expect([error.code, error.message]).toEqual([
              "STORE_FAILED",
              expect.stringContaining("Free some space"),
            ]);
          },
        );
      }
      expect(refused).toBeGreaterThan(10);
      expect(acknowledged.length).toBeGreaterThan(5);
      expect(await idsOf(store)).toEqual(acknowledged.toSorted());
      await expect(store.snapshot()).rejects.toMatchObject({ code: "STORE_FAILED" });
      const [hit] = await store.searchSparse("sparse", new SparseVector([9], [1], 10), { k: 1 });
      expect(acknowledged).toContain(hit?.id);
      // Neither a note nor a snapshot may fit any more, and yet nothing is lost.
      await store.close();
      execFileSync("mount", ["-o", "remount,size=4m", folder]);
      store = await MemoryStore.open(place);
      expect(await idsOf(store)).toEqual(acknowledged.toSorted());
      await store.upsert([documentOf(100)]);
      await store.snapshot();
      await store.close();
      store = await MemoryStore.open(place);
      expect(await idsOf(store)).toEqual([...acknowledged, "d100"].sort());
      await store.close();
    } finally {
      execFileSync("umount", [folder]);
    }
  });
});
