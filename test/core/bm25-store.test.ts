import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { PGlite } from "@electric-sql/pglite";
import { vector } from "@electric-sql/pglite-pgvector";
import {
  Bm25Encoder,
  type Bm25EncoderOptions,
  type HybridRetriever,
  MemoryStore,
  type NewDocument,
} from "@sparse-encoder/core";
import { OpenSearchStore, PostgresStore, QdrantStore } from "@sparse-encoder/core/stores";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FakeStore } from "../fakes/fake-store.ts";
import { FakeOpenSearch } from "../fakes/opensearch/fake-opensearch.ts";
import { FakeQdrant } from "../fakes/qdrant/fake-qdrant.ts";
import {
  bm25History,
  freshRankings,
  type HistoryPlace,
  keywordRetriever,
  rankings,
} from "../helpers/bm25-history.ts";

let folders: string;
let folderCount = 0;
const newFolder = () => path.join(folders, String(folderCount++));

beforeAll(async () => {
  folders = await mkdtemp(path.join(tmpdir(), "bm25-store-"));
});
afterAll(() => rm(folders, { recursive: true }));

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
      const retriever = keywordRetriever(store, encoder);
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
        const retriever = keywordRetriever(store, encoder);
        await retriever.add(documentsOf(["a cat", "a dog"]));
        await retriever.add(documentsOf(["a fish", "another fish"]));
        expect(await found(retriever, "what is a fish?")).toEqual(["a fish", "another fish"]);
      }
    }
  });

  it("counts texts once that are fitted and added, where the encoder counts", async () => {
    const encoder = new Bm25Encoder();
    await encoder.fit(["a cat", "a cat", "a dog"]);
    const retriever = keywordRetriever(new FakeStore(), encoder);
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

  it("counts nothing that is added where it is told not to", async () => {
    const encoder = new Bm25Encoder();
    await encoder.fit(["a cat", "a dog"]);
    const retriever = keywordRetriever(new FakeStore(), encoder);
    await retriever.add(documentsOf(["a fish", "a bird"]), { countDocuments: false });
    expect(encoder.summary.documents).toBe(2);
    await retriever.add(documentsOf(["a horse"]));
    expect(encoder.summary.documents).toBe(3);
    await expect(retriever.add([], { countDocuments: 1 } as never)).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
  });

  it("refuses vectors of another encoder by name, when documents are added and searched", async () => {
    const folder = newFolder();
    {
      await using store = await MemoryStore.open(folder);
      await keywordRetriever(store).add(documentsOf(invoices));
      await store.snapshot();
    }
    await using store = await MemoryStore.open(folder);
    const german = keywordRetriever(store, new Bm25Encoder({ language: "de" }));
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
      const other = keywordRetriever(store, new Bm25Encoder(options));
      await expect(other.add(documentsOf(["a"]))).rejects.toMatchObject({ code: "STORE_MISMATCH" });
    }
    expect(await store.count()).toBe(3);
    // The same settings, spelt out, are the same encoder. Without documents, another one may take the name.
    const same = keywordRetriever(store, new Bm25Encoder({ language: "en", k1: 1.2, b: 0.6 }));
    expect(await found(same, "Rossi")).toEqual(["Rossi drove to Milan."]);
    await same.delete({ ids: invoices });
    await german.add(documentsOf(["Häuser"]));
    expect(await found(german, "Haus")).toEqual(["Häuser"]);
  });

  it("refuses vectors that were compared with another average length", async () => {
    const store = new MemoryStore();
    const encoder = new Bm25Encoder({ lengthNorm: "average" });
    const retriever = keywordRetriever(store, encoder);
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
    expect(await rankings(keywordRetriever(store), ["paid manual", "milan"])).toEqual(
      await freshRankings(documentsOf(invoices), ["paid manual", "milan"]),
    );
    const other = keywordRetriever(store, new Bm25Encoder({ language: "de" }));
    await expect(other.retrieve("milan")).rejects.toThrow("language=en");
  });
});

describe("random histories", () => {
  /** Most of the time goes into flushes of the disk and answers of servers, which may overlap. */
  async function histories(count: number, nextPlace: (seed: number) => HistoryPlace): Promise<void> {
    let next = 0;
    const lane = async () => {
      while (next < count) {
        const seed = next++;
        await bm25History(seed, nextPlace(seed));
      }
    };
    await Promise.all(Array.from({ length: 16 }, lane));
  }

  it("of a folder rank as one fresh fit, 500 of them", async () => {
    await histories(500, (seed) => {
      const folder = newFolder();
      return {
        isShared: false,
        async open() {
          const store = await MemoryStore.open(folder);
          // It may be opened from a snapshot or from the journal.
          if (seed % 2 === 0) await store.snapshot();
          return store;
        },
      };
    });
  }, 120_000);

  const keyword = { kind: "sparse", dimension: new Bm25Encoder().embeddingDimension } as const;

  it("of two processes before a fake of Qdrant rank as one fresh fit, 50 of them", async () => {
    const fake = await FakeQdrant.start();
    await histories(50, (seed) => ({
      isShared: true,
      open: () => QdrantStore.open({ url: fake.url, collection: `c${seed}`, vectors: { keyword } }),
    }));
    await fake.stop();
  }, 120_000);

  it("of two processes before a fake of OpenSearch rank as one fresh fit, 50 of them", async () => {
    const fake = await FakeOpenSearch.start();
    await histories(50, (seed) => ({
      isShared: true,
      open: () => OpenSearchStore.open({ url: fake.url, index: `i${seed}`, vectors: { keyword } }),
    }));
    await fake.stop();
  }, 120_000);

  it("of two stores of one PGlite rank as one fresh fit, 20 of them", async () => {
    const client = await PGlite.create({ extensions: { vector } });
    await histories(20, (seed) => ({
      isShared: true,
      open: () => PostgresStore.open({ client, table: `t${seed}` }),
    }));
    await client.close();
  }, 120_000);
});
