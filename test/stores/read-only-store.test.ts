import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { cp, mkdir, mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { MemoryStore, SparseVector, type StoredDocument } from "@sparse-encoder/core";
import { build } from "esbuild";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { canMount } from "../helpers/small-disk.ts";
import { applyStep, contentOf, randomOf } from "./crash-history.ts";

let base: string;
let folder: string;
beforeEach(async () => {
  base = await mkdtemp(path.join(tmpdir(), "read-only-"));
  folder = path.join(base, "store");
});
afterEach(() => rm(base, { recursive: true, force: true }));

const documentOf = (number: number): StoredDocument => ({
  id: `d${number}`,
  text: `text ${number}`,
  metadata: { number },
  vectors: { sparse: SparseVector.from({ 1: number + 1 }, 10), dense: Float32Array.of(number + 1, 1) },
});

const read = (options: object = {}) => MemoryStore.open(folder, { readOnly: true, ...options });

async function idsOf(store: MemoryStore): Promise<string> {
  const ids: string[] = [];
  for await (const { id } of store.iterate()) ids.push(id);
  return ids.join();
}

describe("a store that is only read", () => {
  it("has what was acknowledged when it was opened, and after a refresh what was since", async () => {
    await using writer = await MemoryStore.open(folder, { model: "m" });
    await writer.upsert([0, 1].map(documentOf));
    await using reader = await read();
    await writer.upsert([documentOf(2)]);
    expect(await idsOf(reader)).toBe("d0,d1");
    expect(await reader.refresh()).toBe(true);
    expect(await idsOf(reader)).toBe("d0,d1,d2");
    expect(await reader.refresh()).toBe(false);
    await writer.delete({ ids: ["d0"] });
    await writer.snapshot();
    await writer.upsert([documentOf(3)]);
    expect(await reader.refresh()).toBe(true);
    expect(await idsOf(reader)).toBe("d1,d2,d3");
    const [hit] = await reader.searchSparse("sparse", SparseVector.from({ 1: 2 }, 10), { k: 1 });
    expect(hit).toMatchObject({ id: "d3", score: 8 });
    expect(await reader.searchDense("dense", Float32Array.of(1, 1), { k: 1 })).toMatchObject([{ id: "d1" }]);
    // Two journals further; the first one is gone.
    await writer.snapshot();
    await writer.snapshot();
    await writer.upsert([documentOf(4)]);
    await reader.refresh();
    expect(await idsOf(reader)).toBe("d1,d2,d3,d4");
    expect(reader.vectors).toEqual(writer.vectors);
  });

  it("takes no lock and writes nothing, also after a crash", async () => {
    const writer = await MemoryStore.open(folder);
    await writer.upsert([documentOf(0)]);
    const copy = path.join(base, "copy");
    await cp(folder, copy, { recursive: true, filter: (name) => path.basename(name) !== "lock" });
    await writer.close();
    for (const place of [folder, copy]) {
      const list = async () =>
        Promise.all(
          (await readdir(place)).map(async (name) => {
            const { mtimeMs, size } = await stat(path.join(place, name));
            return [name, mtimeMs, size];
          }),
        );
      const before = await list();
      await using first = await MemoryStore.open(place, { readOnly: true });
      await using second = await MemoryStore.open(place, { readOnly: true });
      expect([await idsOf(first), await idsOf(second)]).toEqual(["d0", "d0"]);
      expect(await first.refresh()).toBe(false);
      expect(await list()).toEqual(before);
    }
    await (await MemoryStore.open(copy)).close();
  });

  it("has no record that its writer may still take back", async () => {
    const writer = await MemoryStore.open(folder);
    await writer.upsert([documentOf(0)]);
    await writer.upsert([documentOf(1)]);
    // What a process holds that was about to acknowledge `d1`: the record without the mark behind it.
    const copy = path.join(base, "copy");
    await cp(folder, copy, { recursive: true });
    const journal = path.join(copy, "journal-00000001");
    const { size } = await stat(journal);
    await import("node:fs/promises").then(({ truncate }) => truncate(journal, size - 24));
    await using reader = await MemoryStore.open(copy, { readOnly: true });
    expect(await idsOf(reader)).toBe("d0");
    // The lock names this process: without it, the record is what the next writer finds.
    await rm(path.join(copy, "lock"));
    expect(await reader.refresh()).toBe(true);
    expect(await idsOf(reader)).toBe("d0,d1");
    await writer.close();
  });

  it("refuses what would write, and says why", async () => {
    await (await MemoryStore.open(folder)).close();
    await using reader = await read();
    for (const call of [
      reader.upsert([documentOf(1)]),
      reader.delete({ ids: ["d1"] }),
      reader.delete({ filter: {} }),
      reader.snapshot(),
      new MemoryStore().refresh(),
    ]) {
      await expect(call).rejects.toMatchObject({
        code: "STORE_UNSUPPORTED",
        message: expect.stringContaining("readOnly"),
      });
    }
    await expect(reader.refresh({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "ABORTED" });
    await expect(reader.refresh({ deep: true } as object)).rejects.toMatchObject({ code: "UNKNOWN_OPTION" });
  });

  it("is opened for its own model and vectors, and not for a folder without a store", async () => {
    const store = await MemoryStore.open(folder, { model: "m" });
    await store.upsert([documentOf(0)]);
    await store.close();
    const sparse = { kind: "sparse", dimension: 10 } as const;
    await expect(read({ model: "other" })).rejects.toMatchObject({ code: "STORE_MISMATCH" });
    await expect(read({ vectors: { sparse: { ...sparse, dimension: 11 } } })).rejects.toMatchObject({
      code: "STORE_MISMATCH",
    });
    await using reader = await read({ model: "m", vectors: { sparse, later: sparse } });
    expect(await reader.searchSparse("later", SparseVector.from({ 1: 1 }, 10))).toEqual([]);
    await expect(read({ journalBytes: 5 })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    await expect(read({ readOnly: 1 })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    for (const place of [path.join(base, "none"), base]) {
      await expect(MemoryStore.open(place, { readOnly: true })).rejects.toMatchObject({
        code: "INVALID_ARGUMENT",
        message: expect.stringContaining("there is no store"),
      });
      expect(await readdir(base)).toEqual(["store"]);
    }
  });

  it("says what is damaged, and keeps what it has", async () => {
    const writer = await MemoryStore.open(folder);
    await writer.upsert([documentOf(0)]);
    await using reader = await read();
    await writer.upsert([documentOf(1)]);
    await writer.close();
    const { open } = await import("node:fs/promises");
    const handle = await open(path.join(folder, "journal-00000001"), "r+");
    const { size } = await handle.stat();
    await handle.write(Buffer.from([255]), 0, 1, size - 60);
    await handle.close();
    await expect(reader.refresh()).rejects.toMatchObject({ code: "STORE_CORRUPT" });
    expect(await idsOf(reader)).toBe("d0");
    await expect(read()).rejects.toMatchObject({ code: "STORE_CORRUPT" });
  });
});

describe.runIf(await canMount())("on a file system that takes no writes", () => {
  it("a store opens to be read, and not to be written", async () => {
    await mkdir(folder);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=4m", "tmpfs", folder]);
    try {
      const place = path.join(folder, "store");
      const writer = await MemoryStore.open(place);
      await writer.upsert([0, 1].map(documentOf));
      await writer.close();
      execFileSync("mount", ["-o", "remount,ro", folder]);
      await using reader = await MemoryStore.open(place, { readOnly: true });
      expect(await idsOf(reader)).toBe("d0,d1");
      expect(await reader.refresh()).toBe(false);
      await expect(MemoryStore.open(place)).rejects.toMatchObject({
        code: "STORE_FAILED",
        message: expect.stringContaining("the right to read and write"),
      });
    } finally {
      execFileSync("umount", [folder]);
    }
  });
});

/** Seconds that readers and the writer run: short here, a minute with READ_ONLY_SECONDS=60. */
const seconds = Number(process.env.READ_ONLY_SECONDS ?? 4);
const readerCount = Number(process.env.READ_ONLY_READERS ?? 8);

describe("readers beside a writer that adds, deletes and compacts, and is killed again and again", () => {
  it("see states that were acknowledged when they looked, and never an error", async () => {
    const bundle = async (name: string) => {
      const outfile = path.join(base, `${name}.mjs`);
      await build({
        entryPoints: [fileURLToPath(new URL(`${name}.ts`, import.meta.url))],
        outfile,
        bundle: true,
        platform: "node",
        format: "esm",
        alias: {
          "@sparse-encoder/core": fileURLToPath(new URL("../../packages/core/src/index.ts", import.meta.url)),
        },
        packages: "bundle",
        external: ["onnxruntime-node", "piscina", "tokenizers"],
        logLevel: "warning",
      });
      return outfile;
    };
    const [writerFile, readerFile] = [await bundle("crash-writer"), await bundle("reader-process")];
    const seed = 5;
    const random = randomOf(seed);
    /** When steps were begun and acknowledged, by the clock of this machine. */
    const begun: number[] = [];
    const done: number[] = [];
    await (await MemoryStore.open(folder)).close();
    const linesOf = (child: ChildProcess, take: (line: string) => void) => {
      let rest = "";
      child.stdout!.on("data", (data: Buffer) => {
        const lines = (rest + data.toString("utf8")).split("\n");
        rest = lines.pop()!;
        for (const line of lines) take(line);
      });
      return once(child, "close");
    };
    const observations: {
      reader: number;
      begin: number;
      end: number;
      digest: string;
      problem: string | null;
    }[] = [];
    const readers = Array.from({ length: readerCount }, (_, reader) => {
      const child = spawn(process.execPath, [readerFile, folder, `${reader}`], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      const closed = linesOf(child, (line) => observations.push({ reader, ...JSON.parse(line) }));
      return { child, closed };
    });
    const until = Date.now() + 1000 * seconds;
    let next = 0;
    while (Date.now() < until) {
      const first = next;
      const child = spawn(process.execPath, [writerFile, folder, `${seed}`, `${first}`], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      let isOpen = false;
      const closed = linesOf(child, (line) => {
        const [word, text] = line.split(" ");
        const number = Number(text);
        if (word === "start") begun[number] ??= Date.now();
        // Steps are stored in order, so one that was acknowledged says that all before it are there.
        if (word === "done") for (let step = 0; step <= number; step++) done[step] ??= Date.now();
        if (word === "open" && !isOpen) {
          isOpen = true;
          // What it found, it keeps.
          for (let step = 0; step < first; step++) done[step] ??= Date.now();
          setTimeout(() => child.kill("SIGKILL"), 200 + random(600));
        }
      });
      await closed;
      // Of the steps that were not acknowledged some may have been stored: the first ones, each whole.
      next = await stepsOf(folder, seed, begun.length);
      expect(next).toBeGreaterThanOrEqual(done.length);
    }
    for (const { child } of readers) child.kill("SIGKILL");
    await Promise.all(readers.map(({ closed }) => closed));

    expect(observations.filter(({ problem }) => problem !== null)).toEqual([]);
    expect(done.length).toBeGreaterThan(20);
    expect(observations.length).toBeGreaterThan(2 * readerCount);
    const digests = digestsOf(seed, begun.length);
    for (const { reader, begin, end, digest } of observations) {
      // The lines of the writer arrive a little later than what they say.
      const least = done.findLastIndex((time) => time <= begin - 500);
      const most = begun.findLastIndex((time) => time <= end + 500);
      const when = `reader ${reader} from ${begin} to ${end}, steps ${least} to ${most}`;
      expect(digests.slice(0, most + 2), when).toContain(digest);
      expect(digests.lastIndexOf(digest), `${when} lags`).toBeGreaterThanOrEqual(least + 1);
    }
  }, 600_000);
});

const digestOf = (documents: Iterable<StoredDocument>) =>
  createHash("sha256").update(contentOf(documents)).digest("hex");

/** Digests of the documents after a number of steps. */
function digestsOf(seed: number, count: number): string[] {
  const documents = new Map<string, StoredDocument>();
  const digests = [digestOf(documents.values())];
  for (let number = 0; number < count; number++) {
    applyStep(documents, seed, number);
    digests.push(digestOf(documents.values()));
  }
  return digests;
}

/** How many steps a folder holds that nobody writes to. */
async function stepsOf(place: string, seed: number, begun: number): Promise<number> {
  await using store = await MemoryStore.open(place, { readOnly: true });
  const documents: StoredDocument[] = [];
  for await (const document of store.iterate()) documents.push(document);
  return digestsOf(seed, begun).lastIndexOf(digestOf(documents));
}
