import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { readCranfield } from "../examples/cranfield.ts";
import { bertShapes, copyTokenizer } from "./random-model.ts";
import { initialTensors, randomFolder, writeRandomWeights } from "./random-weights.ts";

const fixtures = new URL("../test/fixtures/", import.meta.url);

function writeJson(folder: string, file: string, value: unknown): void {
  mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
  writeFileSync(path.join(folder, file), JSON.stringify(value));
}

/** `modules.json` of a dense model: transformer, pooling, normalisation. */
function writeDenseModules(folder: string, width: number, mode: "cls" | "mean"): void {
  const module = (idx: number, place: string, type: string) => {
    return { idx, name: String(idx), path: place, type: `sentence_transformers.models.${type}` };
  };
  writeJson(folder, "modules.json", [
    module(0, "", "Transformer"),
    module(1, "1_Pooling", "Pooling"),
    module(2, "2_Normalize", "Normalize"),
  ]);
  writeJson(folder, "1_Pooling/config.json", {
    word_embedding_dimension: width,
    [`pooling_mode_${mode}_token${mode === "mean" ? "s" : ""}`]: true,
  });
}

/**
 * The shape of bge-m3: XLM-RoBERTa large, 568 million parameters, 2.3 GB in float32. Its `sparse_linear.pt` is made by
 * bench/reference/models.py.
 */
export function randomM3(): string {
  return randomFolder("bge-m3", (folder) => {
    const size = { layers: 24, hidden: 1024, heads: 16, vocabulary: 250_002, positions: 8194, types: 1 };
    writeJson(folder, "config.json", {
      architectures: ["XLMRobertaModel"],
      model_type: "xlm-roberta",
      hidden_size: size.hidden,
      num_hidden_layers: size.layers,
      num_attention_heads: size.heads,
      intermediate_size: 4 * size.hidden,
      vocab_size: size.vocabulary,
      max_position_embeddings: size.positions,
      type_vocab_size: size.types,
      hidden_act: "gelu",
      layer_norm_eps: 1e-5,
      pad_token_id: 1,
      bos_token_id: 0,
      eos_token_id: 2,
    });
    writeDenseModules(folder, size.hidden, "cls");
    writeM3Tokenizer(folder, size.vocabulary);
    const tensors = initialTensors(bertShapes("", size));
    writeRandomWeights(path.join(folder, "model.safetensors"), tensors);
  });
}

/** The small Unigram tokenizer of the tests, grown to a large vocabulary: the words of the texts, and made-up pieces. */
function writeM3Tokenizer(folder: string, size: number): void {
  const source = new URL("models/xlm-roberta/", fixtures);
  const read = (file: string) => JSON.parse(readFileSync(fileURLToPath(new URL(file, source)), "utf8"));
  const tokenizer = read("tokenizer.json");
  const pieces: [string, number][] = tokenizer.model.vocab.slice(0, -1);
  const known = new Set(pieces.map(([piece]) => piece));
  const add = (piece: string, score: number) => {
    if (known.has(piece) || pieces.length >= size - 1) return;
    known.add(piece);
    pieces.push([piece, score]);
  };
  for (const { text } of readCranfield().documents) for (const word of text.split(/\s+/)) add(`▁${word}`, -9);
  for (let number = 0; pieces.length < size - 1; number++) add(`▁q${number.toString(26)}x`, -14);
  tokenizer.model.vocab = [...pieces, ["<mask>", 0]];
  for (const token of tokenizer.added_tokens) if (token.content === "<mask>") token.id = size - 1;
  writeJson(folder, "tokenizer.json", tokenizer);
  writeJson(folder, "tokenizer_config.json", { ...read("tokenizer_config.json"), model_max_length: 8192 });
}

/** The shape of ModernBERT base: 149 million parameters. Mean pooling; the tokenizer is the embedded model's. */
export function randomModernBert(): string {
  return randomFolder("modernbert-base", (folder) => {
    const [hidden, inside, layers, vocabulary] = [768, 1152, 22, 50_368];
    writeJson(folder, "config.json", {
      architectures: ["ModernBertModel"],
      model_type: "modernbert",
      vocab_size: vocabulary,
      hidden_size: hidden,
      intermediate_size: inside,
      num_hidden_layers: layers,
      num_attention_heads: 12,
      max_position_embeddings: 8192,
      pad_token_id: 0,
    });
    writeDenseModules(folder, hidden, "mean");
    copyTokenizer(folder);
    const shapes: Record<string, number[]> = {
      "embeddings.tok_embeddings.weight": [vocabulary, hidden],
      "embeddings.norm.weight": [hidden],
      "final_norm.weight": [hidden],
    };
    for (let layer = 0; layer < layers; layer++) {
      const at = `layers.${layer}.`;
      if (layer > 0) shapes[`${at}attn_norm.weight`] = [hidden];
      shapes[`${at}attn.Wqkv.weight`] = [3 * hidden, hidden];
      shapes[`${at}attn.Wo.weight`] = [hidden, hidden];
      shapes[`${at}mlp_norm.weight`] = [hidden];
      shapes[`${at}mlp.Wi.weight`] = [2 * inside, hidden];
      shapes[`${at}mlp.Wo.weight`] = [hidden, inside];
    }
    writeRandomWeights(path.join(folder, "model.safetensors"), initialTensors(shapes));
  });
}
