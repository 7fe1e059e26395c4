// Peak memory and processor time of one text of 512, 2,048 and 8,192 tokens: attention in blocks beside attention of everything at once.
// Three layers of ModernBERT's base shape (768, 12 heads; one attends to all tokens, two to 64 on each side), random weights.
// Usage: tsx bench/attention.ts [--lengths 512,2048,8192]
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

const { values: options } = parseArgs({
  options: {
    lengths: { type: "string", default: "512,2048,8192" },
    folder: { type: "string" },
    graph: { type: "string", default: "whole" },
  },
});

const hidden = 768;
const inside = 1152;
const layers = 3;
const vocabulary = 1000;

function writeModel(folder: string): void {
  const shapes: Record<string, number[]> = {
    "embeddings.tok_embeddings.weight": [vocabulary, hidden],
    "embeddings.norm.weight": [hidden],
    "final_norm.weight": [hidden],
  };
  for (let layer = 0; layer < layers; layer++) {
    const at = `layers.${layer}`;
    if (layer > 0) shapes[`${at}.attn_norm.weight`] = [hidden];
    shapes[`${at}.attn.Wqkv.weight`] = [3 * hidden, hidden];
    shapes[`${at}.attn.Wo.weight`] = [hidden, hidden];
    shapes[`${at}.mlp_norm.weight`] = [hidden];
    shapes[`${at}.mlp.Wi.weight`] = [2 * inside, hidden];
    shapes[`${at}.mlp.Wo.weight`] = [hidden, inside];
  }
  let end = 0;
  const header: Record<string, unknown> = {};
  const values = Object.entries(shapes).map(([name, shape]) => {
    const count = shape.reduce((product, size) => product * size, 1);
    header[name] = { dtype: "F32", shape, data_offsets: [end, end + 4 * count] };
    end += 4 * count;
    const isNorm = shape.length === 1;
    return Float32Array.from({ length: count }, (_, place) =>
      isNorm ? 1 : Math.sin(place * 12.9898) * 0.05,
    );
  });
  const json = Buffer.from(JSON.stringify(header));
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(json.length));
  const data = values.map(({ buffer }) => new Uint8Array(buffer));
  writeFileSync(path.join(folder, "model.safetensors"), Buffer.concat([prefix, json, ...data]));
  const config = {
    architectures: ["ModernBertModel"],
    model_type: "modernbert",
    vocab_size: vocabulary,
    hidden_size: hidden,
    intermediate_size: inside,
    num_hidden_layers: layers,
    num_attention_heads: 12,
  };
  writeFileSync(path.join(folder, "config.json"), JSON.stringify(config));
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

if (options.folder !== undefined) await measure(options.folder, options.graph, Number(options.lengths));
else {
  const folder = mkdtempSync(path.join(tmpdir(), "sparse-encoder-bench-attention-"));
  writeModel(folder);
  for (const length of options.lengths.split(",")) {
    for (const graph of ["blocks", "whole"]) {
      const child = [...process.execArgv, fileURLToPath(import.meta.url)];
      const settings = ["--folder", folder, "--graph", graph, "--lengths", length];
      // A process each, since peaks do not fall.
      console.log(execFileSync(process.execPath, [...child, ...settings], { encoding: "utf8" }).trim());
    }
  }
  rmSync(folder, { recursive: true });
}
