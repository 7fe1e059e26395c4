import { rmSync } from "node:fs";
import { Document } from "@langchain/core/documents";
import { CrossEncoder } from "@sparse-encoder/core";
import { CrossEncoderRerank } from "@sparse-encoder/langchain";
import { afterAll, beforeAll, expect, it } from "vitest";
import { goldenPairs, readRerankerGolden, rerankerFolder } from "../helpers/reranker-folders.ts";

const folder = rerankerFolder("bert");
let encoder: CrossEncoder;
beforeAll(async () => {
  encoder = await CrossEncoder.load(folder, { workers: 1 });
});
afterAll(async () => {
  await encoder.close();
  rmSync(folder, { recursive: true });
});

const [query] = goldenPairs[0]!;
const documents = goldenPairs
  .slice(0, 6)
  .map(([, pageContent], n) => new Document({ pageContent, metadata: { n } }));

it("keeps the documents in the order of sentence-transformers, with their scores", async () => {
  const golden = readRerankerGolden("bert").rank!;
  const best = await new CrossEncoderRerank({ encoder, topN: 4 }).compressDocuments(documents, query);
  expect(best.map(({ metadata }) => metadata.n)).toEqual(golden.map(([index]) => index));
  best.forEach(({ metadata }, place) => {
    expect(metadata.relevanceScore).toBeCloseTo(golden[place]![1], 5);
  });
  expect(documents[0]!.metadata).toEqual({ n: 0 });
  expect(await new CrossEncoderRerank({ encoder }).compressDocuments(documents, query)).toHaveLength(3);
  expect(await new CrossEncoderRerank({ encoder }).compressDocuments([], query)).toEqual([]);
});

it("refuses options that cannot work", () => {
  expect(() => new CrossEncoderRerank({} as never)).toThrow(/encoder must be a CrossEncoder/);
  expect(() => new CrossEncoderRerank({ encoder, topN: 0 })).toThrow(/topN must be a whole number/);
  expect(() => new CrossEncoderRerank({ encoder, topK: 2 } as never)).toThrow(/unknown option 'topK'/);
});
