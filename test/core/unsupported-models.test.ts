import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { CrossEncoder, DenseEncoder, SparseEncoder } from "@sparse-encoder/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { goldenModelFolder } from "../helpers/golden-data.ts";
import { editJson, type Json } from "../helpers/model-copies.ts";
import { rerankerFolder } from "../helpers/reranker-folders.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), "sparse-encoder-unsupported-"));
});
afterEach(() => rmSync(root, { recursive: true }));

/** Copies of a sparse model, a dense model and a reranker with settings of another model, each with what loads it. */
function withSettings(settings: Json): (() => Promise<unknown>)[] {
  const reranker = rerankerFolder("bert");
  const folders = [goldenModelFolder("bert-max-relu"), goldenModelFolder("dense-cls"), reranker];
  const copies = folders.map((folder, number) => {
    const copy = path.join(root, String(number));
    cpSync(folder, copy, { recursive: true });
    editJson(path.join(copy, "config.json"), (config) => Object.assign(config, settings));
    return copy;
  });
  rmSync(reranker, { recursive: true });
  const [sparse, dense, pairs] = copies as [string, string, string];
  return [
    () => SparseEncoder.load(sparse),
    () => DenseEncoder.load(dense),
    () => CrossEncoder.load(pairs, { dtype: "int8", cacheDir: root }),
  ];
}

async function expectRefused(settings: Json, message: RegExp): Promise<void> {
  for (const load of withSettings(settings)) {
    await expect(load()).rejects.toMatchObject({
      code: "MODEL_UNSUPPORTED",
      message: expect.stringMatching(message),
    });
    // The way out for every model that runs as an ONNX export.
    await expect(load()).rejects.toThrow(/ONNX export.*option fileName, such as "onnx\/model\.onnx"/);
  }
}

describe("families that are not supported are refused by name, with the way out", () => {
  it.each([
    ["deberta", "DebertaForMaskedLM"],
    ["xlm-roberta-xl", "XLMRobertaXLForMaskedLM"],
    ["roformer", "RoFormerForMaskedLM"],
    ["t5", "T5EncoderModel"],
    ["gemma2", "Gemma2ForCausalLM"],
    ["gpt_neox", "GPTNeoXForCausalLM"],
    ["phi3", "Phi3ForCausalLM"],
    ["minicpm", "MiniCPM"],
    ["modernbert-decoder", "ModernBertDecoderForCausalLM"],
  ])("%s", async (model_type, name) => {
    await expectRefused({ model_type, architectures: [name] }, new RegExp(`names '${name}'.*not supported`));
  });
});

describe("settings of other code under a supported model type are refused by name, with the way out", () => {
  it.each([
    [{ position_embedding_type: "relative_key" }, /"position_embedding_type": 'relative_key'.*'absolute'/],
    [
      { position_embedding_type: "relative_key_query" },
      /"position_embedding_type": 'relative_key_query' is not/,
    ],
    [
      { position_embedding_type: "alibi", architectures: ["JinaBertForMaskedLM"] },
      /"position_embedding_type": 'alibi'/,
    ],
    [
      { model_type: "xlm-roberta", position_embedding_type: "rotary" },
      /"position_embedding_type": 'rotary' is not/,
    ],
    [{ feed_forward_type: "geglu" }, /"feed_forward_type": 'geglu' is not supported/],
    [{ hidden_act: "laplace" }, /activation function "laplace" is not supported/],
    [{ is_decoder: true }, /"is_decoder": true is not supported/],
    [{ model_type: "albert", num_hidden_groups: 2 }, /"num_hidden_groups": 2 is not supported/],
    [{ model_type: "modernbert", layer_types: ["linear_attention"] }, /layer type 'linear_attention'/],
  ] as [Json, RegExp][])("%j", async (settings, message) => {
    await expectRefused(settings, message);
  });
});
