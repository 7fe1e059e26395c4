import path from "node:path";
import type { FolderUse } from "../../disk/index.ts";
import { SparseEncoderError } from "../../errors.ts";
import type { CompiledModel } from "../../graph/index.ts";
import type { ModelDescription, Pipeline, TensorTable } from "../../model/index.ts";
import type { WorkerPool } from "../../runtime/index.ts";
import type { EncodeTask, RowEmbedder } from "../embedding/row-embedder.ts";
import type { Dtype } from "./number-format.ts";

/** A pipeline that runs: its embedder, and for inference the graph and its weights. */
export interface OpenPipeline<Matrix> {
  readonly embedder: RowEmbedder<Matrix>;
  /** Width of an embedding. */
  readonly dimension: number;
  /** Undefined for a model without inference. */
  readonly compiled: CompiledModel | undefined;
  readonly weights: readonly TensorTable[];
}

/** A model that runs: one pipeline for every different route. */
export class OpenModel<Matrix> {
  readonly description: ModelDescription;
  readonly dtype: Dtype;
  private readonly byRoute: ReadonlyMap<Pipeline, OpenPipeline<Matrix>>;
  private readonly use: FolderUse | undefined;

  /**
   * @param use what keeps the files of the model in the cache until this closes: workers open them when there is work
   * @throws SparseEncoderError `MODEL_INVALID` if queries and documents cannot be compared
   */
  constructor(
    description: ModelDescription,
    dtype: Dtype,
    pipelines: ReadonlyMap<Pipeline, OpenPipeline<Matrix>>,
    use: FolderUse | undefined,
  ) {
    this.description = description;
    this.dtype = dtype;
    this.byRoute = pipelines;
    this.use = use;
    for (const { dimension } of this.pipelines) {
      if (dimension === this.dimension) continue;
      throw new SparseEncoderError(
        "MODEL_INVALID",
        `${description.folder}: queries and documents have ${dimension} and ${this.dimension} dimensions; they could not be compared.`,
      );
    }
  }

  /** The embedder of a route. */
  route(task: EncodeTask): RowEmbedder<Matrix> {
    return this.pipelineOf(task).embedder;
  }

  get pipelines(): readonly OpenPipeline<Matrix>[] {
    return [...this.byRoute.values()];
  }

  get embedders(): readonly RowEmbedder<Matrix>[] {
    return this.pipelines.map(({ embedder }) => embedder);
  }

  /** Width of an embedding. */
  get dimension(): number {
    return this.pipelineOf("plain").dimension;
  }

  /** Number of token ids that the model knows. */
  get vocabularySize(): number {
    return this.pipelineOf("plain").compiled?.vocabularySize ?? this.dimension;
  }

  /** Active dims that the model itself limits an embedding to; undefined for none. */
  get activeDims(): number | undefined {
    return this.pipelineOf("plain").compiled?.activeDims;
  }

  /** The ONNX file that transformers run from, relative to their folders; undefined where they run from weights. */
  get exportName(): string | undefined {
    for (const [[transformer], { compiled }] of this.byRoute) {
      if (compiled?.exportFile === undefined || transformer?.kind !== "Transformer") continue;
      return path.relative(transformer.folder, compiled.exportFile).split(path.sep).join("/");
    }
    return undefined;
  }

  /** The workers that serve calls without a pool of their own; none for a model without inference. */
  get ownWorkers(): readonly WorkerPool[] {
    return this.embedders.flatMap(({ ownWorkers }) => ownWorkers ?? []);
  }

  async close(): Promise<void> {
    await Promise.all(this.embedders.map((embedder) => embedder.close()));
    await this.use?.end();
  }

  async destroy(): Promise<void> {
    await Promise.all(this.embedders.map((embedder) => embedder.destroy()));
    await this.use?.end();
  }

  private pipelineOf(task: EncodeTask): OpenPipeline<Matrix> {
    return this.byRoute.get(this.description.routes[task])!;
  }
}
