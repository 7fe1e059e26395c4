import { HybridVectorStore, NoDenseEmbedding } from "@sparse-encoder/llamaindex";
import {
  type BaseNode,
  Document,
  IngestionPipeline,
  MetadataMode,
  SentenceSplitter,
  Settings,
  storageContextFromDefaults,
  VectorStoreIndex,
  VectorStoreQueryMode,
} from "llamaindex";
import { beforeEach, describe, expect, it } from "vitest";
import type { StoreKind } from "../helpers/adapter-stores.ts";
import { modes } from "./store-cases.ts";
import { fakeEmbeddings, fakeVectorStore, fakeVectors } from "./stores.ts";

const splitter = () => new SentenceSplitter({ chunkSize: 64, chunkOverlap: 0 });
/** Some 45 tokens, so that two are too long for one node. */
const sentence = (document: number, part: number) =>
  `Part ${"ABCD"[part]} of text number ${document}${" and so on".repeat(12)}.`;

/** Of 400 source documents of 1, 2, 3 or 4 sentences by turns: id and sentence of each of the 1,000 nodes. */
function sentencesOfSources(): [id: string, text: string][] {
  return Array.from({ length: 400 }, (_, place) =>
    Array.from({ length: (place % 4) + 1 }, (_, part): [string, string] => [
      `doc ${place}`,
      sentence(place, part),
    ]),
  ).flat();
}

function sourceDocuments(): Document[] {
  const texts = new Map<string, string[]>();
  for (const [id, text] of sentencesOfSources()) texts.set(id, [...(texts.get(id) ?? []), text]);
  return Array.from(texts, ([id_, parts]) => new Document({ id_, text: parts.join(" ") }));
}

const idsOf = (nodes: readonly BaseNode[]) => nodes.map(({ id_ }) => id_);
const textOf = (node: BaseNode) => node.getContent(MetadataMode.NONE);
const sourceOf = (node: BaseNode) => node.sourceNode!.nodeId;

/** Nodes of these ids are in the store, as they were; only nodes of one source go when the source is deleted. */
async function expectAllKept(
  vectorStore: HybridVectorStore,
  nodes: readonly BaseNode[],
  source: string,
): Promise<void> {
  expect(nodes.length).toBe(1000);
  const found = await vectorStore.getNodes({ nodeIds: idsOf(nodes) });
  expect(found.map((node) => node.toJSON())).toEqual(
    nodes.map((node) => ({ ...node.toJSON(), embedding: undefined })),
  );
  await vectorStore.delete(source);
  const left = idsOf(nodes.filter((node) => sourceOf(node) !== source));
  expect(left.length).toBeLessThan(1000);
  expect(idsOf(await vectorStore.getNodes())).toEqual(left.toSorted());
}

/** Nothing that goes through LlamaIndex into a {@link HybridVectorStore} over a store of core is lost. */
export function ingestionCases([name, open]: StoreKind): void {
  describe(`1,000 nodes into ${name}`, () => {
    beforeEach(() => {
      Settings.embedModel = fakeEmbeddings().embedModel;
    });

    it.each(["dense and sparse", "sparse only"])("by IngestionPipeline, %s", async (kind) => {
      const isSparse = kind === "sparse only";
      const { sparse, dense } = fakeVectors;
      await using store = await open(isSparse ? { sparse } : { sparse, dense });
      const { sparseEmbedding, embedModel } = fakeEmbeddings();
      const model = isSparse ? new NoDenseEmbedding() : embedModel;
      const vectorStore = new HybridVectorStore({ store, sparseEmbedding, embedModel: model });
      const pipeline = new IngestionPipeline({
        transformations: [splitter(), model],
        vectorStore,
        disableCache: true,
      });
      const nodes = await pipeline.run({ documents: sourceDocuments() });
      expect(nodes.map((node) => [sourceOf(node), textOf(node)])).toEqual(sentencesOfSources());
      for (const mode of isSparse ? [VectorStoreQueryMode.SPARSE] : modes) {
        const query = { queryStr: sentence(399, 2), similarityTopK: 1, mode };
        const [hit] = (await vectorStore.query(query)).nodes!;
        expect([sourceOf(hit!), textOf(hit!)]).toEqual(["doc 399", query.queryStr]);
      }
      await expectAllKept(vectorStore, nodes, "doc 399");
    });

    it("by VectorStoreIndex.fromDocuments, which then searches, deletes and inserts", async () => {
      await using store = await open(fakeVectors);
      const vectorStore = fakeVectorStore(store);
      const storageContext = await storageContextFromDefaults({ vectorStore });
      const documents = Array.from(
        { length: 1000 },
        (_, place) => new Document({ id_: `doc ${place}`, text: `Text number ${place}.` }),
      );
      const index = await VectorStoreIndex.fromDocuments(documents, { storageContext });
      for (const mode of modes) {
        const [hit] = await index.asRetriever({ mode, similarityTopK: 1 }).retrieve("Text number 777.");
        expect(sourceOf(hit!.node)).toBe("doc 777");
      }
      await index.deleteRefDoc("doc 777");
      expect(await store.count()).toBe(999);
      await index.insert(new Document({ id_: "new", text: "A new number." }));
      const nodes = await vectorStore.getNodes();
      expect(nodes.map(sourceOf).sort()).toEqual(
        [...idsOf(documents).filter((id) => id !== "doc 777"), "new"].sort(),
      );
      await expectAllKept(vectorStore, nodes, "new");
    });
  });
}
