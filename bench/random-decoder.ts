import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { initialTensors, randomFolder, writeRandomWeights } from "./random-weights.ts";

/** The shape of Qwen3-0.6B: 596 million parameters, 1.2 GB in bfloat16. */
const size = {
  vocabulary: 151_936,
  hidden: 1024,
  layers: 28,
  heads: 16,
  keyHeads: 8,
  headSize: 128,
  inner: 3072,
};

/** Pieces of the vocabulary; the entries of the model beyond have no piece, as in the published one. */
const pieces = 151_643;

/**
 * Makes a sparse encoder of that shape with random weights from a fixed seed, in two files, to measure speed and memory only. The
 * vocabulary has 151,643 made-up pieces.
 */
export function randomDecoder(): string {
  return randomFolder("qwen3", writeDecoder);
}

function writeDecoder(folder: string): void {
  mkdirSync(path.join(folder, "1_SpladePooling"), { recursive: true });
  const write = (file: string, json: unknown) => writeFileSync(path.join(folder, file), JSON.stringify(json));
  write("config.json", {
    architectures: ["Qwen3ForCausalLM"],
    model_type: "qwen3",
    is_causal: false,
    tie_word_embeddings: true,
    vocab_size: size.vocabulary,
    hidden_size: size.hidden,
    num_hidden_layers: size.layers,
    num_attention_heads: size.heads,
    num_key_value_heads: size.keyHeads,
    head_dim: size.headSize,
    intermediate_size: size.inner,
    max_position_embeddings: 40_960,
    rope_theta: 1_000_000,
    rms_norm_eps: 1e-6,
    torch_dtype: "bfloat16",
  });
  const module = "sentence_transformers.sparse_encoder.modules.splade_pooling.SpladePooling";
  write("modules.json", [
    { idx: 0, name: "0", path: "", type: "sentence_transformers.base.modules.transformer.Transformer" },
    { idx: 1, name: "1", path: "1_SpladePooling", type: module },
  ]);
  write("1_SpladePooling/config.json", { pooling_strategy: "max", activation_function: "relu" });
  write("sentence_bert_config.json", { transformer_task: "fill-mask" });
  write("tokenizer.json", tokenizerOf(pieces));
  write("tokenizer_config.json", { tokenizer_class: "Qwen2Tokenizer", model_max_length: 512 });
  writeWeights(folder);
}

/** Byte-level pairs: all bytes, then words of two, three and four letters, each merged from shorter ones. */
function tokenizerOf(count: number) {
  const letters = [..."abcdefghijklmnopqrstuvwxyz"];
  const vocabulary = new Map(byteLetters().map((letter, id) => [letter, id]));
  const merges: [string, string][] = [];
  const merge = (first: string, second: string) => {
    if (vocabulary.size >= count || vocabulary.has(first + second)) return;
    vocabulary.set(first + second, vocabulary.size);
    merges.push([first, second]);
  };
  const pairs = ["Ġ", ...letters].flatMap((first) => letters.map((second) => first + second));
  for (const pair of pairs) merge(pair[0]!, pair[1]!);
  for (const pair of pairs) for (const letter of letters) merge(pair, letter);
  for (const first of pairs) for (const second of pairs) if (!second.startsWith("Ġ")) merge(first, second);
  const model = { type: "BPE", vocab: Object.fromEntries(vocabulary), merges, ignore_merges: false };
  return {
    version: "1.0",
    added_tokens: [],
    normalizer: { type: "NFC" },
    pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true },
    post_processor: null,
    decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: { dropout: null, unk_token: null, fuse_unk: false, byte_fallback: false, ...model },
  };
}

/** The letters that stand for the 256 bytes: visible letters for themselves, letters from 256 on for the rest. */
function byteLetters(): string[] {
  const isSeen = (byte: number) => (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(isSeen(byte) ? byte : next++));
}

function writeWeights(folder: string): void {
  const { vocabulary, hidden, layers, heads, keyHeads, headSize, inner } = size;
  const first: Record<string, number[]> = { "model.embed_tokens.weight": [vocabulary, hidden] };
  const second: Record<string, number[]> = { "model.norm.weight": [hidden] };
  for (let layer = 0; layer < layers; layer++) {
    const at = `model.layers.${layer}.`;
    Object.assign(layer < layers / 2 ? first : second, {
      [`${at}input_layernorm.weight`]: [hidden],
      [`${at}post_attention_layernorm.weight`]: [hidden],
      [`${at}self_attn.q_proj.weight`]: [heads * headSize, hidden],
      [`${at}self_attn.k_proj.weight`]: [keyHeads * headSize, hidden],
      [`${at}self_attn.v_proj.weight`]: [keyHeads * headSize, hidden],
      [`${at}self_attn.o_proj.weight`]: [hidden, heads * headSize],
      [`${at}self_attn.q_norm.weight`]: [headSize],
      [`${at}self_attn.k_norm.weight`]: [headSize],
      [`${at}mlp.gate_proj.weight`]: [inner, hidden],
      [`${at}mlp.up_proj.weight`]: [inner, hidden],
      [`${at}mlp.down_proj.weight`]: [hidden, inner],
    });
  }
  const files = { "model-00001-of-00002.safetensors": first, "model-00002-of-00002.safetensors": second };
  const map: Record<string, string> = {};
  for (const [file, shapes] of Object.entries(files)) {
    writeRandomWeights(path.join(folder, file), initialTensors(shapes), "BF16");
    for (const name of Object.keys(shapes)) map[name] = file;
  }
  writeFileSync(
    path.join(folder, "model.safetensors.index.json"),
    JSON.stringify({ metadata: {}, weight_map: map }),
  );
}
