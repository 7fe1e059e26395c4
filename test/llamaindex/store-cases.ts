import type { Store } from "@sparse-encoder/core";
import { HybridRetriever, HybridVectorStore } from "@sparse-encoder/llamaindex";
import {
  type MetadataFilter,
  type MetadataFilters,
  MetadataMode,
  NodeRelationship,
  type NodeWithScore,
  Settings,
  TextNode,
  VectorStoreIndex,
  VectorStoreQueryMode,
} from "llamaindex";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type StoreKind, temporaryFolder } from "../helpers/adapter-stores.ts";
import { fakeEmbeddings, fakeVectorStore, fakeVectors } from "./stores.ts";

/** The modes of a {@link HybridVectorStore}. */
export const modes = ["default", "sparse", "hybrid", "mmr"].map((mode) => mode as VectorStoreQueryMode);

/** Three texts that share a word, with metadata of all kinds. */
export function dogs(): TextNode[] {
  return [
    new TextNode({
      id_: "rex",
      text: "a dog that is brown",
      metadata: {
        name: "Rex Brown",
        private: "true",
        kilos: 12.5,
        tags: ["husky", "puppy"],
        note: "",
        owner: null,
      },
    }),
    new TextNode({
      id_: "fay",
      text: "a dog that is yellow",
      metadata: { name: "Fay", private: "false", kilos: 23, tags: ["puppy"], note: "shy", empty: [] },
    }),
    new TextNode({
      id_: "leo",
      text: "a dog that is red",
      metadata: { name: "Leo", private: "false", kilos: 34, tags: ["husky"], born: "2020-01-01", chip: true },
    }),
  ];
}

/** A filter of one condition. */
export const one = (key: string, operator: MetadataFilter["operator"], value?: unknown): MetadataFilters => ({
  filters: [{ key, operator, value } as MetadataFilter],
});

const filterCases: [name: string, filters: MetadataFilters | undefined, ids: string[]][] = [
  ["no filter", undefined, ["fay", "leo", "rex"]],
  ["a key that no node has", one("colour", "==", "cat"), []],
  ["==", one("private", "==", "false"), ["fay", "leo"]],
  ["== of a number", one("kilos", "==", 23), ["fay"]],
  ["== of another type", one("kilos", "==", "23"), []],
  ["== of a truth value", one("chip", "==", true), ["leo"]],
  ["!=", one("private", "!=", "false"), ["rex"]],
  ["!= of a key that some lack", one("born", "!=", "1999-01-01"), ["leo"]],
  [">", one("kilos", ">", 23), ["leo"]],
  [">=", one("kilos", ">=", 23), ["fay", "leo"]],
  ["<", one("kilos", "<", 23), ["rex"]],
  ["<=", one("kilos", "<=", 23), ["fay", "rex"]],
  ["> of strings", one("born", ">", "2019"), ["leo"]],
  ["in", one("name", "in", ["Leo", "Fay", "Max"]), ["fay", "leo"]],
  ["in an empty list", one("name", "in", []), []],
  ["nin", one("name", "nin", ["Leo", "Fay"]), ["rex"]],
  ["nin of a key that some lack", one("born", "nin", ["1999-01-01"]), ["leo"]],
  ["any", one("tags", "any", ["husky", "beagle"]), ["leo", "rex"]],
  ["all", one("tags", "all", ["husky", "puppy"]), ["rex"]],
  ["contains", one("tags", "contains", "puppy"), ["fay", "rex"]],
  ["text_match", one("name", "text_match", "ex B"), ["rex"]],
  ["text_match, letter for letter", one("name", "text_match", "REX"), []],
  ["text_match of wildcards", one("name", "text_match", "%"), []],
  ["is_empty of a key that no node has", one("colour", "is_empty"), ["fay", "leo", "rex"]],
  ["is_empty of an empty string", one("note", "is_empty"), ["leo", "rex"]],
  ["is_empty of an empty list", one("empty", "is_empty"), ["fay", "leo", "rex"]],
  ["is_empty of null", one("owner", "is_empty"), ["fay", "leo", "rex"]],
  ["is_empty of values", one("tags", "is_empty"), []],
  [
    "or",
    { filters: [...one("kilos", "<", 20).filters, ...one("name", "==", "Leo").filters], condition: "or" },
    ["leo", "rex"],
  ],
  [
    "and",
    {
      filters: [...one("private", "==", "false").filters, ...one("name", "==", "Rex").filters],
      condition: "and",
    },
    [],
  ],
  [
    "and by default",
    { filters: [...one("private", "==", "false").filters, ...one("kilos", ">", 30).filters] },
    ["leo"],
  ],
  ["no filters with and", { filters: [] }, ["fay", "leo", "rex"]],
  ["no filters with or", { filters: [], condition: "or" }, []],
];

/** What a {@link HybridVectorStore} does over any store of core, in each of its modes. */
export function hybridVectorStoreCases([name, open]: StoreKind): void {
  describe.each(modes)(`HybridVectorStore over ${name}, filters in mode %s`, (mode) => {
    let vectorStore: HybridVectorStore;

    // Nothing here changes the store.
    beforeAll(async () => {
      vectorStore = fakeVectorStore(await open(fakeVectors));
      await vectorStore.add(dogs());
    });
    afterAll(() => vectorStore.client().close());

    it.each(filterCases)("%s", async (_, filters, ids) => {
      const query = {
        queryStr: "dog",
        similarityTopK: 10,
        mode,
        ...(filters === undefined ? {} : { filters }),
      };
      const isKnown = vectorStore.client().capabilities.filters.has("$contains");
      if (filters?.filters[0]?.operator !== "text_match" || isKnown) {
        expect((await vectorStore.query(query)).ids.toSorted()).toEqual(ids);
      } else {
        await expect(vectorStore.query(query)).rejects.toMatchObject({
          code: "ARM_FAILED",
          cause: {
            code: "STORE_UNSUPPORTED",
            message: expect.stringMatching(/store has no filter \$contains .*'name'/),
          },
        });
      }
    });
  });

  describe(`HybridVectorStore over ${name}`, () => {
    let store: Store;
    let vectorStore: HybridVectorStore;

    beforeEach(async () => {
      store = await open(fakeVectors);
      vectorStore = fakeVectorStore(store);
    });
    afterEach(() => store.close());

    const idsOf = async (extra: object) => {
      const { ids } = await vectorStore.query({
        queryStr: "dog",
        similarityTopK: 10,
        mode: VectorStoreQueryMode.DEFAULT,
        ...extra,
      });
      return ids.toSorted();
    };

    it("adds nodes and gives their ids", async () => {
      expect(await vectorStore.add(dogs())).toEqual(["rex", "fay", "leo"]);
      expect(await store.count()).toBe(3);
      expect(await vectorStore.add([])).toEqual([]);
    });

    describe.each(modes)("in mode %s", (mode) => {
      it("finds the node that is like the query, and gives it back as it was", async () => {
        const nodes = dogs();
        await vectorStore.add(nodes);
        const {
          nodes: found,
          ids,
          similarities,
        } = await vectorStore.query({
          queryStr: "something yellow",
          similarityTopK: 2,
          mode,
        });
        expect(ids[0]).toBe("fay");
        expect(similarities).toEqual([...similarities].sort((a, b) => b - a));
        expect(found![0]).toBeInstanceOf(TextNode);
        expect(found![0]!.toJSON()).toEqual(nodes[1]!.toJSON());
      });

      it("gives nothing from an empty store", async () => {
        expect(await idsOf({ mode })).toEqual([]);
      });

      it("takes an empty query", async () => {
        await vectorStore.add(dogs());
        const { ids } = await vectorStore.query({ queryStr: "", similarityTopK: 3, mode });
        expect(ids).toEqual([]);
      });

      it.each(["docIds", "doc_ids"])(
        "looks only at nodes of %s, theirs or their documents'",
        async (name) => {
          await vectorStore.add([...dogs(), part("max", "house", "a dog that is black")]);
          expect(await idsOf({ mode, customParams: { [name]: ["rex", "house"] } })).toEqual(["max", "rex"]);
          expect(await idsOf({ mode, docIds: [] })).toEqual([]);
        },
      );
    });

    it("deletes exactly the nodes of a source document", async () => {
      const nodes = Array.from({ length: 30 }, (_, place) =>
        part(`n${place}`, `d${place % 3}`, `dog ${place}`),
      );
      await vectorStore.add([...nodes, ...dogs()]);
      await vectorStore.delete("d1");
      const left = (await vectorStore.getNodes()).map(({ id_ }) => id_);
      const expected = [...nodes.filter((_, place) => place % 3 !== 1), ...dogs()].map(({ id_ }) => id_);
      expect(left).toEqual(expected.sort());
      // A node without a source is its own.
      await vectorStore.delete("rex");
      await vectorStore.delete("unknown");
      expect((await vectorStore.getNodes()).length).toBe(expected.length - 1);
    });

    it("gets and deletes nodes by id, by filter, and by both", async () => {
      await vectorStore.add(dogs());
      const get = async (selection: object) => (await vectorStore.getNodes(selection)).map(({ id_ }) => id_);
      const light = one("kilos", "<", 30);
      expect(await get({ nodeIds: ["leo", "unknown", "rex"] })).toEqual(["leo", "rex"]);
      expect(await get({ filters: light })).toEqual(["fay", "rex"]);
      expect(await get({ nodeIds: ["leo", "rex"], filters: light })).toEqual(["rex"]);
      await vectorStore.deleteNodes({ nodeIds: ["leo", "rex"], filters: light });
      expect(await get({})).toEqual(["fay", "leo"]);
      await vectorStore.deleteNodes({ filters: light });
      expect(await get({})).toEqual(["leo"]);
      await vectorStore.deleteNodes({ nodeIds: ["leo", "unknown"] });
      expect(await get({})).toEqual([]);
    });

    it("forgets all when it is cleared", async () => {
      await vectorStore.add(dogs());
      await vectorStore.clear();
      expect(await store.count()).toBe(0);
    });

    it("replaces a node that has the id", async () => {
      await vectorStore.add(dogs());
      await vectorStore.add([new TextNode({ id_: "rex", text: "a cat" })]);
      expect(await store.count()).toBe(3);
      const { ids, nodes } = await vectorStore.query({
        queryStr: "cat",
        similarityTopK: 5,
        mode: VectorStoreQueryMode.SPARSE,
      });
      // They share the word "a" with the others.
      expect(ids[0]).toBe("rex");
      expect(nodes![0]!.getContent(MetadataMode.NONE)).toBe("a cat");
      expect(nodes![0]!.metadata).toEqual({});
    });

    it("filters by the names that LlamaIndex has for the source document", async () => {
      await vectorStore.add([...dogs(), part("max", "house", "a dog")]);
      for (const key of ["ref_doc_id", "doc_id", "document_id"]) {
        expect(await idsOf({ filters: one(key, "in", ["house"]) })).toEqual(["max"]);
      }
    });

    it("persists into a folder and loads from it, again and again", async () => {
      const folder = temporaryFolder();
      await vectorStore.add(dogs());
      await vectorStore.persist(folder);
      await vectorStore.delete("rex");
      await vectorStore.add([part("max", "house", "a dog that is black")]);
      await vectorStore.persist(folder);
      const loaded = await HybridVectorStore.load(folder, fakeEmbeddings());
      expect((await loaded.getNodes()).map((node) => node.toJSON())).toEqual(
        (await vectorStore.getNodes()).map((node) => node.toJSON()),
      );
      for (const mode of modes) {
        const query = { queryStr: "black dog", similarityTopK: 3, mode };
        const [a, b] = [await loaded.query(query), await vectorStore.query(query)];
        expect(a.ids).toEqual(b.ids);
        // Engines add up in another order.
        for (const [rank, score] of a.similarities.entries())
          expect(score).toBeCloseTo(b.similarities[rank]!, 5);
      }
      await loaded.close();
    });

    it("is retrieved from by its own retriever, that of an index, and both fused, with what a call says", async () => {
      const text = "a dog that is black";
      await vectorStore.add([...dogs(), part("max", "house", text)]);
      const ids = (found: NodeWithScore[]) => found.map(({ node }) => node.id_);
      const light = one("kilos", ">=", 23);
      const ofHouse = {
        filters: [...one("doc_id", "==", "house").filters, ...one("kilos", "<", 20).filters],
        condition: "or" as const,
      };
      const own = vectorStore.asRetriever({ similarityTopK: 3 });
      expect(own.mode).toBe("hybrid");
      for (const alpha of [0, 0.5, 1]) {
        expect(ids(await own.retrieve(text, { alpha, similarityTopK: 1 }))).toEqual(["max"]);
        expect(ids(await own.retrieve(text, { alpha, filters: ofHouse }))).toEqual(["max", "rex"]);
      }
      const index = await Settings.withEmbedModel(vectorStore.embedModel, () =>
        VectorStoreIndex.fromVectorStore(vectorStore),
      );
      for (const mode of modes) {
        expect(ids(await index.asRetriever({ mode, similarityTopK: 1 }).retrieve(text))).toEqual(["max"]);
        const filtered = index.asRetriever({ mode, similarityTopK: 3, filters: light });
        expect(ids(await filtered.retrieve(text)).sort()).toEqual(["fay", "leo"]);
      }
      const fused = new HybridRetriever({
        retrievers: [
          vectorStore.asRetriever({ mode: "default", similarityTopK: 4 }),
          index.asRetriever({ mode: VectorStoreQueryMode.SPARSE, similarityTopK: 4 }),
        ],
        similarityTopK: 4,
      });
      expect(ids(await fused.retrieve(text))[0]).toBe("max");
      expect(ids(await fused.retrieve(text, { filters: light, alpha: 0.3 })).sort()).toEqual(["fay", "leo"]);
      // What a call said is gone.
      expect((await fused.retrieve(text)).length).toBe(4);
    });

    it("refuses calls after its store was closed", async () => {
      await vectorStore.add(dogs());
      await store.close();
      for (const mode of modes) {
        const query = vectorStore.query({ queryStr: "dog", similarityTopK: 1, mode });
        await expect(query).rejects.toMatchObject({ code: "ARM_FAILED", cause: { code: "CLOSED" } });
      }
      for (const call of [
        vectorStore.add(dogs()),
        vectorStore.getNodes(),
        vectorStore.delete("rex"),
        vectorStore.deleteNodes({ nodeIds: ["rex"] }),
        vectorStore.clear(),
      ]) {
        await expect(call).rejects.toMatchObject({ code: "CLOSED" });
      }
    });
  });
}

/** A node that is a part of a document. */
function part(id_: string, source: string, text: string): TextNode {
  return new TextNode({
    id_,
    text,
    relationships: { [NodeRelationship.SOURCE]: { nodeId: source, metadata: {} } },
  });
}
