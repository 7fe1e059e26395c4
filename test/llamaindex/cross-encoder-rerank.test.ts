import { rmSync } from "node:fs";
import { TextNode } from "@llamaindex/core/schema";
import { CrossEncoder } from "@sparse-encoder/core";
import { CrossEncoderRerank } from "@sparse-encoder/llamaindex";
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
const nodes = goldenPairs
  .slice(0, 6)
  .map(([, text], n) => ({ node: new TextNode({ id_: `${n}`, text }), score: 1 }));

it("keeps the nodes in the order of sentence-transformers, with their scores", async () => {
  const golden = readRerankerGolden("bert").rank!;
  const best = await new CrossEncoderRerank({ encoder, topN: 4 }).postprocessNodes(nodes, query);
  expect(best.map(({ node }) => node.id_)).toEqual(golden.map(([index]) => `${index}`));
  best.forEach(({ score }, place) => {
    expect(score).toBeCloseTo(golden[place]![1], 5);
  });
  const parts = [{ type: "text" as const, text: query }];
  expect(await new CrossEncoderRerank({ encoder }).postprocessNodes(nodes, parts)).toHaveLength(2);
});

it("reads metadata that are meant for embeddings", async () => {
  const asked: string[] = [];
  const spy = {
    predict: async (pairs: readonly (readonly [string, string])[]) => {
      asked.push(...pairs.map(([, text]) => text));
      return pairs.map(() => 0);
    },
  };
  const node = new TextNode({
    text: "body",
    metadata: { title: "seen", secret: "hidden" },
    excludedEmbedMetadataKeys: ["secret"],
  });
  await new CrossEncoderRerank({ encoder: spy }).postprocessNodes([{ node, score: 1 }], "q");
  expect(asked[0]).toMatch(/seen[\s\S]*body/);
  expect(asked[0]).not.toMatch(/hidden/);
});

it("refuses what cannot work", async () => {
  expect(() => new CrossEncoderRerank({} as never)).toThrow(/encoder must be a CrossEncoder/);
  expect(() => new CrossEncoderRerank({ encoder, topN: 1.5 })).toThrow(/topN must be a whole number/);
  await expect(new CrossEncoderRerank({ encoder }).postprocessNodes(nodes)).rejects.toThrow(
    /needs the query/,
  );
});
