import { cpSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import path from "node:path";
import { MemoryStore, SparseVector, type StoredDocument } from "@sparse-encoder/core";
import { Journal, readJournal, readSnapshot } from "../../packages/core/src/disk/index.ts";
import { allCalls, DiskFaults } from "../fakes/disk-faults.ts";
import { type Attempt, checkError, silentAcceptance } from "./attempts.ts";
import { forgeSnapshot } from "./forged-snapshots.ts";
import { KnownDocuments } from "./known-documents.ts";
import { mutatedBytes, mutatedJson, type Random } from "./mutations.ts";

const dimension = 30;

function documentOf(id: string, version: number): StoredDocument {
  return {
    id,
    text: `version ${version} `.repeat(1 + (version % 30)),
    metadata: { year: version % 5, tags: ["a"] },
    vectors: {
      sparse: new SparseVector([version % 7, 10 + (version % 5), 20], [1, 2, version + 1], dimension),
      ...(version % 3 > 0 && { dense: Float32Array.of(version + 1, 1, 2) }),
    },
  };
}

let installed: Promise<DiskFaults> | undefined;

/** Wraps the calls of this process to the disk, once. */
async function diskFaults(scratch: string): Promise<DiskFaults> {
  installed ??= (async () => {
    const faults = new DiskFaults();
    await faults.install(scratch, allCalls);
    return faults;
  })();
  return installed;
}

async function contentOf(store: MemoryStore): Promise<StoredDocument[]> {
  const documents: StoredDocument[] = [];
  for await (const document of store.iterate()) documents.push(document);
  return documents;
}

/** Makes a call; resolves with false if it was refused by an error of the library. */
async function attempted(what: string, call: () => Promise<unknown>): Promise<boolean> {
  try {
    await call();
    return true;
  } catch (error) {
    checkError(error, what);
    if (error.code === "STORE_CORRUPT") throw silentAcceptance(`${what}: ${error.message}`);
    return false;
  }
}

/** The life of a store in a folder, some of whose calls to the disk fail. */
class StoreLife {
  private readonly known = new KnownDocuments();
  private readonly folder: string;
  private readonly faults: DiskFaults;
  private readonly random: Random;
  private store: MemoryStore | undefined;
  private version = 0;

  constructor(folder: string, faults: DiskFaults, random: Random) {
    this.folder = folder;
    this.faults = faults;
    this.random = random;
  }

  async live(): Promise<void> {
    try {
      for (let step = 0; step < 25; step++) await this.step();
    } finally {
      this.faults.end();
      await this.store?.close().catch(() => {});
    }
    // On a disk that works again.
    this.store = await MemoryStore.open(this.folder);
    this.known.check(await contentOf(this.store), "opened at the end");
    await this.store.close();
  }

  private async step(): Promise<void> {
    const { random, faults } = this;
    if (random.oneIn(3)) {
      const codes = ["EIO", "ENOSPC", "EMFILE"];
      faults.plan(random.below(25), random.pick([1, 1, 2, 1000]), random.pick(codes));
    }
    try {
      const store = await this.opened();
      if (store !== undefined) await this.change(store);
    } finally {
      faults.end();
    }
    if (random.oneIn(6)) await this.checkCopy();
  }

  private async opened(): Promise<MemoryStore | undefined> {
    if (this.store !== undefined) return this.store;
    await attempted("open", async () => {
      this.store = await MemoryStore.open(this.folder, { journalBytes: 2000 });
    });
    if (this.store === undefined) return undefined;
    const found = await contentOf(this.store);
    this.known.check(found, "opened again");
    this.known.settle(found);
    return this.store;
  }

  private async change(store: MemoryStore): Promise<void> {
    const { random, known } = this;
    const id = () => `d${random.below(30)}`;
    switch (random.below(10)) {
      case 0:
        await attempted("close", () => store.close());
        this.store = undefined;
        break;
      case 1:
        await attempted("snapshot", () => store.snapshot());
        break;
      case 2: {
        const ids = [id(), id()];
        const isDone = await attempted("delete", () => store.delete({ ids }));
        for (const one of ids) known.set(one, undefined, isDone);
        break;
      }
      case 3: {
        const year = random.below(5);
        const isDone = await attempted("delete", () => store.delete({ filter: { year } }));
        known.deleteWhere(({ metadata }) => metadata.year === year, isDone);
        break;
      }
      default: {
        const ids = new Set(Array.from({ length: 1 + random.below(4) }, id));
        const documents = [...ids].map((one) => documentOf(one, this.version++));
        const isDone = await attempted("upsert", () => store.upsert(documents));
        for (const document of documents) known.set(document.id, document, isDone);
      }
    }
  }

  /** What another process would find if this one were killed now. */
  private async checkCopy(): Promise<void> {
    const copy = `${this.folder}-copy`;
    rmSync(copy, { recursive: true, force: true });
    try {
      cpSync(this.folder, copy, { recursive: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      return;
    }
    for (const name of readdirSync(copy)) if (name.startsWith("lock")) rmSync(path.join(copy, name));
    const opened = await MemoryStore.open(copy);
    try {
      this.known.check(await contentOf(opened), "in a copy");
    } finally {
      await opened.close();
    }
  }
}

/** Uses a store as a program would. */
async function useStore(folder: string): Promise<void> {
  const store = await MemoryStore.open(folder);
  try {
    await contentOf(store);
    const query = new SparseVector([1, 11, 20], [1, 1, 1], dimension);
    for (const hits of [
      await store.searchSparse("sparse", query, { filter: { year: { $gte: 2 } } }),
      await store.searchDense("dense", Float32Array.of(1, 2, 3)),
    ]) {
      if (hits.some(({ score }) => Number.isNaN(score))) throw silentAcceptance("a score is not a number");
    }
    await store.upsert(Array.from({ length: 70 }, (_, number) => documentOf(`new${number}`, number)));
    await store.delete({ filter: { year: { $lt: 3 } } });
    await store.snapshot();
  } finally {
    await store.close();
  }
}

/** A store of a snapshot and a journal, closed. */
async function makeSound(folder: string): Promise<void> {
  const store = await MemoryStore.open(folder, { model: "m" });
  await store.upsert(Array.from({ length: 90 }, (_, number) => documentOf(`d${number}`, number)));
  await store.delete({ ids: ["d3", "d40"] });
  await store.snapshot();
  await store.upsert([documentOf("d91", 91)]);
  await store.delete({ ids: ["d5"] });
  await store.close();
}

const [snapshotName, journalName] = ["snapshot-00000002", "journal-00000002"];

/** Copies a journal with a change in one record, under checksums that are right. */
async function forgeJournal(from: string, to: string, store: string, random: Random): Promise<void> {
  const origin = { store, generation: 2 };
  const records: Buffer[] = [];
  await readJournal(path.join(from, journalName), origin, (record) => records.push(Buffer.from(record)));
  const journal = await Journal.create(path.join(to, journalName), origin);
  const changed = random.below(records.length);
  await journal.append(
    records.map((record, number) => {
      if (number !== changed) return record;
      if (random.oneIn(2)) return mutatedBytes(record, random);
      const end = 4 + record.readUInt32LE(0);
      const json = JSON.stringify(mutatedJson(JSON.parse(record.toString("utf8", 4, end)), random));
      const head = Buffer.alloc(4);
      head.writeUInt32LE(Buffer.byteLength(json));
      return Buffer.concat([head, Buffer.from(json), record.subarray(end)]);
    }),
  );
  await journal.close();
}

/** Stores in folders. */
export const storeTargets: Readonly<Record<string, Attempt>> = {
  histories: async (random, scratch) => {
    await new StoreLife(path.join(scratch, "store"), await diskFaults(scratch), random).live();
  },
  forgedStores: async (random, scratch) => {
    const [sound, forged] = [path.join(scratch, "sound"), path.join(scratch, "forged")];
    await makeSound(sound);
    mkdirSync(forged);
    const { description } = await readSnapshot(path.join(sound, snapshotName), "store");
    const { store } = description as { readonly store: string };
    if (random.oneIn(2)) {
      await forgeSnapshot(path.join(sound, snapshotName), "store", path.join(forged, snapshotName), random);
      await (await Journal.create(path.join(forged, journalName), { store, generation: 2 })).close();
    } else {
      cpSync(path.join(sound, snapshotName), path.join(forged, snapshotName));
      await forgeJournal(sound, forged, store, random);
    }
    await useStore(forged);
  },
};
