import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
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
import { hostileText, mutatedBytes, mutatedJson, type Random } from "./mutations.ts";

const fixtures = fileURLToPath(new URL("../fixtures/", import.meta.url));
const folderOf = (model: string) => path.join(fixtures, "models", model);

/** Reads one damaged file in an empty folder; resolves, or rejects with what the reader threw. */
export type Attempt = (random: Random, scratch: string) => Promise<void>;

/** Readers of files that come with a model. */
export const readers: Readonly<Record<string, Attempt>> = {
  safetensors: async (random, scratch) => {
    const bytes = readFileSync(path.join(folderOf("bert-max-relu"), "model.safetensors"));
    const file = path.join(scratch, "model.safetensors");
    // The header is where a file can lie.
    writeFileSync(file, Buffer.concat([mutatedBytes(bytes.subarray(0, 6000), random), bytes.subarray(6000)]));
    const table = await readSafetensors(file);
    for (const [, tensor] of table.entries()) await readTensorValues(tensor);
  },
  pickle: async (random, scratch) => {
    const bytes = readFileSync(path.join(folderOf("bert-pytorch-bin"), "pytorch_model.bin"));
    writeFileSync(path.join(scratch, "pytorch_model.bin"), mutatedBytes(bytes, random));
    await readWeights(scratch);
  },
  tokenizer: async (random, scratch) => {
    const model = random.pick([
      "bert-max-relu",
      "roberta",
      "modernbert",
      "xlm-roberta",
      "camembert",
      "albert",
      "mpnet",
    ]);
    for (const name of ["tokenizer.json", "tokenizer_config.json", "config.json"]) {
      const json: unknown = JSON.parse(readFileSync(path.join(folderOf(model), name), "utf8"));
      const changes = name === "config.json" ? json : random.below(3) > 0 ? mutatedJson(json, random) : json;
      writeFileSync(path.join(scratch, name), JSON.stringify(changes));
    }
    const tokenizer = await Tokenizer.open(scratch);
    await tokenizer.encode(
      Array.from({ length: 3 }, () => hostileText(random)),
      1 + tokenizer.minimumLength + random.below(100),
    );
  },
  settings: async (random, scratch) => {
    const model = random.pick([
      "bert-max-relu",
      "csr",
      "dense-mean-normalize",
      "inference-free",
      "modernbert",
      "plain-mlm",
    ]);
    cpSync(folderOf(model), scratch, { recursive: true });
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
    const { routes } = await readModelFolder(folderOf("bert-max-relu"));
    compileExportedModel(routes.plain, await readOnnxExport(file));
  },
};

/** Empties a folder that an attempt wrote to. */
export function emptyFolder(folder: string): void {
  for (const name of readdirSync(folder)) rmSync(path.join(folder, name), { recursive: true, force: true });
}
