import { Document, type DocumentInterface } from "@langchain/core/documents";
import { BaseRetriever } from "@langchain/core/retrievers";
import type { VectorStoreRetriever } from "@langchain/core/vectorstores";
import { type Filter, IngestionError, MemoryStore, SparseEncoderError } from "@sparse-encoder/core";
import { FakeDenseEmbedder, FakeSparseEncoder } from "@sparse-encoder/core/testing";
import {
  DenseEmbeddings,
  type DocumentFilter,
  type DocumentScores,
  HybridRetriever,
  HybridVectorStore,
  SparseEmbeddings,
} from "@sparse-encoder/langchain";
import { describe, expect, it, vi } from "vitest";
import { refused } from "./vector-store-cases.ts";

const encoder = new FakeSparseEncoder();
const sparseEmbeddings = new SparseEmbeddings({ encoder });
const embeddings = new DenseEmbeddings({ encoder: new FakeDenseEmbedder() });

const storeOf = (mode: "sparse" | "dense" | "hybrid" = "hybrid", store = new MemoryStore()) =>
  new HybridVectorStore(embeddings, { store, sparseEmbeddings, mode });

/** A fake of a keyword retriever: ranks documents without ids by the words that they share with the query. */
class KeywordRetriever extends BaseRetriever {
  override lc_namespace = ["test"];
  private readonly documents: DocumentInterface[];

  constructor(documents: DocumentInterface[]) {
    super();
    this.documents = documents;
  }

  override async _getRelevantDocuments(query: string): Promise<DocumentInterface[]> {
    const words = query.split(" ");
    const score = ({ pageContent }: DocumentInterface) =>
      words.filter((word) => pageContent.split(" ").includes(word)).length;
    return this.documents.toSorted((a, b) => score(b) - score(a));
  }
}

const bare = ["red apple", "red plum", "green pear"].map(
  (pageContent, n) => new Document({ pageContent, metadata: { n, url: `/${pageContent}` } }),
);

describe("a keyword retriever and a vector store over the same documents without ids", () => {
  const shapes: [string, (store: HybridVectorStore) => object][] = [
    ["the store's retriever", (store) => ({ retriever: store.asRetriever(3) })],
    ["the store's hybrid retriever", (store) => ({ retriever: store.asHybridRetriever() })],
  ];

  it.each(shapes)("find each document once, with the bonus of two arms: %s", async (_, armOf) => {
    const vectors = storeOf();
    const ids = await vectors.addDocuments(bare);
    const retriever = new HybridRetriever({
      arms: { bm25: { retriever: new KeywordRetriever(bare) }, vector: armOf(vectors) as never },
      fusion: "rrf",
      scoreKey: "scores",
    });
    const found = await retriever.invoke("red apple");
    expect(found.map(({ pageContent }) => pageContent).toSorted()).toEqual(
      bare.map(({ pageContent }) => pageContent).toSorted(),
    );
    expect(found[0]).toMatchObject({ pageContent: "red apple", id: ids[0], metadata: { n: 0 } });
    const { score, arms } = found[0]!.metadata.scores as DocumentScores;
    expect([score, Object.keys(arms)]).toEqual([2 / 61, ["bm25", "vector"]]);
    expect(found.every(({ id }) => ids.includes(id!))).toBe(true);
  });

  it("find it once with the store as an arm, by text or by an idKey that stores hold too", async () => {
    const store = new MemoryStore();
    await storeOf("hybrid", store).addDocuments(bare);
    const changed = bare.map(({ metadata }) => new Document({ pageContent: "another text", metadata }));
    for (const [documents, idKey] of [
      [bare, undefined],
      [bare, ({ pageContent }: DocumentInterface) => pageContent],
      [changed, "url"],
    ] as const) {
      const retriever = new HybridRetriever({
        arms: {
          bm25: { retriever: new KeywordRetriever([...documents]) },
          sparse: { embeddings: sparseEmbeddings, store },
          dense: { embeddings, store },
        },
        idKey,
        scoreKey: "scores",
      });
      const found = await retriever.invoke("red apple");
      expect(found.map(({ metadata }) => metadata.n as number).toSorted()).toEqual([0, 1, 2]);
      expect(found.every(({ id }) => id !== undefined)).toBe(true);
      expect((found[0]!.metadata.scores as DocumentScores).arms).toHaveProperty("bm25");
    }
  });

  it("keep what the better rank says of it, whatever the names of the arms", async () => {
    const list = (documents: DocumentInterface[]) => ({ retriever: new KeywordRetriever(documents) });
    const first = [new Document({ pageContent: "x", metadata: { from: "first" }, id: "1" })];
    const second = [
      new Document({ pageContent: "other" }),
      new Document({ pageContent: "x", metadata: { from: "second" } }),
    ];
    for (const [better, worse] of [
      ["a", "b"],
      ["z", "b"],
    ] as const) {
      const arms = { [better]: list(first), [worse]: list(second) };
      const found = await new HybridRetriever({ arms }).invoke("q");
      expect(found.filter(({ pageContent }) => pageContent === "x")).toMatchObject([
        { id: "1", metadata: { from: "first" } },
      ]);
    }
    const swapped = await new HybridRetriever({
      arms: { a: list(second.toReversed()), b: list([second[0]!, first[0]!]) },
    }).invoke("q");
    const found = swapped.find(({ pageContent }) => pageContent === "x");
    expect(found).toMatchObject({ id: "1", metadata: { from: "second" } });
  });
});

describe("documents of equal score", () => {
  it("come in the order of their adding, index by index and call by call", async () => {
    for (let round = 0; round < 4; round++) {
      const vectors = storeOf("sparse");
      const texts = Array.from({ length: 12 }, (_, n) => ({ pageContent: "one line", metadata: { n } }));
      await vectors.addDocuments(texts.slice(0, 5));
      await vectors.addDocuments(texts.slice(5));
      const found = await vectors.similaritySearch("line", 12);
      expect(found.map(({ metadata }) => metadata.n)).toEqual(texts.map((_, n) => n));
      expect((await vectors.similaritySearch("line", 4)).map(({ metadata }) => metadata.n)).toEqual([
        0, 1, 2, 3,
      ]);
    }
  });
});

describe("metadata as loaders give them", () => {
  class Xmp {
    readonly title = "T";
    readonly created = new Date("2024-05-01T00:00:00Z");
  }

  it("are stored as JSON.stringify keeps them, in all ways of adding", async () => {
    const metadata = { pdf: { info: new Xmp() }, at: new Date(0), url: new URL("https://a.b/"), size: 5n };
    const json = {
      pdf: { info: { title: "T", created: "2024-05-01T00:00:00.000Z" } },
      at: "1970-01-01T00:00:00.000Z",
      url: "https://a.b/",
      size: 5,
    };
    const vectors = storeOf();
    await vectors.addDocuments([{ pageContent: "red", metadata, id: "1" }]);
    await vectors.addVectors(
      [await embeddings.embedQuery("red")],
      [{ pageContent: "red", metadata, id: "2" }],
    );
    await vectors.asHybridRetriever().addDocuments([{ pageContent: "red", metadata, id: "3" }]);
    const store = new MemoryStore();
    const made = await HybridVectorStore.fromTexts(["red"], metadata, embeddings, {
      store,
      sparseEmbeddings,
    });
    for (const document of [
      ...(await vectors.getByIds(["1", "2", "3"])),
      ...(await made.similaritySearch("red")),
    ]) {
      expect(document.metadata).toEqual(json);
    }
    expect(metadata.at).toEqual(new Date(0));
  });

  it("are filtered by dates, in the store and in documents of other retrievers", async () => {
    const vectors = storeOf("sparse");
    const years = [2021, 2023, 2025];
    const documents = years.map((year) => ({
      pageContent: "red",
      metadata: { at: new Date(`${year}-06-01`), year: BigInt(year) },
    }));
    await vectors.addDocuments(documents);
    const filter: DocumentFilter = { at: { $gte: new Date("2022-01-01"), $lt: new Date("2024-01-01") } };
    const yearsOf = (found: DocumentInterface[]) => found.map(({ metadata }) => Number(metadata.year));
    expect(yearsOf(await vectors.similaritySearch("red", 9, filter))).toEqual([2023]);
    expect(yearsOf(await vectors.similaritySearch("red", 9, { year: 2025n }))).toEqual([2025]);
    expect(yearsOf(await vectors.asRetriever({ filter }).invoke("red"))).toEqual([2023]);
    expect(yearsOf(await vectors.asHybridRetriever({ filter }).invoke("red"))).toEqual([2023]);
    const other = new HybridRetriever({ arms: { other: { retriever: new KeywordRetriever(documents) } } });
    expect(yearsOf(await other.invoke("red", { configurable: { filter } }))).toEqual([2023]);
    const narrow = new HybridRetriever({
      arms: { other: { retriever: new KeywordRetriever(documents) } },
      filter,
    });
    expect(yearsOf(await narrow.invoke("red"))).toEqual([2023]);
    const arms = { bare: { retriever: new KeywordRetriever(documents), filter: filter as Filter } };
    expect(yearsOf(await new HybridRetriever({ arms }).invoke("red"))).toEqual([2023]);
    const hybrid = { arms: { other: { filter: filter as Filter } } };
    expect(yearsOf(await other.invoke("red", { configurable: { hybrid } }))).toEqual([2023]);
    await vectors.delete({ filter });
    expect(yearsOf(await vectors.similaritySearch("red", 9))).toEqual([2021, 2025]);
  });
});

describe("a fault in a large batch", () => {
  const many = (fault: object) =>
    Array.from({ length: 1300 }, (_, n) => ({
      pageContent: `red ${n}`,
      metadata: { n },
      ...(n === 1290 ? fault : {}),
    }));

  it.each<[string, object, string]>([
    [
      "metadata without JSON",
      {
        metadata: {
          get self() {
            throw new Error("no luck");
          },
        },
      },
      "document 1290",
    ],
    ["metadata that are a list", { metadata: [1] }, "document 1290"],
    ["a text that is none", { pageContent: 5 }, "document 1290"],
    ["an id that is none", { id: 5 }, "document 1290"],
  ])("is found before anything is encoded: %s", async (_, fault, message) => {
    const store = new MemoryStore();
    const encode = vi.spyOn(encoder, "encodeDocument");
    const error = await storeOf("sparse", store)
      .addDocuments(many(fault) as never)
      .catch((thrown: unknown) => thrown);
    expect(SparseEncoderError.is(error, "INVALID_DOCUMENT"), String(error)).toBe(true);
    expect((error as Error).message).toContain(message);
    expect(encode).not.toHaveBeenCalled();
    expect(await store.count()).toBe(0);
    encode.mockRestore();
  });

  it("in vectors that are at hand is found too, whatever they are", async () => {
    const store = new MemoryStore();
    const vectors = storeOf("hybrid", store);
    const [good] = [await embeddings.embedQuery("red")];
    for (const wrong of [null, "text", [1, Number.NaN], [1]]) {
      const call = vectors.addVectors([good, wrong as never], bare.slice(0, 2));
      await refused(call, "INVALID_VECTOR", "document 1");
    }
    expect(await store.count()).toBe(0);
    await vectors.addDocuments(bare);
    for (const wrong of [null, "text", [Number.NaN]]) {
      const call = vectors.similaritySearchVectorWithScore(wrong as never, 1);
      await expect(call).rejects.toSatisfy((error) => SparseEncoderError.is(error));
    }
  });

  it("that only the store can find is told in the words of the call, with advice that doubles nothing", async () => {
    const store = new MemoryStore();
    const upsert = store.upsert.bind(store);
    let calls = 0;
    store.upsert = async (documents, options) => {
      if (calls++ === 2) throw new Error("disk full");
      return upsert(documents, options);
    };
    const documents = many({});
    const vectors = storeOf("sparse", store);
    const error = await vectors.addDocuments(documents).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(IngestionError);
    const { message, stored } = error as IngestionError;
    expect(message).toMatch(/^addDocuments: .*disk full/);
    expect(message).toContain(
      "The first 1024 documents are stored; add only the others, from position 1024 on.",
    );
    expect(message).not.toMatch(/skip|add all again/);
    await vectors.addDocuments(documents.slice(stored));
    expect(await store.count()).toBe(1300);
  });
});

describe("an empty query with a filter, as self-query retrievers send it", () => {
  it.each(["sparse", "dense", "hybrid"] as const)("finds what passes the filter in mode %s", async (mode) => {
    const vectors = storeOf(mode);
    await vectors.addDocuments(
      [7, 8, 9].map((rating) => ({ pageContent: `film ${rating}`, metadata: { rating } })),
    );
    const filter = { rating: { $gt: 7.5 } };
    const ratings = (found: DocumentInterface[]) =>
      found.map(({ metadata }) => metadata.rating as number).toSorted();
    expect(ratings(await vectors.similaritySearch("", 4, filter))).toEqual([8, 9]);
    expect(ratings(await vectors.asRetriever({ k: 4, filter }).invoke(""))).toEqual([8, 9]);
    expect(ratings(await vectors.asHybridRetriever({ filter }).invoke(" "))).toEqual([8, 9]);
    const retriever = vectors.asRetriever({ k: 4, filter, searchType: "mmr" });
    expect(ratings(await retriever.invoke(""))).toEqual([8, 9]);
    if (mode === "sparse") expect(await vectors.similaritySearch("", 4)).toEqual([]);
  });
});

describe("asHybridRetriever", () => {
  it("adds documents, and takes the place of LangChain's own retriever of a vector store", async () => {
    const vectors = storeOf();
    const child: VectorStoreRetriever = vectors.asHybridRetriever({ k: 2 });
    expect(
      await child.addDocuments([{ pageContent: "red", metadata: {}, id: "1" }], { ids: ["mine"] }),
    ).toEqual(["mine"]);
    expect((await child.invoke("red")).map(({ id }) => id)).toEqual(["mine"]);
    expect([child.vectorStore, child.k, child.searchType, child._vectorstoreType()]).toEqual([
      vectors,
      2,
      "similarity",
      "sparse_encoder_hybrid",
    ]);
    expect(JSON.parse(JSON.stringify(child))).toMatchObject({ lc: 1, type: "not_implemented" });
    await refused(
      child.addDocuments([], { skip: 5 }),
      "UNKNOWN_OPTION",
      "addDocuments: unknown option 'skip'",
    );
  });
});

it("unknown options are refused by every call that takes some", async () => {
  const vectors = storeOf();
  const wrong = { unknown: 1 } as never;
  for (const call of [
    () => new SparseEmbeddings({ encoder, ...(wrong as object) } as never),
    () => new DenseEmbeddings({ encoder: new FakeDenseEmbedder(), ...(wrong as object) } as never),
    () => new HybridVectorStore(embeddings, { store: new MemoryStore(), ...(wrong as object) } as never),
    () => new HybridRetriever({ arms: {}, ...(wrong as object) } as never),
    () => vectors.asHybridRetriever(wrong),
    () => vectors.addDocuments([], wrong),
    () => vectors.addVectors([], [], wrong),
  ]) {
    await expect((async () => call())()).rejects.toMatchObject({
      code: "UNKNOWN_OPTION",
      message: expect.stringContaining("unknown option 'unknown'. Valid options:"),
    });
  }
});

it("answers to an encoder in place of options, and to a filter that is a function, with what to write", async () => {
  expect(() => new SparseEmbeddings(encoder as never)).toThrow("new SparseEmbeddings({ encoder })");
  expect(() => new DenseEmbeddings(new FakeDenseEmbedder() as never)).toThrow(
    "new DenseEmbeddings({ encoder })",
  );
  const passing = (() => true) as never;
  await expect(storeOf().similaritySearch("weather", 1, passing)).rejects.toThrow("BasicTranslator");
});
