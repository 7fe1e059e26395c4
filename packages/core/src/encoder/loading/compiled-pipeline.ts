import path from "node:path";
import { SparseEncoderError } from "../../errors.ts";
import {
  type CompiledModel,
  compileExportedModel,
  compileModel,
  halveWeights,
  quantiseWeights,
  resolveTiedWeights,
  widenWeights,
} from "../../graph/index.ts";
import {
  defaultCacheFolder,
  findOnnxExport,
  type Pipeline,
  readOnnxExport,
  readWeights,
  type TensorTable,
  type TransformerModule,
} from "../../model/index.ts";
import { cudaInstalled } from "../../runtime/index.ts";
import type { CheckedLoadOptions } from "./load-options.ts";
import { checkRoom } from "./room-for-weights.ts";

/** A pipeline as workers can open it, and the weights that it refers to. */
export interface CompiledPipeline {
  readonly compiled: CompiledModel;
  readonly weights: readonly TensorTable[];
}

type CompileOptions = Pick<CheckedLoadOptions, "dtype" | "fileName" | "cacheDir" | "signal">;

/**
 * Compiles a pipeline from its weights, or from an ONNX file where one is named or nothing else is there.
 * @throws SparseEncoderError `MODEL_NOT_FOUND`, `MODEL_UNSUPPORTED`, `MODEL_INVALID`, `WEIGHTS_INVALID`
 */
export async function compilePipeline(
  pipeline: Pipeline,
  transformer: TransformerModule,
  options: CompileOptions,
): Promise<CompiledPipeline> {
  const { folder } = transformer;
  let missing: unknown;
  if (options.fileName === undefined) {
    const weights = await readPipelineWeights(pipeline).catch((error: unknown) => {
      if (!SparseEncoderError.is(error, "MODEL_NOT_FOUND")) throw error;
      missing = error;
      return undefined;
    });
    if (weights !== undefined) {
      await checkRoom(folder, weights.values(), options.dtype === "int8" ? "int8" : "fp32");
      return compileWeights(pipeline, weights, options);
    }
  }
  const file = await findOnnxExport(folder, options.fileName);
  if (file === undefined) throw missing;
  return compileExport(pipeline, folder, file, options);
}

/** Where what is made from models is kept. */
export function cacheFolderOf(cacheDir: string | undefined): string {
  return cacheDir === undefined ? defaultCacheFolder() : path.join(cacheDir, "sparse-encoder");
}

async function compileWeights(
  pipeline: Pipeline,
  stored: ReadonlyMap<string, TensorTable>,
  { dtype, cacheDir, signal }: CompileOptions,
): Promise<CompiledPipeline> {
  const cacheFolder = cacheFolderOf(cacheDir);
  const resolved = await resolveTiedWeights(pipeline, stored, signal);
  // Where CUDA cannot open, nothing would use half precision.
  const isHalf = dtype === "fp16" && cudaInstalled();
  const half = isHalf ? await halveWeights(pipeline, resolved, cacheFolder, signal) : undefined;
  const convert = dtype === "int8" ? quantiseWeights : widenWeights;
  const weights = isHalf ? resolved : await convert(pipeline, resolved, cacheFolder, signal);
  const compiled = { ...compileModel(pipeline, weights, half), allowsTf32: dtype === "tf32" };
  return { compiled, weights: [...weights.values()] };
}

async function compileExport(
  pipeline: Pipeline,
  folder: string,
  file: string,
  { dtype }: CompileOptions,
): Promise<CompiledPipeline> {
  if (dtype === "int8" || dtype === "fp16") {
    throw new SparseEncoderError(
      "MODEL_UNSUPPORTED",
      `${folder} runs from an ONNX file, whose number format is fixed; leave out dtype, or choose another file with fileName.`,
    );
  }
  const compiled = compileExportedModel(pipeline, await readOnnxExport(file));
  return { compiled: { ...compiled, allowsTf32: dtype === "tf32" }, weights: [] };
}

/** The weights of all modules that have some, by folder. */
async function readPipelineWeights(pipeline: Pipeline): Promise<Map<string, TensorTable>> {
  const weights = new Map<string, TensorTable>();
  for (const module of pipeline) {
    if ("folder" in module) weights.set(module.folder, await readWeights(module.folder));
  }
  return weights;
}
