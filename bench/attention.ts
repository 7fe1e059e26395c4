// Peak memory and processor time of one text of 512, 2,048 and 8,192 tokens: attention in blocks beside attention of everything at once.
// Three layers of random weights, by kind of attention. Usage: tsx bench/attention.ts [--kinds modernbert,causal,deberta --lengths
// 512,2048,8192 --graphs blocks,whole]
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { compileModel } from "../packages/core/src/graph/index.ts";
import { readModelFolder, readWeights, type TensorTable } from "../packages/core/src/model/index.ts";
import { cpu } from "../packages/core/src/runtime/device/device.ts";
import { Session } from "../packages/core/src/runtime/session.ts";
import { initialTensors, writeRandomWeights } from "./random-weights.ts";

const { values: options } = parseArgs({
  options: {
    lengths: { type: "string", default: "512,2048,8192" },
    kinds: { type: "string", default: "modernbert,causal,deberta" },
    graphs: { type: "string", default: "blocks,whole" },
    folder: { type: "string" },
  },
});

const layers = 3;
const vocabulary = 1000;
const longest = 8192;

/** Three layers of a shape that people use. */
interface Kind {
  readonly config: Readonly<Record<string, unknown>>;
  readonly shapes: Readonly<Record<string, readonly number[]>>;
}

/** Names and shapes of all layers, from those of one. */
function layered(prefix: string, of: (layer: number) => Readonly<Record<string, readonly number[]>>) {
  const all = Array.from({ length: layers }, (_, layer) =>
    Object.entries(of(layer)).map(([name, shape]) => [`${prefix}${layer}.${name}`, shape] as const),
  );
  return Object.fromEntries(all.flat());
}

const kinds: Readonly<Record<string, () => Kind>> = {
  // One layer attends to all tokens, two to 64 on each side.
  modernbert: () => ({
    config: { architectures: ["ModernBertModel"], model_type: "modernbert", intermediate_size: 1152 },
    shapes: {
      "embeddings.tok_embeddings.weight": [vocabulary, 768],
      "embeddings.norm.weight": [768],
      "final_norm.weight": [768],
      ...layered("layers.", (layer) => ({
        ...(layer > 0 && { "attn_norm.weight": [768] }),
        "attn.Wqkv.weight": [3 * 768, 768],
        "attn.Wo.weight": [768, 768],
        "mlp_norm.weight": [768],
        "mlp.Wi.weight": [2 * 1152, 768],
        "mlp.Wo.weight": [768, 1152],
      })),
    },
  }),
  // Each token attends to those before it; two heads of queries share keys and values. The shape of Qwen3-0.6B.
  causal: () => ({
    config: {
      architectures: ["Qwen3Model"],
      model_type: "qwen3",
      hidden_size: 1024,
      num_attention_heads: 16,
      num_key_value_heads: 8,
      head_dim: 128,
      intermediate_size: 3072,
    },
    shapes: {
      "embed_tokens.weight": [vocabulary, 1024],
      "norm.weight": [1024],
      ...layered("layers.", () => ({
        "input_layernorm.weight": [1024],
        "post_attention_layernorm.weight": [1024],
        "self_attn.q_proj.weight": [2048, 1024],
        "self_attn.k_proj.weight": [1024, 1024],
        "self_attn.v_proj.weight": [1024, 1024],
        "self_attn.o_proj.weight": [1024, 2048],
        "self_attn.q_norm.weight": [128],
        "self_attn.k_norm.weight": [128],
        "mlp.gate_proj.weight": [3072, 1024],
        "mlp.up_proj.weight": [3072, 1024],
        "mlp.down_proj.weight": [1024, 3072],
      })),
    },
  }),
  // Contents and distances attend to each other, as in DeBERTa-v3 base.
  deberta: () => ({
    config: {
      architectures: ["DebertaV2Model"],
      model_type: "deberta-v2",
      intermediate_size: 3072,
      relative_attention: true,
      position_buckets: 256,
      norm_rel_ebd: "layer_norm",
      share_att_key: true,
      pos_att_type: "p2c|c2p",
      position_biased_input: false,
    },
    shapes: {
      "embeddings.word_embeddings.weight": [vocabulary, 768],
      "embeddings.LayerNorm.weight": [768],
      "embeddings.LayerNorm.bias": [768],
      "encoder.rel_embeddings.weight": [512, 768],
      "encoder.LayerNorm.weight": [768],
      "encoder.LayerNorm.bias": [768],
      ...layered("encoder.layer.", () => ({
        ...withBias("attention.self.query_proj", 768, 768),
        ...withBias("attention.self.key_proj", 768, 768),
        ...withBias("attention.self.value_proj", 768, 768),
        ...withBias("attention.output.dense", 768, 768),
        ...withBias("attention.output.LayerNorm", 768),
        ...withBias("intermediate.dense", 3072, 768),
        ...withBias("output.dense", 768, 3072),
        ...withBias("output.LayerNorm", 768),
      })),
    },
  }),
};

function withBias(name: string, ...shape: number[]): Record<string, number[]> {
  return { [`${name}.weight`]: shape, [`${name}.bias`]: [shape[0]!] };
}

function writeModel(folder: string, kind: string): void {
  const { config, shapes } = kinds[kind]!();
  writeRandomWeights(path.join(folder, "model.safetensors"), initialTensors(shapes));
  const sizes = { vocab_size: vocabulary, num_hidden_layers: layers, max_position_embeddings: longest };
  const usual = { hidden_size: 768, num_attention_heads: 12 };
  writeFileSync(path.join(folder, "config.json"), JSON.stringify({ ...usual, ...sizes, ...config }));
}

const peak = () => Number(/VmHWM:\s+(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))![1]) / 1024;

async function measure(folder: string, graph: string, length: number): Promise<void> {
  const { routes } = await readModelFolder(folder, "SentenceTransformer");
  const weights = new Map<string, TensorTable>();
  for (const module of routes.plain)
    if ("folder" in module) weights.set(module.folder, await readWeights(module.folder));
  const model = compileModel(routes.plain, weights);
  const gate = new SharedArrayBuffer(4);
  const setup = { model, device: cpu, threads: 1, aloneThreads: 1, opensAlone: false, gate };
  const session = await Session.open(setup, graph === "blocks" ? "long" : "whole", 1);
  const ids = Int32Array.from({ length }, (_, place) => (place * 31 + (place >> 3)) % vocabulary);
  const lengths = Int32Array.of(length);
  const before = peak();
  const started = process.cpuUsage();
  await session.encode({ ids, lengths, maxActiveDims: 0, skippedTokens: 0, alone: true });
  const { user, system } = process.cpuUsage(started);
  console.log(
    `${graph}, ${length} tokens: ${((user + system) / 1e6).toFixed(2)} s, ${(peak() - before).toFixed(0)} MB`,
  );
}

if (options.folder !== undefined) await measure(options.folder, options.graphs, Number(options.lengths));
else {
  for (const kind of options.kinds.split(",")) {
    const folder = mkdtempSync(path.join(tmpdir(), "sparse-encoder-bench-attention-"));
    writeModel(folder, kind);
    for (const length of options.lengths.split(",")) {
      for (const graph of options.graphs.split(",")) {
        const child = [...process.execArgv, fileURLToPath(import.meta.url)];
        const settings = ["--folder", folder, "--graphs", graph, "--lengths", length];
        // A process each, since peaks do not fall.
        const line = execFileSync(process.execPath, [...child, ...settings], { encoding: "utf8" });
        console.log(`${kind}, ${line.trim()}`);
      }
    }
    rmSync(folder, { recursive: true });
  }
}
