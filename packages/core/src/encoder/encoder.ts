import { throwIfAborted } from "../calls/index.ts";
import { invalidArgument, received, SparseEncoderError } from "../errors.ts";
import { saveModel } from "../model/index.ts";
import { checkOptionNames, positiveInteger } from "../options/index.ts";
import { coreShare, type Device } from "../runtime/index.ts";
import type { SimilarityFunction } from "../vector/index.ts";
import { deviceFailure } from "./devices.ts";
import { type EmbedCall, embedWindows } from "./embedder.ts";
import {
  checkTexts,
  type EncodeOptions,
  encodeOptionNames,
  parseDevices,
  promptNamed,
  resolveEncodeOptions,
} from "./encode-options.ts";
import { describeModel, type EncoderDescription } from "./encoder-description.ts";
import { EncoderPool } from "./encoder-pool.ts";
import type { LoadOptions } from "./load-options.ts";
import type { OpenModel } from "./open-model.ts";
import { windowsOf } from "./text-windows.ts";

/** Texts of a stream that are sorted by length and batched together, for each worker. */
const streamWindowSize = 256;

/**
 * What encoders of sparse and of dense vectors share: loading, prompts, the encode methods, sequence length, closing.
 * Any number of calls may be under way at once; inference runs in a worker thread, so the event loop stays free.
 */
export abstract class Encoder<
  Vector,
  Matrix extends Iterable<Vector> & { row(position: number): Vector },
  Options extends EncodeOptions,
> implements AsyncDisposable
{
  /** Width of an embedding. */
  readonly embeddingDimension: number;
  /** Prompts by name. */
  readonly prompts: Readonly<Record<string, string>>;
  /** Name of the prompt that plain `encode` uses; undefined for none. */
  readonly defaultPromptName: string | undefined;
  protected readonly model: OpenModel<Matrix>;
  /** Encode calls under way. */
  private readonly calls = new Set<Promise<unknown>>();
  /** Pools that were started and not stopped. */
  private readonly pools = new Set<EncoderPool>();
  private closed = false;
  private destroyed = false;

  protected constructor(model: OpenModel<Matrix>, dimension: number, options: LoadOptions) {
    this.model = model;
    this.embeddingDimension = dimension;
    this.prompts = { ...model.description.prompts, ...options.prompts };
    this.defaultPromptName = options.defaultPromptName ?? model.description.defaultPromptName;
    if (this.defaultPromptName !== undefined) {
      promptNamed("defaultPromptName", this.defaultPromptName, this.prompts);
    }
    if (options.maxSeqLength !== undefined) this.maxSeqLength = options.maxSeqLength;
  }

  /**
   * Embeds one text or many: a vector, or a matrix of shape [texts, dimension] in the order of the texts. Texts longer
   * than {@link Encoder.maxSeqLength} tokens are cut. Uses the default prompt of the model, if any.
   *
   * @throws SparseEncoderError `INVALID_TEXT`, `INVALID_ARGUMENT`, `UNKNOWN_OPTION`, `ABORTED`, `CLOSED`,
   *   `WORKER_FAILED`
   */
  encode(text: string, options?: Options): Promise<Vector>;
  encode(texts: readonly string[], options?: Options): Promise<Matrix>;
  encode(input: string | readonly string[], options?: Options): Promise<Vector | Matrix>;
  encode(input: string | readonly string[], options?: Options): Promise<Vector | Matrix> {
    return this.encodeAs("encode", "plain", input, options);
  }

  /** As {@link Encoder.encode}, for search queries: uses the prompt named `query`. */
  encodeQuery(text: string, options?: Options): Promise<Vector>;
  encodeQuery(texts: readonly string[], options?: Options): Promise<Matrix>;
  encodeQuery(input: string | readonly string[], options?: Options): Promise<Vector | Matrix>;
  encodeQuery(input: string | readonly string[], options?: Options): Promise<Vector | Matrix> {
    return this.encodeAs("encodeQuery", "query", input, options);
  }

  /** As {@link Encoder.encode}, for documents to be searched: uses the prompt named `document`. */
  encodeDocument(text: string, options?: Options): Promise<Vector>;
  encodeDocument(texts: readonly string[], options?: Options): Promise<Matrix>;
  encodeDocument(input: string | readonly string[], options?: Options): Promise<Vector | Matrix>;
  encodeDocument(input: string | readonly string[], options?: Options): Promise<Vector | Matrix> {
    return this.encodeAs("encodeDocument", "document", input, options);
  }

  /**
   * Embeds texts as they come, one vector a text, in order: as {@link Encoder.encode} does, or with `task` as
   * {@link Encoder.encodeQuery} or {@link Encoder.encodeDocument}. Takes any iterable, Node and web streams of strings
   * included. Memory is bounded by two windows of 256 texts a worker, and the source is read no faster than the vectors are
   * taken. If a text, its batch or the source fails, the vectors of all texts before come first. Leaving the loop closes the
   * source.
   */
  async *encodeStream(
    texts: Iterable<string> | AsyncIterable<string>,
    options?: Options & { task?: "query" | "document" },
  ): AsyncGenerator<Vector, void, undefined> {
    this.checkOpen();
    checkOptionNames("encodeStream", options, [...encodeOptionNames, ...this.furtherOptions, "task"]);
    const { task, ...others } = (options ?? {}) as Options & { task?: "query" | "document" };
    if (task !== undefined && task !== "query" && task !== "document") {
      throw invalidArgument(`task must be "query" or "document", received ${received(task)}.`);
    }
    const route = task ?? "plain";
    const given = others as unknown as Options;
    const call = await this.resolve("encodeStream", route, undefined, given);
    try {
      // A stream is not waited for: devices of its own may have been opened when all others were closed.
      this.checkOpen();
      const embedder = this.model.route(route);
      const workers = call.pool?.devices.length ?? embedder.workers;
      const size = streamWindowSize * Math.max(1, workers);
      const windows = windowsOf("encodeStream", texts, size, call.signal);
      for await (const matrix of embedWindows(embedder, windows, call)) {
        for (const vector of this.finish(matrix, given)) {
          yield vector;
          // Vectors of a whole window are there already; an abort must not wait until they are taken.
          throwIfAborted(call.signal);
        }
      }
    } finally {
      await call.end();
    }
  }

  /**
   * Token ids of each text as plain `encode` gives them to the model: with its prompt and special tokens, and cut to
   * {@link Encoder.maxSeqLength}.
   */
  async tokenize(
    texts: readonly string[],
    options?: Pick<EncodeOptions, "prompt" | "promptName">,
  ): Promise<Int32Array[]> {
    this.checkOpen();
    checkTexts("tokenize", texts);
    const names = ["prompt", "promptName"];
    const { prompt } = resolveEncodeOptions("tokenize", options, names, this.prompts, this.defaultPromptName);
    const embedder = this.model.route("plain");
    const { tokenizer, specialTokens } = embedder;
    return tokenizer.encode(
      texts.map((text) => prompt + text),
      embedder.lengthOf("plain"),
      { specialTokens },
    );
  }

  /** Longest input in tokens, special tokens included; longer texts are cut. */
  get maxSeqLength(): number {
    return Math.max(...this.model.embedders.map((embedder) => embedder.maxSeqLength));
  }

  /** Applies to texts that are tokenized from now on. At most the number of positions that the model knows. */
  set maxSeqLength(length: number) {
    const { embedders } = this.model;
    positiveInteger("maxSeqLength", length, Math.min(...embedders.map((embedder) => embedder.longestInput)));
    const least = Math.max(...embedders.map(({ tokenizer }) => tokenizer.minimumLength));
    if (length < least) {
      throw invalidArgument(
        `maxSeqLength must be at least ${least}, the special tokens alone; received ${length}.`,
      );
    }
    for (const embedder of embedders) embedder.maxSeqLength = length;
  }

  /** What this encoder is: model, modules, weights, limits. The first thing to print when something looks wrong. */
  describe(): EncoderDescription {
    return describeModel(this.model, {
      dimension: this.embeddingDimension,
      maxSeqLength: this.maxSeqLength,
      prompts: this.prompts,
      defaultPromptName: this.defaultPromptName,
    });
  }

  /**
   * Starts a worker on each of the devices, each with a session of its own, for calls with the option `pool`. To be
   * stopped by {@link Encoder.stopPool}, `pool.stop()` or `await using`; closing the encoder stops it too.
   *
   * @param devices such as `["cuda:0", "cuda:1"]`; `cpu` n times gives n workers that share the cores. Default: `cpu` for
   *   each core that this process may use
   * @throws SparseEncoderError `INVALID_ARGUMENT`, `DEVICE_UNAVAILABLE`, `WORKER_FAILED`, `CLOSED`
   */
  async startPool(
    devices: readonly string[] = new Array<string>(coreShare()).fill("cpu"),
  ): Promise<EncoderPool> {
    this.checkOpen();
    const pool = await this.openPool(parseDevices(devices));
    if (this.closed) {
      await pool.stop();
      this.checkOpen();
    }
    return pool;
  }

  /** Lets calls under way on a pool finish, then ends its workers. A stream under way ends with a `CLOSED` error. */
  async stopPool(pool: EncoderPool): Promise<void> {
    if (!(pool instanceof EncoderPool)) {
      throw invalidArgument(`stopPool: expected a pool that startPool gave, received ${received(pool)}.`);
    }
    await pool.stop();
  }

  /**
   * Writes a model folder that this library and sentence-transformers load, with the prompts, the similarity function and
   * the sequence length of this encoder. The weights are those the model was loaded from, also for an int8 encoder; a
   * limit on active dims has no place in the folder.
   *
   * @param folder a folder that does not exist or is empty
   * @throws SparseEncoderError `INVALID_ARGUMENT`, `CACHE_UNWRITABLE`
   */
  async save(folder: string): Promise<void> {
    const { description } = this.model;
    await saveModel(description.folder, folder, {
      modelType: description.modelType,
      prompts: this.prompts,
      defaultPromptName: this.defaultPromptName,
      similarity: this.similarityFunction,
      maxSeqLength: this.maxSeqLength,
    });
  }

  /**
   * Lets calls under way finish, then frees model and worker. A stream under way ends with a `CLOSED` error. Calling it
   * again does nothing more.
   */
  async close(): Promise<void> {
    this.closed = true;
    // A call hands in its batches one after another, so none may be refused until all calls are done.
    await Promise.allSettled(this.calls);
    await Promise.all([...this.pools].map((pool) => pool.stop()));
    await this.model.close();
  }

  /**
   * Frees model and workers as soon as the batches that run are done, at most one batch's time; calls under way reject
   * with `CLOSED`.
   */
  async destroy(): Promise<void> {
    this.closed = true;
    this.destroyed = true;
    await Promise.all([...this.pools].map((pool) => pool.destroy()));
    await this.model.destroy();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** How two embeddings are compared. */
  abstract readonly similarityFunction: SimilarityFunction;

  /** Names of the options that the encode methods take beyond the common ones. */
  protected abstract readonly furtherOptions: readonly string[];

  /** Checks these and gives the limit on active dims; 0 for none. */
  protected abstract activeDimsOf(options: Options | undefined): number;

  /** The last step on a window, if an option asks for one. */
  protected finish(matrix: Matrix, _options: Options | undefined): Matrix {
    return matrix;
  }

  private encodeAs(
    call: string,
    route: "plain" | "query" | "document",
    input: string | readonly string[],
    options: Options | undefined,
  ): Promise<Vector | Matrix> {
    const embeddings = this.embedAs(call, route, input, options);
    this.calls.add(embeddings);
    const settle = () => void this.calls.delete(embeddings);
    embeddings.then(settle, settle);
    return embeddings;
  }

  private async embedAs(
    call: string,
    route: "plain" | "query" | "document",
    input: string | readonly string[],
    options: Options | undefined,
  ): Promise<Vector | Matrix> {
    this.checkOpen();
    const single = typeof input === "string";
    const given = single ? [input] : input;
    checkTexts(call, given);
    // The caller may change the array meanwhile.
    const texts = [...given];
    const resolved = await this.resolve(call, route, texts.length, options);
    try {
      const embedding = this.model.route(route).embed({ texts, first: 0 }, resolved);
      resolved.pool?.track(embedding);
      const embeddings = this.finish(await embedding, options);
      return single ? embeddings.row(0) : embeddings;
    } finally {
      await resolved.end();
    }
  }

  private async resolve(
    call: string,
    route: "plain" | "query" | "document",
    total: number | undefined,
    options: Options | undefined,
  ): Promise<EmbedCall & { readonly end: () => Promise<void> }> {
    const names = [...encodeOptionNames, ...this.furtherOptions];
    const promptName = route === "plain" ? this.defaultPromptName : route;
    const resolved = resolveEncodeOptions(call, options, names, this.prompts, promptName);
    const maxActiveDims = this.activeDimsOf(options);
    resolved.pool?.check(this.model.embedders);
    const { devices, onProgress } = resolved;
    const ownPool = devices === undefined ? undefined : await this.openPool(devices);
    const started = performance.now();
    let done = 0;
    return {
      ...resolved,
      task: route,
      pool: ownPool ?? resolved.pool,
      maxActiveDims,
      onTexts: (texts) => {
        done += texts;
        const seconds = (performance.now() - started) / 1000;
        onProgress?.({ done, total, textsPerSecond: done / seconds });
      },
      end: async () => ownPool?.stop(),
    };
  }

  private async openPool(devices: readonly Device[]): Promise<EncoderPool> {
    const { embedders } = this.model;
    const opening = await Promise.allSettled(
      embedders.map(async (embedder) => [embedder, await embedder.startWorkers(devices)] as const),
    );
    const opened = opening.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []));
    const names = devices.map(({ name }) => name);
    const pool = new EncoderPool(names, new Map(opened), () => this.pools.delete(pool));
    this.pools.add(pool);
    const failed = opening.find((outcome) => outcome.status === "rejected");
    // A call that was under way when the encoder was closed gets its pool all the same.
    if (failed === undefined && !this.destroyed) return pool;
    await pool.stop();
    if (this.destroyed) this.checkOpen();
    throw await deviceFailure(failed!.reason, devices);
  }

  private checkOpen(): void {
    if (this.closed)
      throw new SparseEncoderError("CLOSED", "The encoder was closed; load it again to go on.");
  }
}
