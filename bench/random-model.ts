import { cpSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { initialTensors, randomFolder, writeRandomWeights } from "./random-weights.ts";

/** Sizes of a BERT with masked-LM head. */
export interface BertSize {
  readonly layers: number;
  readonly hidden: number;
  readonly heads: number;
}

/** Shapes of models that people use: 4.4, 28.8, 22.7 and 109.5 million parameters. */
export const bertSizes: Readonly<Record<string, BertSize>> = {
  tiny: { layers: 2, hidden: 128, heads: 2 },
  small: { layers: 4, hidden: 512, heads: 8 },
  minilm: { layers: 6, hidden: 384, heads: 12 },
  base: { layers: 12, hidden: 768, heads: 12 },
};

const vocabulary = 30522;
/** The folder of the embedded model. */
export const embeddedModel = path.join(
  path.dirname(createRequire(import.meta.url).resolve("@sparse-encoder/core/package.json")),
  "models/splade-tiny",
);

/** Puts the tokenizer of the embedded model into a folder, and of its settings what `filter` lets through. */
export function copyTokenizer(
  folder: string,
  filter = (file: string) => path.basename(file).startsWith("tokenizer"),
): void {
  cpSync(embeddedModel, folder, {
    recursive: true,
    filter: (file) => file === embeddedModel || filter(file),
  });
}

/** A BERT folder with random weights, for speed and memory only. Tokenizer and settings come from the embedded model. */
export function randomBert(name: string): string {
  const size = bertSizes[name]!;
  return randomFolder(`bert-${name}`, (folder) => {
    copyTokenizer(folder, (file) => !file.endsWith(".safetensors"));
    writeBertConfig(folder, size, { architectures: ["BertForMaskedLM"] });
    const { hidden } = size;
    const tensors = initialTensors({
      ...bertShapes("bert.", { ...size, vocabulary, positions: 512, types: 2 }),
      "cls.predictions.transform.dense.weight": [hidden, hidden],
      "cls.predictions.transform.dense.bias": [hidden],
      "cls.predictions.transform.LayerNorm.weight": [hidden],
      "cls.predictions.transform.LayerNorm.bias": [hidden],
    });
    // Scores as of the embedded model, whose largest over 128 tokens is, relative to the product of the norms, about
    // -0.12 +- 0.05: some 200 entries are above 0. The tokens' largest product is about 2.5 deviations above its mean.
    const norms = tensors["bert.embeddings.word_embeddings.weight"]!.deviation * hidden;
    const mean = norms * (-0.12 - 2.5 / Math.sqrt(hidden));
    const bias = { shape: [vocabulary], mean, deviation: norms * 0.047 };
    writeRandomWeights(path.join(folder, "model.safetensors"), { ...tensors, "cls.predictions.bias": bias });
  });
}

/** A BERT reranker with random weights and one label. */
export function randomReranker(name: string): string {
  const size = bertSizes[name]!;
  return randomFolder(`reranker-${name}`, (folder) => {
    copyTokenizer(folder);
    writeBertConfig(folder, size, {
      architectures: ["BertForSequenceClassification"],
      id2label: { 0: "LABEL_0" },
      label2id: { LABEL_0: 0 },
    });
    const { hidden } = size;
    const shapes = {
      ...bertShapes("bert.", { ...size, vocabulary, positions: 512, types: 2 }),
      "bert.pooler.dense.weight": [hidden, hidden],
      "bert.pooler.dense.bias": [hidden],
      "classifier.weight": [1, hidden],
      "classifier.bias": [1],
    };
    writeRandomWeights(path.join(folder, "model.safetensors"), initialTensors(shapes));
  });
}

function writeBertConfig(folder: string, { layers, hidden, heads }: BertSize, head: object): void {
  const config = {
    model_type: "bert",
    hidden_size: hidden,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    intermediate_size: 4 * hidden,
    vocab_size: vocabulary,
    max_position_embeddings: 512,
    type_vocab_size: 2,
    hidden_act: "gelu",
    layer_norm_eps: 1e-12,
    tie_word_embeddings: true,
    ...head,
  };
  writeFileSync(path.join(folder, "config.json"), JSON.stringify(config));
}

interface BertTables extends BertSize {
  readonly vocabulary: number;
  readonly positions: number;
  readonly types: number;
}

/** Names and shapes of the tensors of a BERT, or of a model with its layers. */
export function bertShapes(prefix: string, { layers, hidden, vocabulary, positions, types }: BertTables) {
  const shapes: Record<string, number[]> = {};
  const linear = (at: string, from: number, to: number) => {
    shapes[`${at}.weight`] = [to, from];
    shapes[`${at}.bias`] = [to];
  };
  const norm = (at: string) => {
    shapes[`${at}.weight`] = [hidden];
    shapes[`${at}.bias`] = [hidden];
  };
  shapes[`${prefix}embeddings.word_embeddings.weight`] = [vocabulary, hidden];
  shapes[`${prefix}embeddings.position_embeddings.weight`] = [positions, hidden];
  shapes[`${prefix}embeddings.token_type_embeddings.weight`] = [types, hidden];
  norm(`${prefix}embeddings.LayerNorm`);
  for (let layer = 0; layer < layers; layer++) {
    const at = `${prefix}encoder.layer.${layer}`;
    for (const part of ["query", "key", "value"]) linear(`${at}.attention.self.${part}`, hidden, hidden);
    linear(`${at}.attention.output.dense`, hidden, hidden);
    norm(`${at}.attention.output.LayerNorm`);
    linear(`${at}.intermediate.dense`, hidden, 4 * hidden);
    linear(`${at}.output.dense`, 4 * hidden, hidden);
    norm(`${at}.output.LayerNorm`);
  }
  return shapes;
}
