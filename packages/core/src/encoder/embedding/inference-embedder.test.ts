import { expect, it } from "vitest";
import { SparseEncoderError } from "../../errors.ts";
import type { CompiledModel } from "../../graph/index.ts";
import type { Tokenizer, TransformerModule } from "../../model/index.ts";
import type { EncodeBatch, WorkerPool } from "../../runtime/index.ts";
import { InferenceEmbedder } from "./inference-embedder.ts";
import type { EmbedCall } from "./row-embedder.ts";

it("says of a batch that failed which texts it held, and which comes first in the call", async () => {
  const model = { maxTokens: 8, poolsPrompt: true, vocabularySize: 2 } as CompiledModel;
  const tokenizer = {
    tokenize: async (texts: readonly string[]) =>
      texts.map((text) => ({ ids: new Int32Array(text.length).fill(1), isCut: false })),
  } as unknown as Tokenizer;
  // The batch of the two shorter texts fails.
  const pool = {
    workers: 1,
    device: { kind: "cpu", index: 0, name: "cpu" },
    run: async (pack: () => EncodeBatch) => {
      const { lengths } = pack();
      if (lengths[0] === 2) throw new SparseEncoderError("WORKER_FAILED", "A batch failed in two workers.");
      return { dense: new Float32Array() };
    },
  } as unknown as WorkerPool;
  const transformer = { specialTokens: true, taskLengths: {} } as TransformerModule;
  const embedder = new InferenceEmbedder(model, tokenizer, pool, transformer, {
    modelType: "SentenceTransformer",
    assemble: () => "rows",
  });
  const call = { prompt: "", batchSize: 2, maxActiveDims: 0, onTexts: () => {} } as unknown as EmbedCall;
  await expect(embedder.embed({ texts: ["four", "x", "six", "to"], first: 10 }, call)).rejects.toMatchObject({
    code: "WORKER_FAILED",
    message: "A batch failed in two workers. The batch held the texts at positions 13, 11.",
    first: 11,
  });
  expect(await embedder.embed({ texts: ["four", "six"], first: 10 }, call)).toBe("rows");
});
