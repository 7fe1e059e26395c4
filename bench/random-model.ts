import { closeSync, cpSync, existsSync, mkdirSync, openSync, writeFileSync, writeSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";

/** Sizes of a BERT with masked-LM head. */
export interface BertSize {
  readonly layers: number;
  readonly hidden: number;
  readonly heads: number;
}

/** Shapes of models that people use: 4.4, 28.8 and 109.5 million parameters. */
export const bertSizes: Readonly<Record<string, BertSize>> = {
  tiny: { layers: 2, hidden: 128, heads: 2 },
  small: { layers: 4, hidden: 512, heads: 8 },
  base: { layers: 12, hidden: 768, heads: 12 },
};

const vocabulary = 30522;
const deviationOfWeights = 0.02;
/** The folder of the embedded model. */
export const embeddedModel = path.join(
  path.dirname(createRequire(import.meta.url).resolve("@sparse-encoder/core/package.json")),
  "models/splade-tiny",
);

/**
 * Makes a BERT folder with random weights from a fixed seed, for speed and memory only, in the system's temporary folder;
 * one that is there is used again. Tokenizer and settings come from the embedded model.
 */
export function randomBert(name: string): string {
  const { layers, hidden, heads } = bertSizes[name]!;
  const folder = path.join(tmpdir(), `sparse-encoder-bench-bert-${name}`);
  if (existsSync(path.join(folder, "complete"))) return folder;
  mkdirSync(folder, { recursive: true });
  cpSync(embeddedModel, folder, { recursive: true, filter: (file) => !file.endsWith(".safetensors") });
  const config = {
    architectures: ["BertForMaskedLM"],
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
  };
  writeFileSync(path.join(folder, "config.json"), JSON.stringify(config));

  const shapes: Record<string, number[]> = {};
  const linear = (at: string, from: number, to: number) => {
    shapes[`${at}.weight`] = [to, from];
    shapes[`${at}.bias`] = [to];
  };
  const norm = (at: string) => {
    shapes[`${at}.weight`] = [hidden];
    shapes[`${at}.bias`] = [hidden];
  };
  shapes["bert.embeddings.word_embeddings.weight"] = [vocabulary, hidden];
  shapes["bert.embeddings.position_embeddings.weight"] = [512, hidden];
  shapes["bert.embeddings.token_type_embeddings.weight"] = [2, hidden];
  norm("bert.embeddings.LayerNorm");
  for (let layer = 0; layer < layers; layer++) {
    const at = `bert.encoder.layer.${layer}`;
    for (const part of ["query", "key", "value"]) linear(`${at}.attention.self.${part}`, hidden, hidden);
    linear(`${at}.attention.output.dense`, hidden, hidden);
    norm(`${at}.attention.output.LayerNorm`);
    linear(`${at}.intermediate.dense`, hidden, 4 * hidden);
    linear(`${at}.output.dense`, 4 * hidden, hidden);
    norm(`${at}.output.LayerNorm`);
  }
  linear("cls.predictions.transform.dense", hidden, hidden);
  norm("cls.predictions.transform.LayerNorm");
  shapes["cls.predictions.bias"] = [vocabulary];
  writeSafetensors(path.join(folder, "model.safetensors"), shapes);
  writeFileSync(path.join(folder, "complete"), "");
  return folder;
}

function writeSafetensors(file: string, shapes: Readonly<Record<string, readonly number[]>>): void {
  const header: Record<string, unknown> = {};
  let end = 0;
  const counts = Object.entries(shapes).map(([name, shape]) => {
    const count = shape.reduce((product, size) => product * size, 1);
    header[name] = { dtype: "F32", shape, data_offsets: [end, end + 4 * count] };
    end += 4 * count;
    return [name, count] as const;
  });
  const json = Buffer.from(JSON.stringify(header));
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(json.length));
  const descriptor = openSync(file, "w");
  writeSync(descriptor, prefix);
  writeSync(descriptor, json);
  const random = generator(20_261_124);
  for (const [name, count] of counts) {
    const values = new Float32Array(count);
    const { mean, deviation } = distributionOf(
      name,
      shapes["cls.predictions.transform.LayerNorm.weight"]![0]!,
    );
    for (let index = 0; index < count; index++)
      values[index] = mean + deviation * (random() + random() + random() - 1.5) * 2;
    writeSync(descriptor, new Uint8Array(values.buffer));
  }
  closeSync(descriptor);
}

function distributionOf(name: string, hidden: number): { mean: number; deviation: number } {
  if (name === "cls.predictions.bias") {
    // Scores as of the embedded model, whose largest over 128 tokens is, relative to the product of the norms, about
    // -0.12 +- 0.05: some 200 entries are above 0. The tokens' largest product is about 2.5 deviations above its mean.
    const norms = deviationOfWeights * hidden;
    return { mean: norms * (-0.12 - 2.5 / Math.sqrt(hidden)), deviation: norms * 0.047 };
  }
  if (name.endsWith("LayerNorm.weight")) return { mean: 1, deviation: 0 };
  return { mean: 0, deviation: name.endsWith(".bias") ? 0 : deviationOfWeights };
}

/** Numbers in [0, 1) from a seed (mulberry32). */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
