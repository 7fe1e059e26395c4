import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { exhaustiveSearch, MemoryStore, type SparseVector, type StoredDocument } from "@sparse-encoder/core";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { applyStep, contentOf, denseDimension, randomOf, sparseOf } from "./crash-history.ts";

const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));
let folder: string;
let writer: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "store-crash-"));
  writer = path.join(folder, "writer.mjs");
  // Of the library only the store: a process with nothing else starts much faster.
  await build({
    entryPoints: [here("crash-writer.ts")],
    outfile: writer,
    bundle: true,
    platform: "node",
    format: "esm",
    alias: { "@sparse-encoder/core": here("../../packages/core/src/index.ts") },
    packages: "bundle",
    external: ["onnxruntime-node", "piscina", "tokenizers"],
    logLevel: "warning",
  });
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** What a killed writer said. */
interface Crash {
  /** All steps below this were acknowledged. */
  readonly acknowledged: number;
  /** No step from this on was begun. */
  readonly begun: number;
}

/** Starts a writer and kills it: now and then before it is ready, mostly some time after. */
async function crash(
  store: string,
  seed: number,
  first: number,
  random: (below: number) => number,
): Promise<Crash> {
  const child = spawn(process.execPath, [writer, store, `${seed}`, `${first}`], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  const kill = (wait: number) => setTimeout(() => child.kill("SIGKILL"), wait);
  if (random(10) === 0) kill(random(300));
  let isOpen = false;
  child.stdout.on("data", (data: Buffer) => {
    output += data.toString("latin1");
    if (!isOpen && output.includes("open\n")) {
      isOpen = true;
      kill(random(120));
    }
  });
  const [code, signal] = await once(child, "close");
  expect([code, signal]).toEqual([null, "SIGKILL"]);
  const lines = output.split("\n").slice(0, -1);
  const numbers = (word: string) =>
    lines.filter((line) => line.startsWith(word)).map((line) => Number(line.slice(word.length)));
  const done = new Set(numbers("done "));
  let acknowledged = first;
  while (done.delete(acknowledged)) acknowledged++;
  // Steps are stored in order, so one that was acknowledged says that all before it are there.
  for (const number of done) acknowledged = Math.max(acknowledged, number + 1);
  return { acknowledged, begun: Math.max(first, ...numbers("start ").map((number) => number + 1)) };
}

async function contentOfStore(store: MemoryStore): Promise<string> {
  const documents: StoredDocument[] = [];
  for await (const document of store.iterate()) documents.push(document);
  return contentOf(documents);
}

/** Searches find what a search through all documents finds. */
async function checkSearches(
  store: MemoryStore,
  documents: ReadonlyMap<string, StoredDocument>,
  random: (below: number) => number,
): Promise<void> {
  const sparse = [...documents].map(([id, { vectors }]) => [id, vectors.sparse as SparseVector] as const);
  for (let run = 0; run < 3; run++) {
    const query = sparseOf(random);
    const hits = await store.searchSparse("sparse", query, { k: 20 });
    const expected = exhaustiveSearch(sparse, query, { topK: 20 });
    expect(hits.map(({ id, score }) => ({ id, score }))).toEqual(expected);
  }
  const withDense = [...documents.values()].filter(({ vectors }) => vectors.dense !== undefined);
  if (withDense.length === 0) return;
  const query = Float32Array.from({ length: denseDimension }, () => random(16) - 7.5);
  const hits = await store.searchDense("dense", query, { k: 1000 });
  expect(hits.map(({ id }) => id).sort()).toEqual(withDense.map(({ id }) => id).sort());
}

/** Kills writers of one store, one after the other; returns how many steps were acknowledged. */
async function crashAgainAndAgain(seed: number, kills: number): Promise<number> {
  const random = randomOf(seed);
  const store = path.join(folder, `store-${seed}`);
  const documents = new Map<string, StoredDocument>();
  let steps = 0;
  for (let kill = 0; kill < kills; kill++) {
    const { acknowledged, begun } = await crash(store, seed, steps, random);
    // A copy is opened here, so that the next writer finds what the dead one left.
    const copy = `${store}-copy`;
    await rm(copy, { recursive: true, force: true });
    await cp(store, copy, { recursive: true }).catch((error: NodeJS.ErrnoException) => {
      // It was killed before it made the folder.
      if (error.code !== "ENOENT") throw error;
    });
    const opened = await MemoryStore.open(copy);
    const found = await contentOfStore(opened);
    for (; steps < acknowledged; steps++) applyStep(documents, seed, steps);
    // Of the steps under way some may have been stored: the first ones, each whole.
    while (steps < begun && contentOf(documents.values()) !== found) applyStep(documents, seed, steps++);
    expect(found).toBe(contentOf(documents.values()));
    await checkSearches(opened, documents, random);
    await opened.close();
  }
  const last = await MemoryStore.open(store);
  await last.snapshot();
  await last.close();
  const left = await readdir(store);
  // A process that was killed while it wrote its own name leaves a file that nobody can tell from one of a process that lives.
  const whole = left.filter((name) => !/^lock\..*\.tmp$/.test(name));
  expect(whole.map((name) => name.replace(/\d+/, "n"))).toEqual(["closed", "journal-n", "snapshot-n"]);
  const again = await MemoryStore.open(store);
  expect(await contentOfStore(again)).toBe(contentOf(documents.values()));
  await again.close();
  return steps;
}

describe("a store whose process is killed", () => {
  it("has all that was acknowledged, and of the rest whole calls, after each of 100 kills", async () => {
    const steps = await Promise.all([1, 2, 3, 4].map((seed) => crashAgainAndAgain(seed, 25)));
    // The kills came while there was work: else this would say nothing.
    expect(Math.min(...steps)).toBeGreaterThan(50);
  }, 180_000);
});
