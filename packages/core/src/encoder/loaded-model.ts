import { CallsUnderWay } from "../calls/index.ts";
import { invalidArgument, received } from "../errors.ts";
import { answerNeighbours } from "../options/index.ts";
import { coreShare, sumLoads, type WorkerLoad } from "../runtime/index.ts";
import { parseDevices, promptNamed } from "./encode-options.ts";
import { EncoderPool } from "./encoder-pool.ts";
import { closedError, EncoderPools } from "./encoder-pools.ts";
import type { CheckedLoadOptions } from "./loading/load-options.ts";
import type { OpenModel } from "./loading/open-model.ts";

/** What encoders and rerankers have in common: a model that was loaded, its prompts, its pools, and its end. */
export abstract class LoadedModel<Matrix> implements AsyncDisposable {
  static {
    answerNeighbours(LoadedModel.prototype, {
      savePretrained: "save(folder)",
      saveToHub: "save(folder), and an upload with the tools of the hub",
      pushToHub: "save(folder), and an upload with the tools of the hub",
      startMultiProcessPool: "startPool(devices)",
      stopMultiProcessPool: "pool.close()",
      dispose: "close()",
      to: "load(model, { device })",
      half: 'load(model, { dtype: "fp16" })',
    });
  }

  /** Prompts by name. */
  readonly prompts: Readonly<Record<string, string>>;
  /** Name of the prompt that is used where a call names none; undefined for none. */
  readonly defaultPromptName: string | undefined;
  protected readonly model: OpenModel<Matrix>;
  /** Calls that run the model. */
  protected readonly calls = new CallsUnderWay();
  protected readonly pools: EncoderPools;
  private readonly kind: string;
  private closed = false;

  /** @param kind what the model is, for messages */
  protected constructor(model: OpenModel<Matrix>, options: CheckedLoadOptions, kind = "encoder") {
    const { prompts, defaultPromptName } = model.description;
    this.model = model;
    this.kind = kind;
    this.pools = new EncoderPools(model.embedders, kind);
    this.prompts = { ...prompts, ...options.prompts };
    this.defaultPromptName = options.defaultPromptName ?? defaultPromptName;
    if (this.defaultPromptName !== undefined) {
      promptNamed("defaultPromptName", this.defaultPromptName, this.prompts);
    }
  }

  /** How busy the model's own workers are now. Pools that were started beside them have a load of their own. */
  get workerLoad(): WorkerLoad {
    return sumLoads(this.model.ownWorkers);
  }

  /**
   * Starts a worker on each of the devices, each with a session of its own, for calls with the option `pool`. To be
   * stopped by `stopPool`, `pool.stop()` or `await using`; closing the model stops it too.
   *
   * @param devices such as `["cuda:0", "cuda:1"]`; `cpu` n times gives n workers that share the cores. Default: `cpu` for
   *   each core that this process may use
   * @throws SparseEncoderError `INVALID_ARGUMENT`, `DEVICE_UNAVAILABLE`, `WORKER_FAILED`, `CLOSED`
   */
  async startPool(
    devices: readonly string[] = new Array<string>(coreShare()).fill("cpu"),
  ): Promise<EncoderPool> {
    this.checkOpen();
    const pool = await this.pools.open(parseDevices(devices));
    try {
      this.checkOpen();
      return pool;
    } catch (error) {
      await pool.stop();
      throw error;
    }
  }

  /** Lets calls under way on a pool finish, then ends its workers. A stream under way ends with a `CLOSED` error. */
  async stopPool(pool: EncoderPool): Promise<void> {
    if (!(pool instanceof EncoderPool)) {
      throw invalidArgument(`stopPool: expected a pool that startPool gave, received ${received(pool)}.`);
    }
    await pool.stop();
  }

  /**
   * Lets calls under way finish, then frees model and workers. A stream under way ends with a `CLOSED` error. Calling it
   * again does nothing more.
   */
  async close(): Promise<void> {
    this.closed = true;
    // A call hands in its batches one after another, so none may be refused until all calls are done.
    await this.calls.settled();
    await this.pools.stop();
    await this.model.close();
  }

  /**
   * Frees model and workers as soon as the batches that run are done, at most one batch's time; calls under way reject
   * with `CLOSED`.
   */
  async destroy(): Promise<void> {
    this.closed = true;
    await this.pools.destroy();
    await this.model.destroy();
  }

  /** Closes the model: for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** @throws SparseEncoderError `CLOSED` */
  protected checkOpen(): void {
    if (this.closed) throw closedError(this.kind);
  }
}
