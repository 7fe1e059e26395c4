import { Document, MetadataMode, NodeRelationship, TextNode } from "@llamaindex/core/schema";
import { MemoryStore, SparseEncoder } from "@sparse-encoder/core";
import { HybridVectorStore, NoDenseEmbedding, SparseEmbedding } from "@sparse-encoder/llamaindex";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const words = ["apples", "trains", "ships", "lakes", "bread", "stones", "birds", "songs"];
const long = words.map((word) => `${word} ${"and more of these things ".repeat(3)}`).join("");

let encoder: SparseEncoder;
beforeAll(async () => {
  encoder = await SparseEncoder.load();
});
afterAll(() => encoder.close());

function setUp(split?: boolean | { maxTokens?: number; overlap?: number }) {
  const store = new MemoryStore();
  const sparseEmbedding = new SparseEmbedding({ encoder });
  return {
    store,
    vectors: new HybridVectorStore({ store, sparseEmbedding, embedModel: new NoDenseEmbedding(), split }),
  };
}

async function nodesOf(vectors: HybridVectorStore, text: string, similarityTopK = 50): Promise<TextNode[]> {
  const hits = await vectors.asRetriever({ mode: "sparse", similarityTopK }).retrieve(text);
  return hits.map(({ node }) => node as TextNode).sort((a, b) => (a.id_ < b.id_ ? -1 : 1));
}

describe("split", () => {
  it("stores pieces that the model takes whole with their metadata, and lead back to the document", async () => {
    const { store, vectors } = setUp({ maxTokens: 40, overlap: 4 });
    const document = new Document({ id_: "doc", text: long, metadata: { title: "A title in front" } });
    const ids = await vectors.add([document]);
    expect(ids.length).toBeGreaterThan(3);
    expect(ids).toEqual(ids.map((_, index) => `doc#${index}`));
    expect(await store.count()).toBe(ids.length);
    const nodes = await nodesOf(vectors, "and more of these things");
    expect(nodes.map(({ id_ }) => id_)).toEqual(ids);
    for (const [index, node] of nodes.entries()) {
      const { start, end } = node.metadata.chunk as { start: number; end: number };
      expect(node.metadata).toEqual({
        title: "A title in front",
        chunk: { document: "doc", index, count: ids.length, start, end },
      });
      expect([node.startCharIdx, node.endCharIdx]).toEqual([start, end]);
      expect(long.slice(start, end)).toBe(node.text);
      expect(node.sourceNode).toMatchObject({ nodeId: "doc" });
      // Models read the title, and not where the piece is from; all of it fits.
      const encoded = node.getContent(MetadataMode.EMBED);
      expect(encoded).toContain("A title in front");
      expect(encoded).not.toContain("chunk");
      expect(node.getContent(MetadataMode.LLM)).not.toContain("chunk");
      const [tokens] = await encoder.tokenize([encoded]);
      expect(tokens!.length).toBeLessThanOrEqual(40);
    }
    const [found] = await vectors.asRetriever({ mode: "sparse", similarityTopK: 1 }).retrieve("songs");
    expect(found!.node.getContent(MetadataMode.NONE)).toContain("songs");
    await vectors.delete("doc");
    expect(await store.count()).toBe(0);
  });

  it("keeps the source of nodes that are parts of a document", async () => {
    const { vectors } = setUp({ maxTokens: 40 });
    const document = new Document({ id_: "doc", text: `before ${long}` });
    const node = new TextNode({
      id_: "node",
      text: long,
      startCharIdx: 7,
      endCharIdx: 7 + long.length,
      relationships: { [NodeRelationship.SOURCE]: document.asRelatedNodeInfo() },
    });
    await vectors.add([node]);
    for (const piece of await nodesOf(vectors, "and more of these things")) {
      expect(piece.sourceNode?.nodeId).toBe("doc");
      expect(piece.metadata.chunk.document).toBe("node");
      expect(document.text.slice(piece.startCharIdx, piece.endCharIdx)).toBe(piece.text);
    }
  });

  it("puts a node in place of what it was before", async () => {
    const { store, vectors } = setUp();
    await vectors.add([new TextNode({ id_: "a", text: long })]);
    expect(await store.count()).toBe(1);
    const ids = await vectors.add([new TextNode({ id_: "a", text: long })], { split: { maxTokens: 40 } });
    expect(await store.count()).toBe(ids.length);
    expect(await vectors.add([new TextNode({ id_: "a", text: "short" })], { split: true })).toEqual(["a#0"]);
    expect(await store.count()).toBe(1);
    const whole = setUp(true);
    expect(await whole.vectors.add([new TextNode({ id_: "a", text: "short" })], { split: false })).toEqual([
      "a",
    ]);
  });

  it("refuses what cannot be", async () => {
    expect(() => setUp("yes" as never)).toThrow("split must be true, or an object");
    const { vectors } = setUp({ maxTokens: 40 });
    const embedded = new TextNode({ id_: "a", text: long, embedding: [1, 2] });
    await expect(vectors.add([embedded])).rejects.toThrow("Node 0 brings an embedding of its whole text");
    const crowded = new TextNode({ id_: "a", text: long, metadata: { much: long } });
    await expect(vectors.add([crowded])).rejects.toThrow("maxTokens must be more than overlap and the");
    const none = new HybridVectorStore({
      store: new MemoryStore(),
      embedModel: new NoDenseEmbedding(),
      split: true,
    });
    await expect(none.add([embedded])).rejects.toThrow("split needs an encoder that counts the tokens");
  });
});
