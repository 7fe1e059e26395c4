import { stat } from "node:fs/promises";
import path from "node:path";
import { received, SparseEncoderError } from "../errors.ts";
import type { ModelDescription, SpladePooling } from "./description.ts";
import { isJsonObject, type JsonObject, readJsonFile, readJsonObject, setting } from "./json-file.ts";

/**
 * Reads the settings of a model folder as sentence-transformers saves it: `modules.json` with a `Transformer`
 * and a `SpladePooling` module, or a plain masked-LM checkpoint without `modules.json`. Weights and tokenizer
 * are only located, not read.
 *
 * @throws SparseEncoderError `MODEL_NOT_FOUND`, `MODEL_INVALID`, `MODEL_UNSUPPORTED` or `TOKENIZER_INVALID`
 */
export async function readModelFolder(folder: string): Promise<ModelDescription> {
  const root = path.resolve(folder);
  if (!(await isFolder(root))) {
    throw new SparseEncoderError("MODEL_NOT_FOUND", `There is no model folder ${root}. Check the path.`);
  }
  const modules = await readModules(root);
  const transformer = moduleFolder(root, modules, ["Transformer", "MLMTransformer"]);
  const configFile = path.join(transformer, "config.json");
  const config = await readJsonObject(configFile);
  if (config === undefined) {
    throw new SparseEncoderError(
      "MODEL_NOT_FOUND",
      `${transformer} holds no model: config.json is missing. A model folder needs config.json, model.safetensors and tokenizer.json.`,
    );
  }
  const settings = modules === undefined ? undefined : await readSentenceTransformersConfig(root);
  return {
    folder: root,
    config,
    configFile,
    weightsFile: await existing(path.join(transformer, "model.safetensors"), "MODEL_NOT_FOUND", "weights"),
    tokenizerFile: await existing(path.join(transformer, "tokenizer.json"), "TOKENIZER_INVALID", "tokenizer"),
    pooling: await readPooling(root, modules),
    prompts: settings?.prompts ?? { query: "", document: "" },
    defaultPromptName: settings?.defaultPromptName,
    similarity: settings?.similarity,
    maxSeqLength: await readMaxSeqLength(transformer, config, configFile),
  };
}

/** One entry of `modules.json`: the last part of its dotted class, and its folder. */
interface Module {
  readonly kind: string;
  readonly type: string;
  readonly path: string;
}

const supportedModules = ["Transformer", "MLMTransformer", "SpladePooling"];

async function readModules(root: string): Promise<Module[] | undefined> {
  const file = path.join(root, "modules.json");
  const json = await readJsonFile(file);
  if (json === undefined) return undefined;
  if (!Array.isArray(json) || json.length === 0 || !json.every(isJsonObject)) {
    throw new SparseEncoderError("MODEL_INVALID", `${file} must list modules, found ${received(json)}.`);
  }
  return json.map((entry) => {
    const type = setting(entry, "type", "", file);
    const kind = type.slice(type.lastIndexOf(".") + 1);
    // Classes outside the reference's own packages are custom code, whatever their last name.
    if (!type.startsWith("sentence_transformers.") || !supportedModules.includes(kind)) {
      throw new SparseEncoderError(
        "MODEL_UNSUPPORTED",
        `${file} names the module ${received(type)}, which is not supported. Supported modules: ${supportedModules.join(", ")}.`,
      );
    }
    const folder = path.resolve(root, setting(entry, "path", "", file));
    if (folder !== root && !folder.startsWith(root + path.sep)) {
      throw new SparseEncoderError(
        "MODEL_INVALID",
        `${file} names a path outside the model folder: ${received(entry.path)}.`,
      );
    }
    return { kind, type, path: folder };
  });
}

function moduleFolder(root: string, modules: Module[] | undefined, kinds: readonly string[]): string {
  if (modules === undefined) return root;
  const found = modules.find((module) => kinds.includes(module.kind));
  if (found === undefined) {
    const names = modules.map((module) => module.kind).join(", ");
    throw new SparseEncoderError(
      "MODEL_UNSUPPORTED",
      `${root} has no ${kinds[0]} module, only ${names}; a sparse encoder needs Transformer and SpladePooling.`,
    );
  }
  return found.path;
}

async function readPooling(root: string, modules: Module[] | undefined): Promise<SpladePooling> {
  // A plain masked-LM checkpoint is pooled as the reference does by default.
  if (modules === undefined) return { strategy: "max", activation: "relu" };
  const file = path.join(moduleFolder(root, modules, ["SpladePooling"]), "config.json");
  const json = (await readJsonObject(file)) ?? {};
  return {
    strategy: oneOf(json, "pooling_strategy", ["max", "sum"], file),
    activation: oneOf(json, "activation_function", ["relu", "log1p_relu"], file),
  };
}

async function readSentenceTransformersConfig(
  root: string,
): Promise<Pick<ModelDescription, "prompts" | "defaultPromptName" | "similarity">> {
  const file = path.join(root, "config_sentence_transformers.json");
  const json = (await readJsonObject(file)) ?? {};
  const saved = json.prompts ?? {};
  if (!isJsonObject(saved) || !Object.values(saved).every((prompt) => typeof prompt === "string")) {
    throw new SparseEncoderError(
      "MODEL_INVALID",
      `${file}: "prompts" must map names to texts, found ${received(saved)}.`,
    );
  }
  const prompts = { query: "", document: "", ...(saved as Record<string, string>) };
  const defaultPromptName = setting(json, "default_prompt_name", "", file) || undefined;
  if (defaultPromptName !== undefined && !Object.hasOwn(prompts, defaultPromptName)) {
    throw new SparseEncoderError(
      "MODEL_INVALID",
      `${file}: the default prompt "${defaultPromptName}" is none of its prompts: ${Object.keys(prompts).join(", ")}.`,
    );
  }
  return {
    prompts,
    defaultPromptName,
    similarity: setting(json, "similarity_fn_name", "", file) || undefined,
  };
}

/**
 * The length a folder asks for: `max_seq_length` of the older `sentence_bert_config.json`, else
 * `model_max_length` of the tokenizer, capped by the position table.
 */
async function readMaxSeqLength(
  transformer: string,
  config: JsonObject,
  configFile: string,
): Promise<number | undefined> {
  const legacyFile = path.join(transformer, "sentence_bert_config.json");
  const legacy = setting((await readJsonObject(legacyFile)) ?? {}, "max_seq_length", 0, legacyFile);
  const tokenizerFile = path.join(transformer, "tokenizer_config.json");
  const own = setting((await readJsonObject(tokenizerFile)) ?? {}, "model_max_length", 0, tokenizerFile);
  const positions = setting(config, "max_position_embeddings", 0, configFile);
  const lengths = [legacy > 0 ? legacy : own, positions].filter((length) => length > 0);
  return lengths.length === 0 ? undefined : Math.min(...lengths);
}

function oneOf<Name extends string>(
  json: JsonObject,
  key: string,
  names: readonly [Name, ...Name[]],
  file: string,
): Name {
  const value = setting(json, key, names[0] as string, file);
  const found = names.find((name) => name === value);
  if (found === undefined) {
    throw new SparseEncoderError(
      "MODEL_INVALID",
      `${file}: "${key}" must be one of ${names.join(", ")}, found ${received(value)}.`,
    );
  }
  return found;
}

async function existing(
  file: string,
  code: "MODEL_NOT_FOUND" | "TOKENIZER_INVALID",
  what: string,
): Promise<string> {
  const found = await stat(file).catch(() => undefined);
  if (found?.isFile() !== true) {
    throw new SparseEncoderError(
      code,
      `${path.dirname(file)} has no ${what}: ${path.basename(file)} is missing.`,
    );
  }
  return file;
}

async function isFolder(folder: string): Promise<boolean> {
  return (await stat(folder).catch(() => undefined))?.isDirectory() === true;
}
