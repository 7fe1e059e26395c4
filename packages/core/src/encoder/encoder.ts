import {
  checkOptionNames,
  invalidArgument,
  positiveInteger,
  received,
  SparseEncoderError,
  throwIfAborted,
} from "../errors.ts";
import { type ModelSourceOptions, saveModel } from "../model/index.ts";
import type { SimilarityFunction } from "../vector/index.ts";
import { type EmbedCall, embedWindows } from "./embedder.ts";
import {
  checkPrompts,
  checkSignal,
  checkText,
  checkTexts,
  type EncodeOptions,
  encodeOptionNames,
  promptNamed,
  resolveEncodeOptions,
} from "./encode-options.ts";
import type { OpenModel } from "./open-model.ts";

/** Options of loading any model. */
export interface LoadOptions extends ModelSourceOptions {
  /** Longest input in tokens, special tokens included. Default: what the model says. */
  maxSeqLength?: number;
  /** Prompts by name, added to the model's or put in their place; `""` turns one off. */
  prompts?: Record<string, string>;
  /** Name of the prompt that plain `encode` uses. Default: the model's, if any. */
  defaultPromptName?: string;
  /**
   * Number format of the weights: `fp32`, or `int8`, which is faster and smaller and costs a little quality. The int8
   * weights are made at the first load and kept in `cacheDir`. Default `fp32`.
   */
  dtype?: "fp32" | "int8";
  /** Worker threads, each with a session of its own over the same mapped weights. Default 1. */
  workers?: number;
  /** CPU threads of each worker. Default: the available cores over the workers, at least 1. */
  threads?: number;
}

const dtypes: readonly string[] = ["fp32", "int8"];

/** Far more than cores; a number typed wrong must not take the memory of the machine. */
const mostThreads = 1024;

export const loadOptionNames: readonly (keyof LoadOptions)[] = [
  "maxSeqLength",
  "prompts",
  "defaultPromptName",
  "dtype",
  "revision",
  "token",
  "cacheDir",
  "localFilesOnly",
  "endpoint",
  "fileName",
  "onProgress",
  "workers",
  "threads",
  "signal",
];

/** @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION` or `ABORTED` */
export function checkLoadArguments(
  call: string,
  model: unknown,
  options: LoadOptions,
  names: readonly string[],
): void {
  if (typeof model !== "string" || model === "") {
    throw invalidArgument(
      `${call}: expected the path of a model folder or the name of a model on the hub, received ${received(model)}.`,
    );
  }
  checkOptionNames(call, options, names);
  if (options.maxSeqLength !== undefined) positiveInteger("maxSeqLength", options.maxSeqLength);
  if (options.workers !== undefined) positiveInteger("workers", options.workers, mostThreads);
  if (options.threads !== undefined) positiveInteger("threads", options.threads, mostThreads);
  if (options.dtype !== undefined && !dtypes.includes(options.dtype)) {
    throw invalidArgument(`dtype must be one of ${dtypes.join(", ")}, received ${received(options.dtype)}.`);
  }
  for (const name of ["cacheDir", "fileName"] as const) {
    const value: unknown = options[name];
    if (value !== undefined && (typeof value !== "string" || value === "")) {
      throw invalidArgument(`${name} must be a path, received ${received(value)}.`);
    }
  }
  checkPrompts(options.prompts);
  checkSignal(options.signal);
}

/** What an encoder is, for a person who wonders why something looks wrong. */
export interface EncoderDescription {
  /** Absolute path of the model folder. */
  readonly folder: string;
  /** `model_type` of the transformer, such as `bert`; of several, if queries and documents have one each. */
  readonly family: string;
  /** Modules of plain encode, of queries and of documents, in the order in which they run. */
  readonly modules: { readonly plain: string[]; readonly query: string[]; readonly document: string[] };
  readonly dtype: "fp32" | "int8";
  /** Files that the weights are read from. */
  readonly weightsFiles: readonly string[];
  /** Bytes of all weights. */
  readonly weightsBytes: number;
  readonly dimension: number;
  readonly maxSeqLength: number;
  readonly prompts: Readonly<Record<string, string>>;
  readonly defaultPromptName: string | undefined;
  readonly device: "cpu";
  /** Worker threads, and threads that each may use; none for a model without inference. */
  readonly workers: number;
  readonly threads: number;
}

/** Texts of an array that are tokenized, sorted by length and batched together. */
const windowSize = 4096;

/** The same for a stream: enough to sort by length, few enough for a short first wait. */
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
  private closed = false;

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
   * Embeds texts as they come, one vector a text, in order, as {@link Encoder.encode} does. Memory is bounded by two
   * windows of 256 texts, and the source is read no faster than the vectors are taken. Leaving the loop closes it.
   */
  async *encodeStream(
    texts: Iterable<string> | AsyncIterable<string>,
    options?: Options,
  ): AsyncGenerator<Vector, void, undefined> {
    this.checkOpen();
    const iterable =
      typeof texts === "object" &&
      texts !== null &&
      (Symbol.iterator in texts || Symbol.asyncIterator in texts);
    if (!iterable) {
      throw invalidArgument(
        `encodeStream: texts must be an iterable of strings, received ${received(texts)}.`,
      );
    }
    const call = this.resolve("encodeStream", "plain", undefined, options);
    const windows = windowsOf(texts, streamWindowSize);
    for await (const matrix of embedWindows(this.model.route("plain"), windows, call)) {
      for (const vector of this.finish(matrix, options)) {
        yield vector;
        // Vectors of a whole window are there already; an abort must not wait until they are taken.
        throwIfAborted(call.signal);
      }
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
    const { tokenizer, maxSeqLength, specialTokens } = this.model.route("plain");
    return tokenizer.encode(
      texts.map((text) => prompt + text),
      maxSeqLength,
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
    const { description, weights, families, workers, threads } = this.model;
    const kinds = (route: "plain" | "query" | "document") =>
      description.routes[route].map((module) => module.kind);
    return {
      folder: description.folder,
      family: families.join(", ") || "none",
      modules: { plain: kinds("plain"), query: kinds("query"), document: kinds("document") },
      dtype: this.model.dtype,
      weightsFiles: weights.files,
      weightsBytes: weights.byteLength,
      dimension: this.embeddingDimension,
      maxSeqLength: this.maxSeqLength,
      prompts: this.prompts,
      defaultPromptName: this.defaultPromptName,
      device: "cpu",
      workers,
      threads,
    };
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
    await this.model.close();
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

  /** Joins the windows of one call. */
  protected abstract join(windows: readonly Matrix[]): Matrix;

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
    if (!single && !Array.isArray(input)) {
      throw new SparseEncoderError(
        "INVALID_TEXT",
        `${call}: expected a string or an array of strings, received ${received(input)}.`,
      );
    }
    const texts: readonly unknown[] = single ? [input] : input;
    checkTexts(call, texts);
    const resolved = this.resolve(call, route, texts.length, options);
    const windows: string[][] = [];
    for (let start = 0; start < texts.length; start += windowSize)
      windows.push(texts.slice(start, start + windowSize));
    const matrices: Matrix[] = [];
    for await (const matrix of embedWindows(this.model.route(route), windows, resolved)) {
      matrices.push(this.finish(matrix, options));
    }
    const embeddings = this.join(matrices);
    return single ? embeddings.row(0) : embeddings;
  }

  private resolve(
    call: string,
    route: "plain" | "query" | "document",
    total: number | undefined,
    options: Options | undefined,
  ): EmbedCall {
    const names = [...encodeOptionNames, ...this.furtherOptions];
    const promptName = route === "plain" ? this.defaultPromptName : route;
    const resolved = resolveEncodeOptions(call, options, names, this.prompts, promptName);
    let done = 0;
    return {
      ...resolved,
      maxActiveDims: this.activeDimsOf(options),
      onTexts: (texts) => {
        done += texts;
        resolved.onProgress?.({ done, total });
      },
    };
  }

  private checkOpen(): void {
    if (this.closed)
      throw new SparseEncoderError("CLOSED", "The encoder was closed; load it again to go on.");
  }
}

/** Cuts a stream into windows, checking each text; the error names its position in the stream. */
async function* windowsOf(
  texts: Iterable<string> | AsyncIterable<string>,
  size: number,
): AsyncGenerator<string[]> {
  let window: string[] = [];
  let position = 0;
  for await (const text of texts) {
    checkText("encodeStream", text, position++);
    window.push(text);
    if (window.length === size) {
      yield window;
      window = [];
    }
  }
  if (window.length > 0) yield window;
}
