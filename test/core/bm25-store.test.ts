import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import {
  Bm25Encoder,
  type Bm25EncoderOptions,
  HybridRetriever,
  InvertedIndex,
  MemoryStore,
  type NewDocument,
  type Store,
} from "@sparse-encoder/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FakeStore } from "../fakes/fake-store.ts";

let folders: string;
let folderCount = 0;
const newFolder = () => path.join(folders, String(folderCount++));

beforeAll(async () => {
  folders = await mkdtemp(path.join(tmpdir(), "bm25-store-"));
});
afterAll(() => rm(folders, { recursive: true }));

function retrieverOf(store: Store, encoder = new Bm25Encoder()) {
  return new HybridRetriever({ arms: { keyword: { encoder, store } } });
}

const documentsOf = (texts: readonly string[]): NewDocument[] => texts.map((text) => ({ id: text, text }));

async function found(retriever: HybridRetriever, query: string): Promise<string[]> {
  return (await retriever.retrieve(query)).map(({ id }) => id!);
}

describe("BM25 in a store", () => {
  const invoices = ["Invoice 4711 was paid in March.", "Miller wrote the manual.", "Rossi drove to Milan."];

  it("finds the right texts when a program runs twice and fits what it has then", async () => {
    const folder = newFolder();
    for (const texts of [invoices, ["Tanaka asked for a refund.", ...invoices]]) {
      await using store = await MemoryStore.open(folder);
      const encoder = new Bm25Encoder();
      await encoder.fit(texts);
      const retriever = retrieverOf(store, encoder);
      await retriever.add(documentsOf(texts.slice(0, texts.length - (await store.count()))));
      expect(await found(retriever, "Rossi")).toEqual(["Rossi drove to Milan."]);
      expect(await found(retriever, "Tanaka")).toEqual(texts.filter((text) => text.startsWith("Tanaka")));
      const [hit] = await retriever.retrieve("Rossi", { explain: true });
      expect(hit!.arms.keyword!.terms!.map(({ token }) => token)).toEqual(["rossi"]);
    }
  });

  it("finds words of documents that came after the fit, with or without one", async () => {
    const fitted = new Bm25Encoder();
    await fitted.fit(["a cat", "a dog"]);
    for (const encoder of [fitted, new Bm25Encoder()]) {
      for (const store of [new MemoryStore(), new FakeStore()]) {
        const retriever = retrieverOf(store, encoder);
        await retriever.add(documentsOf(["a cat", "a dog"]));
        await retriever.add(documentsOf(["a fish", "another fish"]));
        expect(await found(retriever, "what is a fish?")).toEqual(["a fish", "another fish"]);
      }
    }
  });

  it("counts texts once that are fitted and added, where the encoder counts", async () => {
    const encoder = new Bm25Encoder();
    await encoder.fit(["a cat", "a cat", "a dog"]);
    const retriever = retrieverOf(new FakeStore(), encoder);
    await retriever.add([
      { id: "1", text: "a cat" },
      { id: "2", text: "a cat" },
      { id: "3", text: "a dog" },
      { id: "4", text: "a cat" },
      { id: "5", text: "bird", encodedText: "a dog" },
    ]);
    expect(encoder.summary.documents).toBe(5);
    const fresh = new Bm25Encoder();
    await fresh.fit(["a cat", "a cat", "a dog", "a cat", "a dog"]);
    expect((await encoder.encodeQuery("dog")).equals(await fresh.encodeQuery("dog"))).toBe(true);
  });

  it("refuses vectors of another encoder by name, when documents are added and searched", async () => {
    const folder = newFolder();
    {
      await using store = await MemoryStore.open(folder);
      await retrieverOf(store).add(documentsOf(invoices));
      await store.snapshot();
    }
    await using store = await MemoryStore.open(folder);
    const german = retrieverOf(store, new Bm25Encoder({ language: "de" }));
    const refusal = /language=en tokens=words .*language=de tokens=words/s;
    await expect(german.add(documentsOf(["Haus"]))).rejects.toMatchObject({
      code: "STORE_MISMATCH",
      message: expect.stringMatching(refusal),
    });
    await expect(german.retrieve("Haus")).rejects.toThrow(refusal);
    const others: Bm25EncoderOptions[] = [
      { k1: 1 },
      { b: 0.5 },
      { stopWords: [] },
      { stemming: false },
      { tokens: "bm25s" },
      { analyzer: (text) => text.split(" ") },
    ];
    for (const options of others) {
      const other = retrieverOf(store, new Bm25Encoder(options));
      await expect(other.add(documentsOf(["a"]))).rejects.toMatchObject({ code: "STORE_MISMATCH" });
    }
    expect(await store.count()).toBe(3);
    // The same settings, spelt out, are the same encoder. Without documents, another one may take the name.
    const same = retrieverOf(store, new Bm25Encoder({ language: "en", k1: 1.2, b: 0.6 }));
    expect(await found(same, "Rossi")).toEqual(["Rossi drove to Milan."]);
    await same.delete({ ids: invoices });
    await german.add(documentsOf(["Häuser"]));
    expect(await found(german, "Haus")).toEqual(["Häuser"]);
  });

  it("refuses vectors that were compared with another average length", async () => {
    const store = new MemoryStore();
    const encoder = new Bm25Encoder({ lengthNorm: "average" });
    const retriever = retrieverOf(store, encoder);
    await encoder.fit(invoices);
    await retriever.add(documentsOf(invoices));
    await encoder.fit([...invoices, "A much longer text about something that nobody has ever asked about."]);
    await expect(retriever.add(documentsOf(["new"]))).rejects.toMatchObject({ code: "STORE_MISMATCH" });
  });

  it("keeps what made the vectors over an end of the process without a close", async () => {
    const folder = newFolder();
    const script = `
      import { Bm25Encoder, HybridRetriever, MemoryStore } from ${JSON.stringify(import.meta.resolve("@sparse-encoder/core"))};
      const [folder, ...texts] = process.argv.slice(1);
      const store = await MemoryStore.open(folder);
      const retriever = new HybridRetriever({ arms: { keyword: { encoder: new Bm25Encoder(), store } } });
      await retriever.add(texts.map((text) => ({ id: text, text })));
      process.kill(process.pid, "SIGKILL");
    `;
    for (const texts of [invoices.slice(0, 2), invoices.slice(2)]) {
      const run = promisify(execFile)(process.execPath, [
        "--input-type=module",
        "-e",
        script,
        folder,
        ...texts,
      ]);
      await expect(run).rejects.toMatchObject({ signal: "SIGKILL" });
    }
    await using store = await MemoryStore.open(folder);
    expect(await rankings(retrieverOf(store), ["paid manual", "milan"])).toEqual(
      await freshRankings(documentsOf(invoices), ["paid manual", "milan"]),
    );
    const other = retrieverOf(store, new Bm25Encoder({ language: "de" }));
    await expect(other.retrieve("milan")).rejects.toThrow("language=en");
  });
});

/** Ids and scores of all hits of each query. */
async function rankings(retriever: HybridRetriever, queries: readonly string[]) {
  const results = await retriever.retrieveMany(queries, { k: 100 });
  return results.map((hits) => hits.map(({ id, arms }) => ({ id, score: arms.keyword!.score })));
}

/** The same with an encoder that is fitted on exactly these documents, and an index made of nothing else. */
async function freshRankings(documents: readonly NewDocument[], queries: readonly string[]) {
  const encoder = new Bm25Encoder();
  const texts = documents.map(({ text }) => text);
  await encoder.fit(texts);
  const index = new InvertedIndex(encoder.embeddingDimension);
  index.addMany(
    documents.map(({ id }) => id),
    await encoder.encodeDocument(texts),
  );
  const vectors = documents.length === 0 ? [] : [...(await encoder.encodeQuery(queries))];
  if (documents.length === 0) return queries.map(() => []);
  return vectors.map((vector) => (vector.activeDims === 0 ? [] : index.search(vector, { topK: 100 })));
}

describe("500 random histories of a folder", () => {
  const words = "cat dog bird GPT-4 GPT-3 C++ 7.3.2 vitamin A type fish house running café 東京 the of".split(
    " ",
  );

  /** A small linear congruential generator, so that a failure can be repeated. */
  function randomOf(seed: number) {
    let state = seed * 7919 + 1;
    return (below: number) => {
      state = (state * 1103515245 + 12345) % 2 ** 31;
      return (state >> 8) % below;
    };
  }

  async function history(seed: number) {
    const random = randomOf(seed);
    const text = () => Array.from({ length: random(9) }, () => words[random(words.length)]).join(" ");
    const folder = newFolder();
    const expected = new Map<string, NewDocument>();
    let store = await MemoryStore.open(folder);
    let retriever = retrieverOf(store);
    for (let step = 0; step < 6; step++) {
      switch (random(6)) {
        case 0:
        case 1: {
          // New documents, and others in place of those that are there.
          const added = new Map(
            Array.from({ length: 1 + random(4) }, () => {
              const id = `d${random(12)}`;
              return [id, { id, text: text(), metadata: { group: random(3) } }] as const;
            }),
          );
          await retriever.add(added.values(), { batchSize: 1 + random(3) });
          for (const [id, document] of added) expected.set(id, document);
          break;
        }
        case 2: {
          const ids = [`d${random(12)}`, `d${random(12)}`];
          await retriever.delete({ ids });
          for (const id of ids) expected.delete(id);
          break;
        }
        case 3: {
          const group = random(3);
          await retriever.delete({ filter: { group } });
          for (const [id, { metadata }] of expected) if (metadata!.group === group) expected.delete(id);
          break;
        }
        case 4: {
          // A new process, which may fit what it knows, and may find a snapshot or the journal.
          if (random(2) === 0) await store.snapshot();
          await store.close();
          store = await MemoryStore.open(folder);
          const encoder = new Bm25Encoder();
          if (random(2) === 0) await encoder.fit([text(), text()]);
          retriever = retrieverOf(store, encoder);
          break;
        }
        default:
          // A second retriever with an encoder of its own, in turn with the first.
          retriever = retrieverOf(store);
      }
    }
    const queries = ["cat dog", "GPT-4", "type A", "7.3", "東京 café", "the", text()];
    const actual = await rankings(retriever, queries);
    await store.close();
    expect(actual, `seed ${seed}`).toEqual(await freshRankings([...expected.values()], queries));
  }

  it("rank as one fresh fit", async () => {
    let next = 0;
    const lane = async () => {
      while (next < 500) await history(next++);
    };
    // Most of the time goes into flushes of the disk, which may overlap.
    await Promise.all(Array.from({ length: 16 }, lane));
  }, 120_000);
});
