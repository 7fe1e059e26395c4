import path from "node:path";
import { throwIfAborted } from "../../calls/index.ts";
import { SparseEncoderError } from "../../errors.ts";
import {
  type CompiledModel,
  compileExportedModel,
  compileModel,
  halveWeights,
  quantiseWeights,
  resolveTiedWeights,
  unsupportedPipeline,
} from "../../graph/index.ts";
import {
  defaultCacheFolder,
  findOnnxExport,
  locateModel,
  type ModelDescription,
  type Pipeline,
  readModelFolder,
  readOnnxExport,
  readStaticWeights,
  readWeights,
  type SparseStaticEmbeddingModule,
  type TensorTable,
  Tokenizer,
  type TransformerModule,
} from "../../model/index.ts";
import { automaticDevices, cudaInstalled, parseDevice, WorkerPool } from "../../runtime/index.ts";
import type { SparseMatrix } from "../../vector/index.ts";
import type { Embedder } from "../embedding/embedder.ts";
import { type AssembleRows, InferenceEmbedder } from "../embedding/inference-embedder.ts";
import { StaticEmbedder } from "../embedding/static-embedder.ts";
import { deviceFailure } from "./devices.ts";
import type { CheckedLoadOptions } from "./load-options.ts";
import { type Computation, computationOf, type Dtype } from "./number-format.ts";

/** How the workers of a model are started. */
export interface OpenModelOptions {
  readonly dtype: Dtype;
  readonly fileName: string | undefined;
  readonly cacheFolder: string;
  readonly device: string;
  readonly workers: number | undefined;
  readonly threads: number | undefined;
  readonly signal: AbortSignal | undefined;
}

/** A pipeline that runs: its embedder, and for inference the graph and its weights. */
interface OpenPipeline<Matrix> {
  readonly embedder: Embedder<Matrix>;
  readonly dimension: number;
  readonly compiled: CompiledModel | undefined;
  readonly weights: readonly TensorTable[];
}

/** A model that runs. */
export class OpenModel<Matrix> {
  readonly description: ModelDescription;
  /** One pipeline for every different route. */
  private readonly pipelines: ReadonlyMap<Pipeline, OpenPipeline<Matrix>>;
  readonly dtype: Dtype;

  private constructor(
    description: ModelDescription,
    pipelines: ReadonlyMap<Pipeline, OpenPipeline<Matrix>>,
    dtype: Dtype,
  ) {
    this.dtype = dtype;
    this.description = description;
    this.pipelines = pipelines;
  }

  /**
   * Opens every pipeline of a model folder.
   *
   * @param modelType what the caller can work with
   * @param assemble gives the matrix type of an embedding of the given width
   */
  static async open<Matrix>(
    folder: string,
    modelType: "SparseEncoder" | "SentenceTransformer",
    assemble: (dimension: number) => AssembleRows<Matrix>,
    options: OpenModelOptions,
  ): Promise<OpenModel<Matrix>> {
    const description = await readModelFolder(folder, modelType);
    checkModelType(description, modelType);
    const { plain, query, document } = description.routes;
    const pipelines = new Map<Pipeline, OpenPipeline<Matrix>>();
    try {
      for (const pipeline of new Set([plain, document, query])) {
        pipelines.set(
          pipeline,
          pipeline[0]?.kind === "SparseStaticEmbedding"
            ? // A static pipeline is part of sparse models alone, whose matrices are sparse.
              ((await openStatic(pipeline, pipelines)) as unknown as OpenPipeline<Matrix>)
            : await openInference(pipeline, assemble, options),
        );
      }
      const model = new OpenModel(description, pipelines, options.dtype);
      model.checkDimensions();
      return model;
    } catch (error) {
      await Promise.all([...pipelines.values()].map(({ embedder }) => embedder.destroy()));
      throw error;
    }
  }

  /** The embedder of a route. */
  route(name: "plain" | "query" | "document"): Embedder<Matrix> {
    return this.pipelines.get(this.description.routes[name])!.embedder;
  }

  get embedders(): Embedder<Matrix>[] {
    return [...this.pipelines.values()].map(({ embedder }) => embedder);
  }

  /** Width of an embedding. */
  get dimension(): number {
    return this.pipelines.get(this.description.routes.plain)!.dimension;
  }

  /** Active dims that the model itself limits an embedding to; undefined for none. */
  get activeDims(): number | undefined {
    return this.pipelines.get(this.description.routes.plain)!.compiled?.activeDims;
  }

  /** `model_type` of the transformers, most often one. */
  get families(): string[] {
    return [...this.pipelines.values()].flatMap(({ compiled }) => compiled?.family ?? []);
  }

  /** Files of the weights and their bytes. */
  get weights(): { files: string[]; byteLength: number } {
    const pipelines = [...this.pipelines.values()];
    const tables = [...new Set(pipelines.flatMap(({ weights }) => weights))];
    const exported = pipelines.flatMap(({ compiled }) => compiled?.exportFile ?? []);
    return {
      files: [...new Set([...tables.flatMap((table) => table.files), ...exported])],
      byteLength: tables.reduce((sum, table) => sum + table.byteLength, 0),
    };
  }

  /** What the device multiplies; undefined without inference. */
  get computation(): Computation | undefined {
    const [workers] = this.ownWorkers;
    const compiled = [...this.pipelines.values()].find((pipeline) => pipeline.compiled)?.compiled;
    return workers && compiled && computationOf(this.dtype, workers.device, compiled);
  }

  /** The workers that serve calls without a pool of their own; none for a model without inference. */
  get ownWorkers(): WorkerPool[] {
    return this.embedders.flatMap((embedder) =>
      embedder instanceof InferenceEmbedder ? [embedder.own] : [],
    );
  }

  async close(): Promise<void> {
    await Promise.all(this.embedders.map((embedder) => embedder.close()));
  }

  async destroy(): Promise<void> {
    await Promise.all(this.embedders.map((embedder) => embedder.destroy()));
  }

  private checkDimensions(): void {
    for (const { dimension } of this.pipelines.values()) {
      if (dimension === this.dimension) continue;
      throw new SparseEncoderError(
        "MODEL_INVALID",
        `${this.description.folder}: queries and documents have ${dimension} and ${this.dimension} dimensions; they could not be compared.`,
      );
    }
  }
}

async function openInference<Matrix>(
  pipeline: Pipeline,
  assemble: (dimension: number) => AssembleRows<Matrix>,
  options: OpenModelOptions,
): Promise<OpenPipeline<Matrix>> {
  const { compiled, weights } = await compilePipeline(pipeline, options);
  const transformer = pipeline[0] as TransformerModule;
  // The worker starts while the tokenizer is read.
  const starting = startWorkers(compiled, options);
  starting.catch(() => {});
  try {
    const { folder, lowercase, tokenizerSettings } = transformer;
    const tokenizer = await Tokenizer.open(folder, { lowercase, settings: tokenizerSettings });
    checkVocabulary(tokenizer, compiled.vocabularySize, folder);
    const embedder = new InferenceEmbedder(
      compiled,
      tokenizer,
      await starting,
      transformer,
      assemble(compiled.dimension),
    );
    return { embedder, dimension: compiled.dimension, compiled, weights };
  } catch (error) {
    await starting.then(
      (pool) => pool.destroy(),
      () => {},
    );
    throw error;
  }
}

/** On the device of that name; for `auto` on the best that opens. */
async function startWorkers(compiled: CompiledModel, options: OpenModelOptions): Promise<WorkerPool> {
  const devices = options.device === "auto" ? automaticDevices() : [parseDevice(options.device)];
  let failure: unknown;
  for (const device of devices) {
    try {
      return await WorkerPool.start(compiled, { ...options, device });
    } catch (error) {
      failure = error;
    }
  }
  throw options.device === "auto" ? failure : await deviceFailure(failure, devices);
}

/** From weights, or from an ONNX file where one is named or nothing else is there. */
async function compilePipeline(
  pipeline: Pipeline,
  options: OpenModelOptions,
): Promise<{ compiled: CompiledModel; weights: TensorTable[] }> {
  const { folder } = pipeline[0] as TransformerModule;
  const stored = options.fileName === undefined ? await readPipelineWeights(pipeline) : undefined;
  if (stored instanceof Map) {
    const { cacheFolder, signal } = options;
    const resolved = await resolveTiedWeights(pipeline, stored, signal);
    const weights =
      options.dtype === "int8" ? await quantiseWeights(pipeline, resolved, cacheFolder, signal) : resolved;
    // Where CUDA cannot open, nothing would use half precision.
    const half =
      options.dtype === "fp16" && cudaInstalled()
        ? await halveWeights(pipeline, resolved, cacheFolder, signal)
        : undefined;
    const compiled = { ...compileModel(pipeline, weights, half), allowsTf32: options.dtype === "tf32" };
    return { compiled, weights: [...weights.values()] };
  }
  const file = await findOnnxExport(folder, options.fileName);
  if (file === undefined) throw stored;
  if (options.dtype === "int8" || options.dtype === "fp16") {
    throw new SparseEncoderError(
      "MODEL_UNSUPPORTED",
      `${folder} runs from an ONNX file, whose number format is fixed; leave out dtype, or choose another file with fileName.`,
    );
  }
  const compiled = compileExportedModel(pipeline, await readOnnxExport(file));
  return { compiled: { ...compiled, allowsTf32: options.dtype === "tf32" }, weights: [] };
}

/** The weights of all modules, or the error if a folder has none. */
async function readPipelineWeights(
  pipeline: Pipeline,
): Promise<Map<string, TensorTable> | SparseEncoderError> {
  const weights = new Map<string, TensorTable>();
  try {
    for (const module of pipeline) {
      if ("folder" in module) weights.set(module.folder, await readWeights(module.folder));
    }
    return weights;
  } catch (error) {
    if (SparseEncoderError.is(error, "MODEL_NOT_FOUND")) return error;
    throw error;
  }
}

async function openStatic(
  pipeline: Pipeline,
  opened: ReadonlyMap<Pipeline, { dimension: number }>,
): Promise<OpenPipeline<SparseMatrix>> {
  if (pipeline.length > 1) throw unsupportedPipeline(pipeline.map(({ kind }) => kind));
  const module = pipeline[0] as SparseStaticEmbeddingModule;
  const tokenizer = await Tokenizer.open(module.folder, { lowercase: module.lowercase });
  const { values, tensors } = await readStaticWeights(module.folder, tokenizer);
  // Weights of the first entries alone are enough: the others count 0.
  const widths = [...opened.values()].map(({ dimension }) => dimension);
  const dimension = Math.max(values.length, ...widths);
  return {
    embedder: new StaticEmbedder(tokenizer, values, dimension, module.maxSeqLength),
    dimension,
    compiled: undefined,
    weights: tensors === undefined ? [] : [tensors],
  };
}

function checkModelType(description: ModelDescription, modelType: string): void {
  if (description.modelType === modelType) return;
  const other = modelType === "SparseEncoder" ? "DenseEncoder" : "SparseEncoder";
  const found = description.routes.plain.map((module) => module.kind).join(", ");
  throw new SparseEncoderError(
    "MODEL_UNSUPPORTED",
    `${description.folder} is a ${description.modelType} model (${found}), not a ${modelType}; load it with ${other}.load().`,
  );
}

/** Added tokens may go beyond the embeddings, as in many published models: only texts that have one are refused. */
function checkVocabulary(tokenizer: Tokenizer, vocabularySize: number, folder: string): void {
  if (tokenizer.baseVocabularySize <= vocabularySize) return;
  throw new SparseEncoderError(
    "TOKENIZER_INVALID",
    `The tokenizer in ${folder} has ${tokenizer.baseVocabularySize} entries, but the model knows ${vocabularySize}; it belongs to another model.`,
  );
}

/** Locates and opens a model, and makes an encoder of it; closes it again if that fails. */
export async function openEncoder<Matrix, Made>(
  location: string,
  modelType: "SparseEncoder" | "SentenceTransformer",
  assemble: (dimension: number) => AssembleRows<Matrix>,
  options: CheckedLoadOptions,
  make: (model: OpenModel<Matrix>) => Made,
): Promise<Made> {
  const folder = await locateModel(location, options);
  const model = await OpenModel.open(folder, modelType, assemble, {
    dtype: options.dtype,
    fileName: options.fileName,
    cacheFolder:
      options.cacheDir === undefined ? defaultCacheFolder() : path.join(options.cacheDir, "sparse-encoder"),
    device: options.device,
    workers: options.workers,
    threads: options.threads,
    signal: options.signal,
  });
  try {
    throwIfAborted(options.signal);
    return make(model);
  } catch (error) {
    await model.close();
    throw error;
  }
}
