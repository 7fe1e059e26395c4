import { randomUUID } from "node:crypto";
import { cp, mkdir, readdir, realpath, rename, rm, rmdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { invalidArgument, received, SparseEncoderError } from "../errors.ts";
import type { ModelType, PairTruncation } from "./description.ts";
import { isJsonObject, type JsonObject, readJsonFile, readJsonObject } from "./json-file.ts";
import { modelFiles } from "./model-files.ts";
import { transformerSettingsFiles } from "./modules/transformer-module.ts";
import { openRegularFile } from "./regular-file.ts";

/** Settings of a model that a saved folder keeps. */
export interface SavedSettings {
  readonly modelType: ModelType;
  readonly prompts: Readonly<Record<string, string>>;
  readonly defaultPromptName: string | undefined;
  /** How two embeddings of an encoder are compared. */
  readonly similarity?: string | undefined;
  readonly maxSeqLength: number;
  /** The ONNX file that transformers run from, relative to their folders; undefined where they run from weights. */
  readonly fileName: string | undefined;
  /** Of a reranker. */
  readonly pairs?: SavedPairs | undefined;
}

/** Settings of a reranker that a saved folder keeps. */
interface SavedPairs {
  /** Class name in torch of the function that is applied to scores. */
  readonly activation: string;
  /** Which text of a pair is cut. */
  readonly truncation: PairTruncation;
}

/** Notices that belong to a model. */
const notices = /^(?:LICENSE|NOTICE|README)(?:\.\w+)?$/i;

/** What stands behind the transformer of a checkpoint without `modules.json`, as sentence-transformers 6 writes it. */
const plainPooling: Readonly<
  Record<Exclude<ModelType, "CrossEncoder">, { readonly folder: string; readonly type: string }>
> = {
  SparseEncoder: {
    folder: "1_SpladePooling",
    type: "sentence_transformers.sparse_encoder.modules.splade_pooling.SpladePooling",
  },
  SentenceTransformer: {
    folder: "1_Pooling",
    type: "sentence_transformers.sentence_transformer.modules.pooling.Pooling",
  },
};

/** Settings of the transformer of a reranker, as sentence-transformers 6 writes them. */
const rerankerSettings: JsonObject = {
  transformer_task: "sequence-classification",
  modality_config: { text: { method: "forward", method_output_name: "logits" } },
  module_output_name: "scores",
};

/**
 * Writes a model folder that sentence-transformers loads too: the files of `source` that a model needs, unchanged, and
 * these settings. Everything is written under a temporary name first, so that no half folder stays behind.
 *
 * @throws SparseEncoderError `INVALID_ARGUMENT` if `target` exists and is not empty, `CACHE_UNWRITABLE` if it cannot be
 *   written
 */
export async function saveModel(source: string, target: string, settings: SavedSettings): Promise<void> {
  if (typeof target !== "string" || target === "") {
    throw invalidArgument(`save: expected the path of a folder, received ${received(target)}.`);
  }
  const folder = path.resolve(target);
  const existing = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw invalidArgument(`save: ${folder} is not a folder (${error.code}).`);
  });
  if (existing.length > 0) throw invalidArgument(`save: ${folder} is not empty; choose a new folder.`);
  const temporary = `${folder}.${randomUUID()}.tmp`;
  try {
    await copyModel(source, temporary, settings.fileName);
    await writeSettings(temporary, settings);
    await removeEmpty(folder);
    await rename(temporary, folder);
  } catch (cause) {
    await rm(temporary, { recursive: true, force: true }).catch(() => {});
    if (SparseEncoderError.is(cause)) throw cause;
    throw new SparseEncoderError(
      "CACHE_UNWRITABLE",
      `${folder} cannot be written: ${(cause as Error).message}`,
      { cause },
    );
  }
}

/**
 * Removes the empty folder that may be in the place, and nothing else: files may have come into it meanwhile.
 * @throws SparseEncoderError `INVALID_ARGUMENT` for a folder that is not empty
 */
async function removeEmpty(folder: string): Promise<void> {
  try {
    await rmdir(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return;
    if (code !== "ENOTEMPTY" && code !== "EEXIST" && code !== "ENOTDIR") throw error;
    throw invalidArgument(
      `save: ${folder} was empty and is not any more; nothing in it was changed. Choose a new folder.`,
    );
  }
}

/**
 * Copies the files of a model. Links are followed within the folder, and into the blobs of a cache of the hub: a model from
 * elsewhere may hold links to anything that this process can read, and a copy may be published.
 */
async function copyModel(source: string, target: string, fileName: string | undefined): Promise<void> {
  const places = await placesOf(source);
  const entries = await readdir(source, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => path.relative(source, path.join(entry.parentPath, entry.name)).split(path.sep).join("/"));
  for (const file of [...modelFiles(files, fileName), ...files.filter((name) => notices.test(name))]) {
    const to = path.join(target, file);
    await mkdir(path.dirname(to), { recursive: true });
    await cp(await contentOf(path.join(source, file), places), to);
  }
}

/** Folders, without links, that files of a model may lie in. */
async function placesOf(source: string): Promise<string[]> {
  const root = await realpath(source);
  const snapshots = path.dirname(path.resolve(source));
  if (path.basename(snapshots) !== "snapshots") return [root];
  const blobs = await realpath(path.join(path.dirname(snapshots), "blobs")).catch(() => root);
  return [root, blobs];
}

/**
 * The path of a file without links.
 * @throws SparseEncoderError `MODEL_INVALID` for one that lies in none of `places`, or is not a file
 */
async function contentOf(file: string, places: readonly string[]): Promise<string> {
  const real = await realpath(file);
  if (!places.some((place) => real.startsWith(place + path.sep))) {
    throw new SparseEncoderError(
      "MODEL_INVALID",
      `save: ${file} is a link that leads out of the model's folder, so it was not copied. Put the file itself in its place.`,
    );
  }
  await (await openRegularFile(real)).close();
  return real;
}

async function writeSettings(folder: string, settings: SavedSettings): Promise<void> {
  const configFile = path.join(folder, "config_sentence_transformers.json");
  await writeJson(configFile, {
    __version__: {},
    ...(await readJsonObject(configFile)),
    model_type: settings.modelType,
    prompts: settings.prompts,
    default_prompt_name: settings.defaultPromptName ?? null,
    ...(settings.similarity !== undefined && { similarity_fn_name: settings.similarity }),
    ...(settings.pairs !== undefined && { activation_fn: settings.pairs.activation }),
  });
  const modulesFile = path.join(folder, "modules.json");
  if ((await readJsonFile(modulesFile)) === undefined) {
    await writePlainModules(modulesFile, settings.modelType);
  }
  if (settings.pairs !== undefined) await writePairSettings(folder, settings.pairs);
  for (const file of await filesNamed(folder, ["tokenizer_config.json"])) {
    await writeJson(file, { ...(await readJsonObject(file)), model_max_length: settings.maxSeqLength });
  }
  // The older place of the length goes before the tokenizer's, where it is used.
  for (const file of await filesNamed(folder, transformerSettingsFiles)) {
    const json = await readJsonObject(file);
    if (json !== undefined) await writeJson(file, withLength(json, settings.maxSeqLength));
  }
}

/** Settings with this length wherever they name one that comes before the tokenizer's. */
function withLength(json: JsonObject, length: number): JsonObject {
  const changed: Record<string, unknown> = { ...json };
  if ("max_seq_length" in json) changed.max_seq_length = length;
  for (const key of ["tokenizer_args", "processor_kwargs"]) {
    const keywords = json[key];
    if (isJsonObject(keywords) && "model_max_length" in keywords) {
      changed[key] = { ...keywords, model_max_length: length };
    }
  }
  return changed;
}

/** Writes what a checkpoint without `modules.json` was loaded as. */
async function writePlainModules(modulesFile: string, modelType: ModelType): Promise<void> {
  const root = path.dirname(modulesFile);
  const transformer = {
    idx: 0,
    name: "0",
    path: "",
    type: "sentence_transformers.base.modules.transformer.Transformer",
  };
  if (modelType === "CrossEncoder") return writeJson(modulesFile, [transformer]);
  const { folder, type } = plainPooling[modelType];
  await writeJson(modulesFile, [transformer, { idx: 1, name: "1", path: folder, type }]);
  await mkdir(path.join(root, folder), { recursive: true });
  const { hidden_size, dim } = (await readJsonObject(path.join(root, "config.json"))) ?? {};
  const settings =
    modelType === "SparseEncoder"
      ? { pooling_strategy: "max", activation_function: "relu" }
      : { embedding_dimension: hidden_size ?? dim, pooling_mode: "mean", include_prompt: true };
  await writeJson(path.join(root, folder, "config.json"), settings);
}

/** Writes that the transformer reads pairs, and which text of a pair it cuts. */
async function writePairSettings(folder: string, { truncation }: SavedPairs): Promise<void> {
  const names = await readdir(folder);
  const name =
    transformerSettingsFiles.find((known) => names.includes(known)) ?? transformerSettingsFiles[0]!;
  const file = path.join(folder, name);
  const json = { ...rerankerSettings, ...(await readJsonObject(file)) };
  const processing = isJsonObject(json.processing_kwargs) ? json.processing_kwargs : {};
  // What stands for all kinds of inputs comes before what stands for texts.
  const { common } = processing;
  const place = isJsonObject(common) && "truncation" in common ? "common" : "text";
  const saved = isJsonObject(processing[place]) ? processing[place] : {};
  await writeJson(file, { ...json, processing_kwargs: { ...processing, [place]: { ...saved, truncation } } });
}

async function filesNamed(folder: string, names: readonly string[]): Promise<string[]> {
  const files = await readdir(folder, { recursive: true });
  return files.filter((file) => names.includes(path.basename(file))).map((file) => path.join(folder, file));
}

async function writeJson(file: string, json: unknown): Promise<void> {
  // A copied file may be read-only, like its source.
  await rm(file, { force: true });
  await writeFile(file, `${JSON.stringify(json, undefined, 2)}\n`);
}
