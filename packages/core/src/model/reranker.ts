import path from "node:path";
import { received, SparseEncoderError } from "../errors.ts";
import type { Pipeline, TransformerModule, WantedModel } from "./description.ts";
import { isJsonObject, readJsonFile, readJsonObject, setting } from "./json-file.ts";
import type { Routes } from "./modules/router.ts";
import { readTransformer } from "./modules/transformer-module.ts";

/** What a folder says about a reranker. */
export interface Reranker {
  readonly routes: Routes;
  /** Class name of the function that is applied to scores, from `config.json`; undefined if the file names none. */
  readonly activation: string | undefined;
}

/** What a checkpoint with a classification head is saved from. */
const classifierName = /ForSequenceClassification$/;

/**
 * A folder as a reranker; undefined if the folder holds another kind of model. Without `modules.json` a folder is what the
 * caller wants, except for a checkpoint that was saved with a classification head, which is a reranker.
 *
 * @param named `model_type` of `config_sentence_transformers.json`; empty if there is none
 * @param wanted what the caller can work with
 */
export async function readReranker(
  root: string,
  named: string,
  wanted: WantedModel,
): Promise<Reranker | undefined> {
  const file = path.join(root, "modules.json");
  const modules = await readJsonFile(file);
  if (named === "CrossEncoder") checkModules(modules, file);
  else {
    if (named !== "" || modules !== undefined) return undefined;
    if (wanted !== "CrossEncoder" && !(await isClassifier(root))) return undefined;
  }
  const transformer = await readTransformer({ folder: root }, "pairs");
  const plain: Pipeline = [transformer, { kind: "SequenceClassification", labels: labelsOf(transformer) }];
  return { routes: { plain, query: plain, document: plain }, activation: activationOf(transformer) };
}

/** The modules of a reranker are a transformer with its head, in one checkpoint. */
function checkModules(modules: unknown, file: string): void {
  const types = (Array.isArray(modules) ? modules : []).map((module) => (isJsonObject(module) ? module : {}));
  const other = types.find(
    ({ type, path: place }) => !/\.Transformer$/.test(String(type)) || (place ?? "") !== "",
  );
  if (other === undefined && types.length <= 1) return;
  throw new SparseEncoderError(
    "MODEL_UNSUPPORTED",
    `${file} lists ${received(types.map(({ type }) => type))}. Supported for a reranker: a single Transformer, whose checkpoint lies beside the file.`,
  );
}

async function isClassifier(root: string): Promise<boolean> {
  const { architectures } = (await readJsonObject(path.join(root, "config.json"))) ?? {};
  return Array.isArray(architectures) && classifierName.test(String(architectures[0]));
}

/** Number of labels; two where the file names none, as in the reference. */
function labelsOf({ config, configFile }: TransformerModule): number {
  if (isJsonObject(config.id2label)) return Object.keys(config.id2label).length;
  return setting(config, "num_labels", 2, configFile);
}

/** Releases before 4.0 wrote another key. */
function activationOf({ config, configFile }: TransformerModule): string | undefined {
  const saved = isJsonObject(config.sentence_transformers) ? config.sentence_transformers : {};
  return (
    setting(saved, "activation_fn", "", configFile) ||
    setting(config, "sbert_ce_default_activation_function", "", configFile) ||
    undefined
  );
}
