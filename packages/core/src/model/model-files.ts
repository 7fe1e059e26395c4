import path from "node:path";
import { isJsonObject, type JsonObject } from "./json-file.ts";
import { lexicalWeightsFile } from "./lexical-weights.ts";
import { containers, indexName, isContainer, parseShardName } from "./weights/containers.ts";

/** Folders of modules as sentence-transformers names them: `1_SpladePooling`, `query_0_SparseStaticEmbedding`. */
const moduleFolder = /^(?:[^/]+_)?\d+_[A-Za-z]\w*$/;

/** Settings, vocabularies and tokenizers: by their whole names, or by a part of plain names. */
const settingsFiles = ["modules.json", "idf.json", "merges.txt", lexicalWeightsFile];
const plainName = /^[\w.-]+$/;

function isSettingsFile(name: string): boolean {
  if (settingsFiles.includes(name)) return true;
  if (name.length > longestName || !plainName.test(name)) return false;
  const isVocabulary = name.includes("token") || name.includes("vocab");
  if (name.endsWith(".json")) return isVocabulary || name.includes("config");
  return name.endsWith(".model") || (name.endsWith(".txt") && isVocabulary);
}

/** Characters of a file name, as file systems take them. */
const longestName = 255;

/** Most characters of the path of a folder of modules, several times the longest one. */
const longestFolder = 255;

/** Files that training leaves behind. */
const trainingFile = /^(?:train|eval|optimizer|scheduler)/;

/**
 * The files of a repository that loading a sparse encoder needs, in the order given: settings, vocabularies and
 * tokenizers of the root and of module folders, and of the weights of each folder one kind only.
 *
 * Weights are, in this order: each of the {@link containers}, whole or as an index with its parts; then
 * `onnx/model.onnx` or `model.onnx` with its external data.
 *
 * @param files paths of all files of the repository, separated by `/`
 * @param fileName an ONNX file to take instead of other weights of the transformer, such as
 *   `onnx/model_qint8_avx512_vnni.onnx`; a bare name is looked for in `onnx/` too
 */
export function modelFiles(files: readonly string[], fileName?: string): string[] {
  const folders = new Map<string, string[]>();
  for (const file of files) {
    const folder = path.posix.dirname(file);
    const names = folders.get(folder) ?? [];
    names.push(path.posix.basename(file));
    folders.set(folder, names);
  }
  const chosen = new Set<string>();
  for (const [folder, names] of folders) {
    if (folder.length > longestFolder) continue;
    if (folder !== "." && !folder.split("/").every((part) => moduleFolder.test(part))) continue;
    const inFolder = (name: string): string => path.posix.join(folder, name);
    for (const name of names) {
      if (isSettingsFile(name) && !trainingFile.test(name)) chosen.add(inFolder(name));
    }
    const onnx = folders.get(path.posix.join(folder, "onnx")) ?? [];
    for (const name of chooseWeights(folder, names, onnx, fileName)) chosen.add(inFolder(name));
  }
  return files.filter((file) => chosen.has(file));
}

/**
 * {@link modelFiles} as the `wanted` of `fetchModel`.
 */
export function wantedModelFiles(fileName?: string): (file: string, files: readonly string[]) => boolean {
  let last: readonly string[] | undefined;
  let chosen = new Set<string>();
  return (file, files) => {
    if (files !== last) {
      chosen = new Set(modelFiles(files, fileName));
      last = files;
    }
    return chosen.has(file);
  };
}

/**
 * Why a folder with these files cannot be a whole model; undefined if it may be one. For folders whose listing is
 * not known.
 * @param modules the content of its `modules.json`, if it has one
 */
export function incompleteModel(files: readonly string[], modules: unknown): string | undefined {
  const present = new Set(files);
  for (const folder of moduleFolders(modules)) {
    const configs = ["config.json", "router_config.json"].map((name) => path.posix.join(folder, name));
    if (!configs.some((config) => present.has(config))) return `${configs[0]} is missing`;
  }
  if (!files.some((file) => isContainer(file) || file.endsWith(".onnx"))) return "the weights are missing";
  for (const file of files) {
    const shard = parseShardName(file);
    for (let part = 1; part <= (shard?.parts ?? 0); part++) {
      const name = shard!.nameOf(part);
      if (!present.has(name)) return `${name} is missing`;
    }
  }
  return undefined;
}

/** Folders of the modules that have settings; only the root for a plain checkpoint. */
function moduleFolders(modules: unknown): string[] {
  if (!Array.isArray(modules)) return [""];
  return modules
    .filter((entry) => isJsonObject(entry) && !/Normalize$/.test(String(entry.type)))
    .map((entry: JsonObject) => (typeof entry.path === "string" ? entry.path : ""));
}

/** Names of the weights of one folder, relative to it. */
function chooseWeights(
  folder: string,
  names: readonly string[],
  onnx: readonly string[],
  fileName: string | undefined,
): string[] {
  const all = [...names, ...onnx.map((name) => `onnx/${name}`)];
  if (fileName !== undefined) {
    // Named from the root or from the folder of the module.
    const local =
      folder !== "." && fileName.startsWith(`${folder}/`) ? fileName.slice(folder.length + 1) : fileName;
    const named = [local, `onnx/${local}`].find((name) => all.includes(name));
    if (named !== undefined) return withExternalData(named, all);
  }
  for (const { file } of containers) {
    if (all.includes(file)) return [file];
    const index = indexName(file);
    if (all.includes(index)) return [index, ...names.filter((name) => parseShardName(name)?.whole === file)];
  }
  const onnxFile = ["onnx/model.onnx", "model.onnx"].find((name) => all.includes(name));
  return onnxFile === undefined ? [] : withExternalData(onnxFile, all);
}

/** Exporters call the external data of `model.onnx` `model.onnx_data`, `model.onnx.data` or `model.onnx_data_1`. */
function withExternalData(onnx: string, all: readonly string[]): string[] {
  return all.filter(
    (name) => name === onnx || (name.startsWith(onnx) && /^[._]data/.test(name.slice(onnx.length))),
  );
}
