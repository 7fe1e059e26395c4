import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import {
  compileExportedModel,
  compileModel,
  resolveTiedWeights,
} from "../../packages/core/src/graph/index.ts";
import {
  readModelFolder,
  readOnnxExport,
  readSafetensors,
  readTensorValues,
  readWeights,
  type TensorTable,
  Tokenizer,
} from "../../packages/core/src/model/index.ts";
import type { Attempt } from "./attempts.ts";
import { fixtures, modelsWith } from "./corpus.ts";
import { hostileText, mutatedBytes, mutatedJson } from "./mutations.ts";

/** Bytes at the start of a file of weights that are damaged: they hold its header, where a file can lie. */
const headBytes = 6000;

/** Settings that a tokenizer is read from; a model may lack some. */
const tokenizerFiles = ["tokenizer.json", "tokenizer_config.json", "config.json"];

const tokenizerModels = [
  "bert-max-relu",
  "roberta",
  "modernbert",
  "xlm-roberta",
  "camembert",
  "albert",
  "mpnet",
];
const settingsModels = [
  "bert-max-relu",
  "csr",
  "dense-mean-normalize",
  "inference-free",
  "modernbert",
  "plain-mlm",
];

/** Readers of files that come with a model. */
export const readers: Readonly<Record<string, Attempt>> = {
  safetensors: async (random, scratch) => {
    const folder = random.pick(modelsWith("model.safetensors", ["bert-max-relu", "bert-bf16", "csr"]));
    const bytes = readFileSync(path.join(folder, "model.safetensors"));
    const file = path.join(scratch, "model.safetensors");
    const head = mutatedBytes(bytes.subarray(0, headBytes), random);
    writeFileSync(file, Buffer.concat([head, bytes.subarray(headBytes)]));
    const table = await readSafetensors(file);
    for (const [, tensor] of table.entries()) await readTensorValues(tensor);
  },
  pickle: async (random, scratch) => {
    const folder = random.pick(modelsWith("pytorch_model.bin", ["bert-pytorch-bin"]));
    const bytes = readFileSync(path.join(folder, "pytorch_model.bin"));
    writeFileSync(path.join(scratch, "pytorch_model.bin"), mutatedBytes(bytes, random));
    await readWeights(scratch);
  },
  tokenizer: async (random, scratch) => {
    const folder = random.pick(modelsWith("tokenizer.json", tokenizerModels));
    for (const name of tokenizerFiles.filter((file) => existsSync(path.join(folder, file)))) {
      const json: unknown = JSON.parse(readFileSync(path.join(folder, name), "utf8"));
      const isKept = name === "config.json" || random.oneIn(3);
      writeFileSync(path.join(scratch, name), JSON.stringify(isKept ? json : mutatedJson(json, random)));
    }
    const tokenizer = await Tokenizer.open(scratch);
    await tokenizer.encode(
      Array.from({ length: 3 }, () => hostileText(random)),
      1 + tokenizer.minimumLength + random.below(100),
    );
  },
  settings: async (random, scratch) => {
    cpSync(random.pick(modelsWith("config.json", settingsModels)), scratch, { recursive: true });
    const files = readdirSync(scratch, { recursive: true, encoding: "utf8" }).filter((file) =>
      /(?:config|modules)\w*\.json$/.test(file),
    );
    const file = path.join(scratch, random.pick(files));
    writeFileSync(file, JSON.stringify(mutatedJson(JSON.parse(readFileSync(file, "utf8")), random)));
    const { routes } = await readModelFolder(scratch, random.pick(["SparseEncoder", "SentenceTransformer"]));
    for (const pipeline of new Set(Object.values(routes))) {
      if (pipeline[0]?.kind !== "Transformer") continue;
      const weights = new Map<string, TensorTable>();
      for (const module of pipeline) {
        if ("folder" in module) weights.set(module.folder, await readWeights(module.folder));
      }
      compileModel(pipeline, await resolveTiedWeights(pipeline, weights, undefined));
    }
  },
  onnx: async (random, scratch) => {
    const bytes = readFileSync(path.join(fixtures, "onnx-exports", "bert-max-relu-18.onnx"));
    const file = path.join(scratch, "model.onnx");
    const at = random.below(2) === 0 ? 0 : bytes.length - 4000;
    const changed = mutatedBytes(bytes.subarray(at, at + 4000), random);
    writeFileSync(file, Buffer.concat([bytes.subarray(0, at), changed, bytes.subarray(at + 4000)]));
    const { routes } = await readModelFolder(path.join(fixtures, "models", "bert-max-relu"));
    compileExportedModel(routes.plain, await readOnnxExport(file));
  },
};
