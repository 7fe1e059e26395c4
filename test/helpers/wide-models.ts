import { SparseMatrix } from "@sparse-encoder/core";
import { type CompiledModel, compileModel, halveWeights } from "../../packages/core/src/graph/index.ts";
import {
  type Pipeline,
  readModelFolder,
  readWeights,
  type TensorTable,
} from "../../packages/core/src/model/index.ts";
import { type EncodedRows, type SparseRows, WorkerPool } from "../../packages/core/src/runtime/index.ts";
import { goldenModelFolder } from "./golden-data.ts";

/** A model in the graph for wide devices, run by the CPU provider, which has its operators too. */
export class WideOnCpu implements AsyncDisposable {
  readonly compiled: CompiledModel;
  private readonly pool: WorkerPool;

  private constructor(compiled: CompiledModel, pool: WorkerPool) {
    this.compiled = compiled;
    this.pool = pool;
  }

  /** @param cacheFolder for weights in half precision; default: float32 */
  static async open(folder: string, cacheFolder?: string): Promise<WideOnCpu> {
    const pipeline = (await readModelFolder(folder)).routes.plain;
    const weights = await weightsOf(pipeline);
    const half =
      cacheFolder === undefined ? undefined : await halveWeights(pipeline, weights, cacheFolder, undefined);
    const compiled = compileModel(pipeline, weights, half);
    return new WideOnCpu(compiled, await WorkerPool.start(compiled, { wide: true, workers: 1 }));
  }

  /** Rows of texts given as token ids, `batchSize` at a time. */
  async encode(texts: readonly (readonly number[])[], batchSize: number): Promise<EncodedRows[]> {
    const batches: EncodedRows[] = [];
    for (let start = 0; start < texts.length; start += batchSize) {
      const part = texts.slice(start, start + batchSize);
      batches.push(await this.pool.run(() => packed(part, this.compiled.activeDims ?? 0)));
    }
    return batches;
  }

  /** As {@link WideOnCpu.encode}, of sparse models. */
  async encodeSparse(texts: readonly (readonly number[])[], batchSize: number): Promise<SparseMatrix> {
    const { dimension } = this.compiled;
    const batches = (await this.encode(texts, batchSize)) as SparseRows[];
    const matrices = batches.map(
      ({ offsets, indices, values }) => new SparseMatrix(offsets, indices, values, dimension),
    );
    return SparseMatrix.fromRows(
      matrices.flatMap((matrix) => [...matrix]),
      dimension,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.pool.close();
  }
}

/** The model of that golden file. */
export function openWide(name: string, cacheFolder?: string): Promise<WideOnCpu> {
  return WideOnCpu.open(goldenModelFolder(name), cacheFolder);
}

async function weightsOf(pipeline: Pipeline): Promise<Map<string, TensorTable>> {
  const weights = new Map<string, TensorTable>();
  for (const module of pipeline) {
    if ("folder" in module) weights.set(module.folder, await readWeights(module.folder));
  }
  return weights;
}

/** Padded on the right with id 0. */
function packed(texts: readonly (readonly number[])[], maxActiveDims: number) {
  const width = Math.max(...texts.map((ids) => ids.length));
  const ids = new Int32Array(texts.length * width);
  texts.forEach((row, number) => {
    ids.set(row, number * width);
  });
  const lengths = Int32Array.from(texts, (row) => row.length);
  return { ids, lengths, maxActiveDims, skippedTokens: 0, alone: false };
}
