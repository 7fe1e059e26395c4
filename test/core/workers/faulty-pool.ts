import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { compileModel } from "../../../packages/core/src/graph/index.ts";
import {
  readModelFolder,
  readWeights,
  type TransformerModule,
} from "../../../packages/core/src/model/index.ts";
import {
  type EncodeBatch,
  type EncodedRows,
  type SparseRows,
  WorkerPool,
  type WorkerPoolOptions,
} from "../../../packages/core/src/runtime/index.ts";
import { type GoldenVector, goldenModelFolder, readGolden } from "../../helpers/golden-data.ts";

export const golden = readGolden("bert-max-relu");

const file = fileURLToPath(new URL("faulty-worker.mjs", import.meta.url));

export type Moment = "load" | "open" | "create" | "before" | "run" | "after";
export type Fault = "exit" | "throw" | "uncaught";

/** Faults that the workers of this test file meet. */
export class Faults {
  private readonly folder = mkdtempSync(path.join(tmpdir(), "sparse-encoder-faults-"));
  private count = 0;

  constructor() {
    // A worker thread gets the environment as it is when the thread starts.
    process.env.FAULTS_FOLDER = this.folder;
  }

  /** The next `times` workers that come to this moment fail. */
  plan(moment: Moment, fault: Fault, times = 1): void {
    for (let time = 0; time < times; time++) {
      writeFileSync(path.join(this.folder, `${moment}-${fault}-${this.count++}`), "");
    }
  }

  /** Every worker that comes to this moment fails, until {@link Faults.clear}. */
  planAlways(moment: Moment, fault: Fault): void {
    writeFileSync(path.join(this.folder, `${moment}-${fault}-always`), "");
  }

  get waiting(): number {
    return readdirSync(this.folder).length;
  }

  clear(): void {
    for (const name of readdirSync(this.folder)) rmSync(path.join(this.folder, name), { force: true });
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A pool of workers that can be made to fail, over a model with small weights. */
export async function startFaultyPool(options: WorkerPoolOptions = {}): Promise<WorkerPool> {
  const { routes } = await readModelFolder(goldenModelFolder("bert-max-relu"));
  const { folder } = routes.plain[0] as TransformerModule;
  const model = compileModel(routes.plain, new Map([[folder, await readWeights(folder)]]));
  return WorkerPool.start(model, { workers: 1, threads: 1, file, ...options });
}

/** The batch of one golden text. */
export function batchOf(text: number): EncodeBatch {
  const ids = Int32Array.from(golden.token_ids[text]!);
  return { ids, lengths: Int32Array.of(ids.length), maxActiveDims: 0, skippedTokens: 0, alone: false };
}

/** The one row of a result, in the form of {@link Golden}. */
export function rowOf(rows: EncodedRows): GoldenVector {
  const { indices, values } = rows as SparseRows;
  return { indices: [...indices], values: [...values] };
}
