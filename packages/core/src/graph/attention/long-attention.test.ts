import path from "node:path";
import { fileURLToPath } from "node:url";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import {
  type Pipeline,
  readModelFolder,
  readWeights,
  type TensorTable,
  type WantedModel,
} from "../../model/index.ts";
import { buildGraph } from "../compiled-model.ts";

const fixtures = fileURLToPath(new URL("../../../../../test/fixtures", import.meta.url));

type Graph = ReturnType<typeof buildGraph>;

/** The graph for many texts, and that for a long one, as `config.json` with `changes` describes it. */
async function build(
  folder: string,
  type: WantedModel,
  changes: Readonly<Record<string, number>> = {},
): Promise<[whole: Graph, blocks: Graph]> {
  const { routes } = await readModelFolder(path.join(fixtures, folder), type);
  const pipeline: Pipeline = routes.plain.map((module) =>
    module.kind === "Transformer" ? { ...module, config: { ...module.config, ...changes } } : module,
  );
  const weights = new Map<string, TensorTable>();
  for (const module of pipeline) {
    if ("folder" in module) weights.set(module.folder, await readWeights(module.folder));
  }
  return [buildGraph(pipeline, weights, "throughput"), buildGraph(pipeline, weights, "long")];
}

/** One text's vector, or its token weights, by a graph. */
async function run(model: Graph, ids: Int32Array): Promise<Float32Array> {
  const session = await InferenceSession.create(Buffer.from(model.bytes), {
    extra: { session: { model_external_initializers_file_folder_path: model.weightsFolder } },
    logSeverityLevel: 4,
  });
  const feeds: Record<string, Tensor> = {
    ids: new Tensor("int32", ids, [1, ids.length]),
    lengths: new Tensor("int32", Int32Array.of(ids.length), [1]),
    type_starts: new Tensor("int32", Int32Array.of(ids.length >> 1), [1]),
  };
  const outputs = await session.run(Object.fromEntries(model.inputs.map((name) => [name, feeds[name]!])));
  await session.release();
  return (outputs.embeddings ?? outputs.weights)!.data as Float32Array;
}

/** As of the golden models: the rounding of float32 sums in another order. */
const tolerance = 5e-5;

const models: [folder: string, type: WantedModel, changes: Record<string, number>][] = [
  ["models/modernbert", "SparseEncoder", {}],
  ["models/modernbert", "SentenceTransformer", {}],
  ["models/bert-max-relu", "SparseEncoder", {}],
  ["models/dense-mean-normalize", "SentenceTransformer", {}],
  ["lexical-weights/model", "SparseEncoder", {}],
  ["rerankers/modernbert", "CrossEncoder", {}],
  ["models/mpnet", "SparseEncoder", {}],
  ["families/deberta-v2", "SparseEncoder", {}],
  ["families/deberta-v3", "SparseEncoder", { max_position_embeddings: 1000 }],
  ["families/deberta-dense", "SentenceTransformer", {}],
  ["families/llama-causal-linear", "SparseEncoder", {}],
  ["families/mistral", "SparseEncoder", {}],
  ["families/mistral-causal", "SparseEncoder", {}],
  ["families/mistral-dense", "SentenceTransformer", {}],
  // Windows that are wider than a block of queries, and that reach further than the longest text.
  ["families/mistral", "SparseEncoder", { sliding_window: 300 }],
  ["families/mistral-causal", "SparseEncoder", { sliding_window: 131 }],
  ["families/mistral-causal", "SparseEncoder", { sliding_window: 4096 }],
  ["families/mistral-causal", "SparseEncoder", { sliding_window: 1 }],
  ["families/qwen3", "SparseEncoder", {}],
  ["families/qwen3-causal-window", "SparseEncoder", {}],
  ["families/gemma3", "SparseEncoder", {}],
  ["families/gemma3-dense", "SentenceTransformer", {}],
  ["rerankers/deberta-v2", "CrossEncoder", {}],
];

describe("attention in blocks gives what attention of everything at once gives", () => {
  it.each(models)("%s as a %s %j", async (folder, type, changes) => {
    const [whole, blocks] = await build(folder, type, changes);
    // Windows reach 8 places to each side, and blocks of queries have 128: lengths around their multiples, and a long one.
    for (const length of [1, 7, 8, 9, 17, 127, 129, 200, 700].map((most) =>
      Math.min(most, whole.maxTokens),
    )) {
      const ids = Int32Array.from(
        { length },
        (_, place) => 5 + ((place * place * 31 + place) % (whole.vocabularySize - 5)),
      );
      const [expected, actual] = [await run(whole, ids), await run(blocks, ids)];
      expect(actual.length).toBe(expected.length);
      const worst = Math.max(...actual.map((value, place) => Math.abs(value - expected[place]!)));
      expect(worst, `${length} tokens`).toBeLessThanOrEqual(tolerance);
    }
  });
});
