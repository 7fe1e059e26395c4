import { stat } from "node:fs/promises";
import path from "node:path";
import { received, SparseEncoderError } from "../errors.ts";
import { type ModelDescription, modelTypes, type WantedModel } from "./description.ts";
import { isJsonObject, type JsonObject, readJsonObject, setting } from "./json-file.ts";
import { withLexicalWeights } from "./lexical-weights.ts";
import { readModules } from "./modules/modules.ts";
import { readReranker } from "./reranker.ts";

/**
 * Reads the settings of a model folder as sentence-transformers saves it, or of a plain checkpoint.
 * Weights and tokenizers are only located, not read.
 *
 * Two things differ from sentence-transformers, where it surprises: a folder with `modules.json` but without
 * `config_sentence_transformers.json` runs the modules it lists, without an untrained autoencoder behind them; and a
 * checkpoint without `modules.json` keeps the prompts of its `config_sentence_transformers.json`.
 *
 * @param modelType what a checkpoint without `modules.json` is taken for; default a sparse encoder
 * @throws SparseEncoderError `MODEL_NOT_FOUND`, `MODEL_INVALID` or `MODEL_UNSUPPORTED`
 */
export async function readModelFolder(
  folder: string,
  modelType: WantedModel = "SparseEncoder",
): Promise<ModelDescription> {
  const root = path.resolve(folder);
  const found = await stat(root).catch(() => undefined);
  if (found?.isDirectory() !== true) {
    const problem =
      found === undefined ? `There is no folder ${root}` : `${root} is a file, not a model folder`;
    const advice = found?.isFile() === true ? `Name its folder, ${path.dirname(root)}.` : "Check the path.";
    throw new SparseEncoderError("MODEL_NOT_FOUND", `${problem}. ${advice}`);
  }
  const file = path.join(root, "config_sentence_transformers.json");
  const json = (await readJsonObject(file)) ?? {};
  const named = setting(json, "model_type", "", file);
  if (named !== "" && !modelTypes.some((known) => known === named)) {
    throw new SparseEncoderError(
      "MODEL_UNSUPPORTED",
      `${file} names the model type ${received(named)}, which is not supported. Supported: ${modelTypes.join(", ")}.`,
    );
  }
  const reranker = await readReranker(root, named, modelType);
  const read = reranker?.routes ?? (await readModules(root, modelType));
  const routes = reranker ? read : await withLexicalWeights(root, read, modelType);
  const last = routes.plain.at(-1)?.kind;
  const isSparse =
    last === "LexicalWeights" ||
    last === "SpladePooling" ||
    last === "SparseAutoEncoder" ||
    last === "SparseStaticEmbedding";
  return {
    folder: root,
    modelType: reranker
      ? "CrossEncoder"
      : routes !== read && modelType === "HybridEncoder"
        ? "HybridEncoder"
        : isSparse
          ? "SparseEncoder"
          : "SentenceTransformer",
    routes,
    prompts: { query: "", document: "", ...readPrompts(json, file) },
    defaultPromptName: setting(json, "default_prompt_name", "", file) || undefined,
    similarity: setting(json, "similarity_fn_name", "", file) || undefined,
    truncateDim: setting(json, "truncate_dim", 0, file) || undefined,
    activation: setting(json, "activation_fn", "", file) || reranker?.activation,
  };
}

/** Prompts by name; null stands for none. */
function readPrompts(json: JsonObject, file: string): Record<string, string> {
  const saved = json.prompts ?? {};
  const isPrompt = (prompt: unknown) => typeof prompt === "string" || prompt === null;
  if (!isJsonObject(saved) || !Object.values(saved).every(isPrompt)) {
    throw new SparseEncoderError(
      "MODEL_INVALID",
      `${file}: "prompts" must map names to texts, found ${received(saved)}.`,
    );
  }
  return Object.fromEntries(Object.entries(saved).map(([name, prompt]) => [name, (prompt as string) ?? ""]));
}
