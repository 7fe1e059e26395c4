import { readdir } from "node:fs/promises";
import path from "node:path";
import { isSystemError, received, SparseEncoderError } from "../../errors.ts";
import { isJsonObject, readJsonObject } from "../json-file.ts";
import { openRegularFile } from "../regular-file.ts";
import { containers, indexName } from "./containers.ts";
import { readPytorchWeights } from "./pytorch-weights.ts";
import { type StoredTensor, TensorTable } from "./tensor.ts";

/** What is looked for, in this order; an index lists the files that share the tensors. */
const candidates = containers.flatMap(({ file, read }) => [
  { file, read },
  { file: indexName(file), read: (index: string) => readShards(index, read) },
]);

/** Weights of other frameworks and folders of them, for the message. */
const otherWeights = /^(onnx|openvino|adapter_model\..*)$|\.(onnx|h5|msgpack|gguf|ot|ckpt|pt|pth)$/;

/**
 * Finds the weights of a model folder and reads where its tensors lie; the weights themselves are not read. Each container
 * is looked for whole, then in shards, in the order of {@link containers}.
 * {@link TensorTable.files} says which were taken.
 *
 * @param folder or a file of torch.save whose name ends in `.pt`
 *
 * @throws SparseEncoderError `MODEL_NOT_FOUND` if there are none, `WEIGHTS_INVALID` if they are broken,
 * `MODEL_INVALID` if the index of shards is not JSON
 */
export async function readWeights(folder: string): Promise<TensorTable> {
  if (folder.endsWith(".pt")) return checkedRead(folder, readPytorchWeights);
  const names = await fileNames(folder);
  const found = candidates.find(({ file }) => names.includes(file));
  if (found !== undefined) return checkedRead(path.join(folder, found.file), found.read);
  const looked = candidates.map(({ file }) => file).join(", ");
  const others = names.filter((name) => otherWeights.test(name));
  const hint =
    others.length === 0
      ? "Check that the download is complete."
      : `It holds ${received(others)} instead, which cannot be used: save the model from Python with save_pretrained.`;
  throw new SparseEncoderError("MODEL_NOT_FOUND", `${folder} has no weights; looked for ${looked}. ${hint}`);
}

async function readShards(
  indexFile: string,
  read: (file: string) => Promise<TensorTable>,
): Promise<TensorTable> {
  const shardOf = await readWeightMap(indexFile);
  const folder = path.dirname(indexFile);
  const present = await fileNames(folder);
  const shards = [...new Set(shardOf.values())];
  const missing = shards.filter((shard) => !present.includes(shard));
  if (missing.length > 0) {
    throw invalid(indexFile, `lists ${received(missing)}, not in the folder: download the rest`);
  }
  const tables = new Map<string, TensorTable>();
  for (const shard of shards) tables.set(shard, await checkedRead(path.join(folder, shard), read));
  const tensors = new Map<string, StoredTensor>();
  for (const [shard, table] of tables) {
    for (const [name, tensor] of table.entries()) {
      const owner = shardOf.get(name);
      if (owner === undefined && tensors.has(name)) {
        throw invalid(indexFile, `does not list tensor ${received(name)}, which several shards hold`);
      }
      if (owner === undefined || owner === shard) tensors.set(name, tensor);
    }
  }
  for (const [name, shard] of shardOf) {
    if (!tensors.has(name))
      throw invalid(indexFile, `looks for tensor ${received(name)} in ${received(shard)}, which lacks it`);
  }
  return new TensorTable(tensors, indexFile);
}

async function readWeightMap(indexFile: string): Promise<Map<string, string>> {
  const map = (await readJsonObject(indexFile))?.weight_map;
  if (!isJsonObject(map) || Object.keys(map).length === 0) {
    throw invalid(indexFile, `must map tensors to files in "weight_map", found ${received(map)}`);
  }
  for (const shard of Object.values(map)) {
    // A name that leads out of the folder could make any file of the machine part of a model.
    if (typeof shard !== "string" || !/^[^/\\\0]+$/.test(shard) || /^\.+$/.test(shard)) {
      throw invalid(indexFile, `lists ${received(shard)}, which is not the name of a file beside it`);
    }
  }
  return new Map(Object.entries(map as Record<string, string>));
}

/** Reads a weights file, unless it is what a clone without Git LFS leaves in its place. */
async function checkedRead(file: string, read: (file: string) => Promise<TensorTable>): Promise<TensorTable> {
  const pointer = Buffer.from("version https://git-lfs");
  try {
    const handle = await openRegularFile(file);
    const start = Buffer.alloc(pointer.length);
    try {
      await handle.read(start, 0, start.length, 0);
    } finally {
      await handle.close();
    }
    if (start.equals(pointer)) {
      throw invalid(file, "is a Git LFS pointer, not the weights: run git lfs pull");
    }
    return await read(file);
  } catch (error) {
    if (SparseEncoderError.is(error, "MODEL_INVALID")) throw invalid(file, "is not a regular file", error);
    if (isSystemError(error)) throw invalid(file, `cannot be read: ${error.message}`, error);
    throw error;
  }
}

async function fileNames(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (cause) {
    throw new SparseEncoderError("MODEL_NOT_FOUND", `${folder} cannot be read: ${(cause as Error).message}`, {
      cause,
    });
  }
}

function invalid(file: string, problem: string, cause?: unknown): SparseEncoderError {
  return new SparseEncoderError("WEIGHTS_INVALID", `${file} ${problem}.`, { cause });
}
