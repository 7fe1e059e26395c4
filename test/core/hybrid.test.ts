import {
  Bm25Encoder,
  HybridRetriever,
  InvertedIndex,
  relativeScore,
  SparseEncoder,
  type SparseMatrix,
} from "@sparse-encoder/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readCranfield } from "../../examples/cranfield.ts";
import { FakeStore } from "../fakes/fake-store.ts";

/** Learned sparse and keyword search over one store, with real encoders. */
describe("a hybrid retriever over Cranfield", () => {
  const cranfield = readCranfield();
  const documents = cranfield.documents.slice(0, 60);
  const queries = cranfield.queries.slice(0, 10).map(({ text }) => text);
  const texts = documents.map(({ text }) => text);
  const keywords = new Bm25Encoder();
  const store = new FakeStore();
  let encoder: SparseEncoder;
  let retriever: HybridRetriever;

  beforeAll(async () => {
    encoder = await SparseEncoder.load(undefined, { maxSeqLength: 64 });
    await keywords.fit(texts);
    retriever = new HybridRetriever({
      arms: { sparse: { encoder, store }, keyword: { encoder: keywords, store, k: 20 } },
      fusion: relativeScore(),
      k: 5,
    });
    await retriever.add(documents, { batchSize: 25 });
  });
  afterAll(() => encoder.close());

  it("gives what fusing the rankings of two indexes by hand gives", async () => {
    const rank = (embeddings: SparseMatrix, questions: SparseMatrix, topK: number) => {
      const index = new InvertedIndex(embeddings.dimension);
      index.addMany(
        documents.map(({ id }) => id),
        embeddings,
      );
      return Array.from(questions, (question) => index.search(question, { topK }));
    };
    const sparse = rank(await encoder.encodeDocument(texts), await encoder.encodeQuery(queries), 100);
    const keyword = rank(await keywords.encodeDocument(texts), await keywords.encodeQuery(queries), 20);
    const results = await retriever.retrieveMany(queries);
    for (const [position, hits] of results.entries()) {
      const fused = relativeScore()({ sparse: sparse[position]!, keyword: keyword[position]! }).slice(0, 5);
      expect(hits.map(({ id }) => id)).toEqual(fused.map(({ id }) => id));
      for (const [rank, { score, text, id }] of hits.entries()) {
        expect(score).toBeCloseTo(fused[rank]!.score, 5);
        expect(text).toBe(documents.find((document) => document.id === id)!.text);
      }
    }
  });

  it("explains scores by terms that add up to them", async () => {
    const hits = await retriever.retrieve(queries[0]!, { explain: true });
    expect(hits).toHaveLength(5);
    for (const { arms } of hits) {
      for (const { score, terms } of Object.values(arms)) {
        expect(terms!.reduce((sum, { contribution }) => sum + contribution, 0)).toBeCloseTo(score, 3);
        expect(terms!.every(({ token }) => token !== undefined && token !== "")).toBe(true);
      }
    }
    const asked = keywords.decode(await keywords.encodeQuery(queries[0]!)).map(([token]) => token);
    expect(asked).toEqual(expect.arrayContaining(hits[0]!.arms.keyword!.terms!.map(({ token }) => token)));
  });

  it("makes results diverse by stored sparse vectors", async () => {
    const plain = await retriever.retrieve(queries[0]!, { k: 10 });
    const diverse = await retriever.retrieve(queries[0]!, { k: 10, mmr: { arm: "sparse", lambda: 0.3 } });
    const likeness = (hits: readonly { id: string }[]) => {
      const vectors = hits.map(({ id }) => store.documents.get(id)!.vectors.sparse!) as never[];
      const cosines = vectors.flatMap((a, row) =>
        vectors.slice(row + 1).map((b) => encoder.similarity(a, b)[0]![0]!),
      );
      return cosines.reduce((sum, one) => sum + one, 0);
    };
    expect(likeness(diverse)).toBeLessThan(likeness(plain));
    expect(diverse[0]!.id).toBe(plain[0]!.id);
  });

  it("forgets deleted documents in both arms", async () => {
    const [first] = await retriever.retrieve(queries[1]!);
    expect(await retriever.delete({ ids: [first!.id] })).toBe(1);
    expect((await retriever.retrieve(queries[1]!, { k: 60 })).map(({ id }) => id)).not.toContain(first!.id);
  });
});
