import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { MemoryStore, relativeScore, SparseEncoderError } from "@sparse-encoder/core";
import { FakeDenseEmbedder, FakeSparseEncoder } from "@sparse-encoder/core/testing";
import {
  DenseEmbedding,
  HybridVectorStore,
  NoDenseEmbedding,
  SparseEmbedding,
} from "@sparse-encoder/llamaindex";
import {
  type BaseNode,
  Document,
  IndexNode,
  type MetadataFilters,
  MetadataMode,
  NodeRelationship,
  TextNode,
  VectorStoreQueryMode,
} from "llamaindex";
import { describe, expect, it } from "vitest";
import { memory, memoryOnDisk, pglite, temporaryFolder, tenantKinds } from "../helpers/adapter-stores.ts";
import { dogs, hybridVectorStoreCases, modes, one } from "./store-cases.ts";
import { fakeEmbeddings, fakeVectorStore } from "./stores.ts";

for (const kind of [memory, memoryOnDisk, pglite()]) hybridVectorStoreCases(kind);

describe("HybridVectorStore", () => {
  it("keeps what nodes have: kind, relationships, excluded keys, places in the text", async () => {
    const vectorStore = fakeVectorStore();
    const nodes: BaseNode[] = [
      new TextNode({
        id_: "a",
        text: "  text with blanks \n",
        startCharIdx: 5,
        endCharIdx: 25,
        metadata: { title: "T", nested: { list: [1, "2", null] }, "dotted.key": 1 },
        excludedEmbedMetadataKeys: ["nested"],
        excludedLlmMetadataKeys: ["title"],
        metadataSeparator: " | ",
        relationships: {
          [NodeRelationship.SOURCE]: { nodeId: "s", metadata: { a: 1 }, hash: "h" },
          [NodeRelationship.NEXT]: { nodeId: "b", metadata: {} },
          [NodeRelationship.CHILD]: [{ nodeId: "c", metadata: {} }],
        },
      }),
      new Document({ id_: "b", text: "a document" }),
      new IndexNode({ id_: "c", text: "an index", indexId: "elsewhere" }),
    ];
    const before = nodes.map((node) => structuredClone(node.toJSON()));
    await vectorStore.add(nodes);
    expect(nodes.map((node) => node.toJSON())).toEqual(before);
    const found = await vectorStore.getNodes();
    expect(found.map((node) => node.toJSON())).toEqual(before);
    expect(found.map((node) => node.constructor)).toEqual([TextNode, Document, IndexNode]);
    // What it gives is the caller's to change.
    found[0]!.metadata.nested.list.push(5);
    expect((await vectorStore.getNodes())[0]!.metadata).toEqual(before[0]!.metadata);
  });

  it("encodes what LlamaIndex embeds, and keeps the sparse vectors out of the metadata", async () => {
    const store = new MemoryStore();
    const { sparseEmbedding } = fakeEmbeddings();
    const vectorStore = fakeVectorStore(store);
    const node = new TextNode({ id_: "a", text: "body", metadata: { title: "Head", secret: "x" } });
    node.excludedEmbedMetadataKeys = ["secret"];
    await vectorStore.add([node]);
    const [stored] = await store.get(["a"]);
    const content = node.getContent(MetadataMode.EMBED);
    expect(content).toBe("title: Head\n\nbody");
    expect(JSON.stringify(stored!.vectors.sparse)).toBe(
      JSON.stringify(await sparseEmbedding.getTextEmbedding(content)),
    );
    expect(stored!.text).toBe("body");
    expect(Object.keys(stored!.metadata)).toEqual(["title", "secret", "_node"]);
    expect((await vectorStore.getNodes())[0]!.getContent(MetadataMode.ALL)).toBe(
      node.getContent(MetadataMode.ALL),
    );
  });

  it("stores the embedding of a node as it is, and computes one that is missing", async () => {
    const store = new MemoryStore();
    const embedModel = new DenseEmbedding({ encoder: new FakeDenseEmbedder({ dimension: 2 }) });
    const vectorStore = new HybridVectorStore({ store, embedModel });
    await vectorStore.add([
      new TextNode({ id_: "a", text: "x", embedding: [3, 4] }),
      new TextNode({ id_: "b", text: "x" }),
      new TextNode({ id_: "c", text: "x", embedding: [0, 0] }),
    ]);
    const [a, b, c] = await store.get(["a", "b", "c"]);
    expect(a!.vectors).toEqual({ dense: Float32Array.of(3, 4) });
    expect(b!.vectors).toEqual({ dense: Float32Array.from(await embedModel.getTextEmbedding("x")) });
    expect(c!.vectors).toEqual({});
  });

  it("fuses with alpha, which may be 0 and 1, from the query and from customParams", async () => {
    const store = new MemoryStore();
    const vectorStore = new HybridVectorStore({ store, ...fakeEmbeddings(), fusion: relativeScore() });
    await vectorStore.add(dogs());
    const query = { queryStr: "red dog that", similarityTopK: 3 };
    const scores = async (mode: string, extra = {}) => {
      const { ids, similarities } = await vectorStore.query({
        ...query,
        mode: mode as VectorStoreQueryMode,
        ...extra,
      });
      return Object.fromEntries(ids.map((id, place) => [id, similarities[place]!]));
    };
    const scaled = (list: Record<string, number>) => {
      const [least, most] = [Math.min(...Object.values(list)), Math.max(...Object.values(list))];
      return (id: string) => (list[id]! - least) / (most - least);
    };
    const dense = scaled(await scores("default"));
    const sparse = scaled(await scores("sparse"));
    for (const alpha of [undefined, 0, 0.25, 1]) {
      const weight = alpha ?? 0.5;
      for (const extra of alpha === undefined ? [{}] : [{ alpha }, { customParams: { alpha } }]) {
        for (const [id, score] of Object.entries(await scores("hybrid", extra))) {
          expect(score).toBeCloseTo(weight * dense(id) + (1 - weight) * sparse(id), 6);
        }
      }
    }
    expect(await scores("hybrid", { alpha: 0, customParams: { alpha: 1 } })).toEqual(
      await scores("hybrid", { alpha: 0 }),
    );
  });

  it.each([
    ["sparseTopK", "hybridTopK"],
    ["sparse_top_k", "hybrid_top_k"],
  ])("reads %s and %s", async (sparseTopK, hybridTopK) => {
    const vectorStore = fakeVectorStore();
    await vectorStore.add(dogs());
    const ids = async (customParams: object) =>
      (
        await vectorStore.query({
          queryStr: "red",
          similarityTopK: 2,
          mode: VectorStoreQueryMode.HYBRID,
          customParams,
        })
      ).ids;
    expect((await ids({})).length).toBe(2);
    expect((await ids({ [hybridTopK]: 3 })).length).toBe(3);
    expect(await ids({ alpha: 0, [sparseTopK]: 1 })).toEqual(["leo"]);
    const fromQuery = await vectorStore.query({
      queryStr: "red",
      similarityTopK: 2,
      mode: VectorStoreQueryMode.HYBRID,
      ...{ [hybridTopK]: 1 },
    });
    expect(fromQuery.ids.length).toBe(1);
  });

  it("makes results diverse in mode mmr, as far as the threshold says", async () => {
    const vectorStore = fakeVectorStore();
    await vectorStore.add([
      new TextNode({ id_: "a", text: "heat transfer", embedding: [1, 0, 0] }),
      new TextNode({ id_: "b", text: "heat transfer", embedding: [1, 0.01, 0] }),
      new TextNode({ id_: "c", text: "heat", embedding: [0.8, 0, 0.6] }),
      new TextNode({ id_: "d", text: "cold", embedding: [-1, 0, 0] }),
    ]);
    const ids = async (params: object) =>
      (
        await vectorStore.query({
          queryEmbedding: [1, 0, 0],
          similarityTopK: 2,
          mode: VectorStoreQueryMode.MMR,
          ...params,
        })
      ).ids;
    expect(await ids({ mmrThreshold: 1 })).toEqual(["a", "b"]);
    // Score from 0 to 1, and likeness to a: 0.5 x 1 - 0.5 x 1 for b, 0.5 x 0.9 - 0.5 x 0.8 for c, 0 - 0.5 x -1 for d.
    expect(await ids({ mmrThreshold: 0.5 })).toEqual(["a", "d"]);
    expect(await ids({ customParams: { mmr_threshold: 0.5, mmrPrefetchK: 2 } })).toEqual(["a", "b"]);
  });

  it("is for sparse vectors only if there is no model of dense ones", async () => {
    for (const embedModel of [undefined, new NoDenseEmbedding()]) {
      const store = new MemoryStore();
      const sparseEmbedding = new SparseEmbedding({ encoder: new FakeSparseEncoder() });
      const vectorStore = new HybridVectorStore({
        store,
        sparseEmbedding,
        ...(embedModel === undefined ? {} : { embedModel }),
      });
      await vectorStore.add(dogs());
      expect(store.vectors).toEqual({ sparse: { kind: "sparse", dimension: 4096 } });
      const query = { queryStr: "red", similarityTopK: 1 };
      for (const mode of [VectorStoreQueryMode.SPARSE, VectorStoreQueryMode.MMR]) {
        expect((await vectorStore.query({ ...query, mode })).ids).toEqual(["leo"]);
      }
      for (const mode of [VectorStoreQueryMode.DEFAULT, VectorStoreQueryMode.HYBRID]) {
        await expect(vectorStore.query({ ...query, mode })).rejects.toMatchObject({
          code: "STORE_UNSUPPORTED",
          message: expect.stringContaining("embedModel"),
        });
      }
      const retriever = vectorStore.asRetriever();
      expect(retriever.mode).toBe("sparse");
    }
  });

  it("reads documents that core itself stored", async () => {
    const store = new MemoryStore();
    const encoder = new FakeSparseEncoder();
    const vectors = { sparse: await encoder.encodeDocument("a red dog") };
    await store.upsert([{ id: "a", text: "a red dog", metadata: { kilos: 5 }, vectors }]);
    const vectorStore = fakeVectorStore(store);
    const { nodes } = await vectorStore.query({
      queryStr: "red",
      similarityTopK: 1,
      mode: VectorStoreQueryMode.SPARSE,
      filters: one("kilos", "<", 6),
    });
    expect(nodes![0]!.toJSON()).toEqual(
      new TextNode({ id_: "a", text: "a red dog", metadata: { kilos: 5 } }).toJSON(),
    );
  });

  it("takes nodes of the CommonJS build of LlamaIndex, and a CommonJS copy of this package reads the store", async () => {
    const require = createRequire(import.meta.url);
    const schema = require("@llamaindex/core/schema") as { TextNode: typeof TextNode };
    const adapter = require("@sparse-encoder/llamaindex") as { HybridVectorStore: typeof HybridVectorStore };
    expect(schema.TextNode).not.toBe(TextNode);
    expect(adapter.HybridVectorStore).not.toBe(HybridVectorStore);
    const store = new MemoryStore();
    await fakeVectorStore(store).add([new schema.TextNode({ id_: "a", text: "red", metadata: { x: 1 } })]);
    const other = new adapter.HybridVectorStore({ store, ...fakeEmbeddings() });
    for (const mode of modes) {
      const { nodes } = await other.query({
        queryStr: "red",
        similarityTopK: 1,
        mode,
        filters: one("x", "==", 1),
      });
      expect(nodes![0]).toBeInstanceOf(schema.TextNode);
    }
  });

  it("tells how far it has come, and stops when it is told to", async () => {
    const vectorStore = fakeVectorStore();
    const nodes = Array.from(
      { length: 1200 },
      (_, place) => new TextNode({ id_: `n${place}`, text: `t ${place}` }),
    );
    const progress: number[][] = [];
    const controller = new AbortController();
    const add = vectorStore.add(nodes, {
      signal: controller.signal,
      progressCallback: (current, total) => {
        progress.push([current, total]);
        if (progress.length === 2) controller.abort();
      },
    });
    await expect(add).rejects.toMatchObject({ code: "ABORTED", stored: 1024 });
    expect(progress).toEqual([
      [512, 1200],
      [1024, 1200],
    ]);
    expect((await vectorStore.getNodes()).length).toBe(1024);
  });

  it("keeps what is added to a loaded store, and closes only what it opened", async () => {
    const folder = temporaryFolder();
    const loaded = await HybridVectorStore.load(folder, { ...fakeEmbeddings(), model: "m" });
    await loaded.add(dogs());
    await loaded.persist();
    await loaded.close();
    await loaded.close();
    await expect(loaded.add(dogs())).rejects.toMatchObject({ code: "CLOSED" });
    await expect(loaded.getNodes()).rejects.toMatchObject({ code: "CLOSED" });
    await expect(
      loaded.query({ queryStr: "dog", similarityTopK: 1, mode: VectorStoreQueryMode.SPARSE }),
    ).rejects.toMatchObject({ code: "ARM_FAILED", cause: { code: "CLOSED" } });
    await expect(HybridVectorStore.load(folder, { model: "other" })).rejects.toMatchObject({
      code: "STORE_MISMATCH",
    });
    await using again = await HybridVectorStore.load(folder, { ...fakeEmbeddings(), model: "m" });
    expect((await again.getNodes()).length).toBe(3);
    const store = new MemoryStore();
    await fakeVectorStore(store).close();
    expect(await store.count()).toBe(0);
    expect(existsSync(folder)).toBe(true);
  });
});

function cycle(): Record<string, unknown> {
  const metadata: Record<string, unknown> = {};
  metadata.self = metadata;
  return metadata;
}

describe("HybridVectorStore refuses", () => {
  const vectorStore = fakeVectorStore();
  const query = { queryStr: "dog", similarityTopK: 2, mode: VectorStoreQueryMode.HYBRID };

  it.each<[string, unknown, string, RegExp]>([
    ["what is no node", "text", "INVALID_DOCUMENT", /Node 1 must be a node/],
    ["a node without an id", new TextNode({ id_: "", text: "x" }), "INVALID_DOCUMENT", /id of document 1/],
    [
      "a node without text",
      Object.assign(new TextNode({ id_: "x" }), { text: null }),
      "INVALID_DOCUMENT",
      /text of document 1 \('x'\) must be a string/,
    ],
    [
      "an id that comes twice",
      new TextNode({ id_: "first", text: "x" }),
      "INVALID_DOCUMENT",
      /same id, 'first'/,
    ],
    [
      "metadata without a place in JSON",
      new TextNode({ id_: "x", text: "x", metadata: cycle() }),
      "INVALID_DOCUMENT",
      /metadata of node 1 cannot become JSON/,
    ],
    [
      "metadata with the name it needs",
      new TextNode({ id_: "x", text: "x", metadata: { _node: 1 } }),
      "INVALID_DOCUMENT",
      /Node 1 has metadata named _node/,
    ],
    [
      "an embedding with NaN",
      new TextNode({ id_: "x", text: "x", embedding: [1, Number.NaN] }),
      "INVALID_VECTOR",
      /not finite/,
    ],
  ])("%s, and stores none of the call", async (_, node, code, message) => {
    const error = await vectorStore
      .add([new TextNode({ id_: "first", text: "first" }), node as BaseNode])
      .catch((thrown: unknown) => thrown);
    expect(SparseEncoderError.is(error)).toBe(true);
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
    expect(await vectorStore.getNodes()).toEqual([]);
  });

  it.each<[string, unknown, RegExp]>([
    [
      "an unknown operator",
      one("a", "like" as "==", "x"),
      /no operator 'like' for the key 'a'; valid: ==, !=,/,
    ],
    ["an operator of objects", one("a", "constructor" as "==", "x"), /no operator 'constructor'/],
    ["a list for ==", one("a", "==", ["x"]), /'==' of the key 'a' needs a string/],
    ["a truth value for >", one("a", ">", true), /'>' of the key 'a' needs a string or a number/],
    ["NaN for <", one("a", "<", Number.NaN), /needs a string or a finite number/],
    ["a string for in", one("a", "in", "x"), /'in' of the key 'a' needs an array/],
    ["objects for any", one("a", "any", [{}]), /'any' of the key 'a' needs an array/],
    ["a number for text_match", one("a", "text_match", 5), /'text_match' of the key 'a' needs a string/],
    ["no value for ==", one("a", "=="), /needs a string/],
    ["no key", one("", "==", 1), /needs a key/],
    ["a key that is an operator", one("$or", "==", 1), /\$or/],
    ["another condition", { filters: [], condition: "not" }, /condition must be "and" or "or"/],
    ["no list of filters", { key: "a", value: 1, operator: "==" }, /filters must be/],
  ])("%s in a filter", async (_, filters, message) => {
    for (const call of [
      vectorStore.query({ ...query, filters: filters as MetadataFilters }),
      vectorStore.getNodes({ filters: filters as MetadataFilters }),
      vectorStore.deleteNodes({ filters: filters as MetadataFilters }),
    ]) {
      await expect(call).rejects.toMatchObject({
        code: "INVALID_FILTER",
        message: expect.stringMatching(message),
      });
    }
  });

  it.each<[string, object, string, RegExp]>([
    ["a mode of others", { mode: "svm" }, "STORE_UNSUPPORTED", /'svm'.*default, sparse, hybrid, mmr/],
    ["semantic_hybrid", { mode: "semantic_hybrid" }, "STORE_UNSUPPORTED", /semantic_hybrid/],
    ["an alpha beyond 1", { alpha: 1.5 }, "INVALID_ARGUMENT", /alpha must be a number from 0 to 1/],
    ["an alpha that is no number", { customParams: { alpha: "1" } }, "INVALID_ARGUMENT", /alpha/],
    ["an unknown parameter", { customParams: { alfa: 1 } }, "UNKNOWN_OPTION", /'alfa'. Valid.*sparse_top_k/],
    ["a k of 0", { similarityTopK: 0 }, "INVALID_ARGUMENT", /k must be a whole number/],
    ["a query that is no text", { queryStr: 5 }, "INVALID_TEXT", /queryStr/],
    ["no text in mode hybrid", { queryStr: undefined }, "INVALID_TEXT", /needs queryStr/],
    ["docIds that are none", { docIds: [5] }, "INVALID_ARGUMENT", /docIds/],
    ["a threshold beyond 1", { mode: "mmr", mmrThreshold: 2 }, "INVALID_ARGUMENT", /lambda/],
    ["an aborted signal", { customParams: { signal: AbortSignal.abort() } }, "ABORTED", /aborted/],
  ])("%s in a query", async (_, extra, code, message) => {
    await expect(vectorStore.query({ ...query, ...extra })).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
  });

  it("options that do not exist, and a selection of nothing", async () => {
    const store = new MemoryStore();
    expect(() => new HybridVectorStore({ store, encoder: 1 } as never)).toThrow(
      expect.objectContaining({ code: "UNKNOWN_OPTION" }),
    );
    expect(() => new HybridVectorStore({} as never)).toThrow(/needs a store/);
    expect(() => new HybridVectorStore({ store, sparseEmbedding: {} as never })).toThrow(/SparseEmbedding/);
    expect(() => vectorStore.asRetriever({ k: 5 } as never)).toThrow(/similarityTopK/);
    await expect(vectorStore.deleteNodes({})).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    await expect(vectorStore.persist()).rejects.toMatchObject({ code: "STORE_UNSUPPORTED" });
  });

  it("the mode sparse without a sparse embedding", async () => {
    const dense = new HybridVectorStore({
      store: new MemoryStore(),
      embedModel: fakeEmbeddings().embedModel,
    });
    for (const mode of [VectorStoreQueryMode.SPARSE, VectorStoreQueryMode.HYBRID]) {
      await expect(dense.query({ ...query, mode })).rejects.toMatchObject({
        code: "STORE_UNSUPPORTED",
        message: expect.stringContaining("sparseEmbedding"),
      });
    }
    expect(dense.asRetriever().mode).toBe("default");
  });
});

describe("HybridVectorStore over a store of a tenant", () => {
  it.each(tenantKinds())("sees nodes of that tenant only: %s", async (_, open) => {
    await using acme = await open("acme");
    await using other = await open("other");
    const [ours, theirs] = [acme, other].map((store) => fakeVectorStore(store));
    const node = (tenant: string) => new TextNode({ id_: "a", text: `a dog of ${tenant}` });
    await ours!.add([node("acme")]);
    await theirs!.add([node("other")]);
    for (const mode of modes) {
      const query = { queryStr: "a dog of other", mode, similarityTopK: 10 };
      const { ids, nodes } = await ours!.query(query);
      expect(ids).toEqual(["a"]);
      expect(nodes!.map((found) => found.getContent(MetadataMode.NONE))).toEqual(["a dog of acme"]);
    }
    await ours!.delete("a");
    expect(await acme.count()).toBe(0);
    expect(await other.count()).toBe(1);
  });
});
