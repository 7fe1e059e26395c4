import { throwIfAborted } from "../../calls/index.ts";
import type { FolderUse } from "../../disk/index.ts";
import { SparseEncoderError } from "../../errors.ts";
import { type CompiledModel, unsupportedPipeline } from "../../graph/index.ts";
import {
  locateModel,
  type ModelAddress,
  type ModelDescription,
  type Pipeline,
  readModelFolder,
  readStaticWeights,
  type SparseStaticEmbeddingModule,
  Tokenizer,
  type WantedModel,
} from "../../model/index.ts";
import { parseDevice, WorkerPool } from "../../runtime/index.ts";
import { InferenceEmbedder } from "../embedding/inference-embedder.ts";
import type { MatrixForm } from "../embedding/matrix-form.ts";
import { StaticEmbedder } from "../embedding/static-embedder.ts";
import { chooseDevices } from "./automatic-device.ts";
import { cacheFolderOf, compilePipeline } from "./compiled-pipeline.ts";
import { deviceFailure } from "./devices.ts";
import type { CheckedLoadOptions } from "./load-options.ts";
import { OpenModel, type OpenPipeline } from "./open-model.ts";

/**
 * Finds a model, opens it, and makes an encoder of it; closes the model again if that fails.
 *
 * @param address a model folder, or a model on the hub
 * @throws SparseEncoderError as `SparseEncoder.load`
 */
export async function loadModel<Matrix, Encoder>(
  address: ModelAddress,
  form: MatrixForm<Matrix>,
  options: CheckedLoadOptions,
  toEncoder: (model: OpenModel<Matrix>) => Encoder,
): Promise<Encoder> {
  throwIfAborted(options.signal);
  const revision = options.revision ?? address.revision;
  const { folder, use } = await locateModel(address.model, { ...options, revision });
  let model: OpenModel<Matrix> | undefined;
  try {
    model = await new ModelLoader(form, options).open(folder, use);
    throwIfAborted(options.signal);
    return toEncoder(model);
  } catch (error) {
    await (model === undefined ? use?.end() : model.close());
    throw error;
  }
}

/** Opens model folders for encoders of one form. */
class ModelLoader<Matrix> {
  private readonly form: MatrixForm<Matrix>;
  private readonly options: CheckedLoadOptions;

  constructor(form: MatrixForm<Matrix>, options: CheckedLoadOptions) {
    this.form = form;
    this.options = options;
  }

  /** Opens every pipeline of a model folder. */
  async open(folder: string, use: FolderUse | undefined): Promise<OpenModel<Matrix>> {
    const { modelType } = this.form;
    const description = await readModelFolder(folder, modelType);
    checkModelType(description, modelType);
    const { plain, query, document } = description.routes;
    const pipelines = new Map<Pipeline, OpenPipeline<Matrix>>();
    try {
      for (const pipeline of new Set([plain, document, query])) {
        pipelines.set(pipeline, await this.openPipeline(pipeline, [...pipelines.values()]));
      }
      return new OpenModel(description, this.options.dtype, pipelines, use);
    } catch (error) {
      await Promise.all([...pipelines.values()].map(({ embedder }) => embedder.destroy()));
      throw error;
    }
  }

  private openPipeline(
    pipeline: Pipeline,
    opened: readonly OpenPipeline<Matrix>[],
  ): Promise<OpenPipeline<Matrix>> {
    const [first, ...others] = pipeline;
    if (first?.kind !== "SparseStaticEmbedding") return this.openInference(pipeline);
    if (others.length > 0) throw unsupportedPipeline(pipeline.map(({ kind }) => kind));
    return this.openStatic(first, opened);
  }

  private async openInference(pipeline: Pipeline): Promise<OpenPipeline<Matrix>> {
    const [transformer] = pipeline;
    if (transformer?.kind !== "Transformer") throw unsupportedPipeline(pipeline.map(({ kind }) => kind));
    const { compiled, weights } = await compilePipeline(pipeline, transformer, this.options);
    // The worker starts while the tokenizer is read.
    const starting = this.startWorkers(compiled);
    starting.catch(() => {});
    try {
      const { folder, lowercase, tokenizerSettings } = transformer;
      const tokenizer = await Tokenizer.open(folder, { lowercase, settings: tokenizerSettings });
      checkVocabulary(tokenizer, compiled.vocabularySize, folder);
      const embedder = new InferenceEmbedder(compiled, tokenizer, await starting, transformer, this.form);
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
  private async startWorkers(compiled: CompiledModel): Promise<WorkerPool> {
    const { device: name, workers, threads, cacheDir, signal } = this.options;
    const devices =
      name === "auto" ? await chooseDevices(compiled, cacheFolderOf(cacheDir), signal) : [parseDevice(name)];
    let failure: unknown;
    for (const device of devices) {
      try {
        return await WorkerPool.start(compiled, { device, workers, threads });
      } catch (error) {
        failure = error;
      }
    }
    throw name === "auto" ? failure : await deviceFailure(failure, devices);
  }

  /** @param opened the pipelines that were opened before: embeddings become as wide as theirs */
  private async openStatic(
    module: SparseStaticEmbeddingModule,
    opened: readonly OpenPipeline<Matrix>[],
  ): Promise<OpenPipeline<Matrix>> {
    const tokenizer = await Tokenizer.open(module.folder, { lowercase: module.lowercase });
    const { values, tensors } = await readStaticWeights(module.folder, tokenizer);
    // Weights of only the first entries are enough: the others count 0.
    const dimension = Math.max(values.length, ...opened.map((pipeline) => pipeline.dimension));
    return {
      embedder: new StaticEmbedder(tokenizer, values, dimension, module.maxSeqLength, this.form),
      dimension,
      compiled: undefined,
      weights: tensors === undefined ? [] : [tensors],
    };
  }
}

/** The classes that load a type of models. */
const loaders: Readonly<Record<WantedModel, string>> = {
  SparseEncoder: "SparseEncoder",
  SentenceTransformer: "DenseEncoder",
  CrossEncoder: "CrossEncoder",
  HybridEncoder: "HybridEncoder",
};

function checkModelType(description: ModelDescription, modelType: WantedModel): void {
  if (description.modelType === modelType) return;
  const loader = loaders[description.modelType];
  const isDense = description.modelType === "SentenceTransformer" && modelType !== "CrossEncoder";
  const hint = isDense
    ? " Sparse vectors of such a model need the file sparse_linear.pt, as bge-m3 has it."
    : "";
  const kinds = description.routes.plain.map((module) => module.kind).join(", ");
  throw new SparseEncoderError(
    "MODEL_UNSUPPORTED",
    `${description.folder} is a ${description.modelType} model (${kinds}), not a ${modelType}; load it with ${loader}.load().${hint}`,
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
