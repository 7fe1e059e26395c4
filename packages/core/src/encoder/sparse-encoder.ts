import {
  checkOptionNames,
  invalidArgument,
  positiveInteger,
  received,
  SparseEncoderError,
} from "../errors.ts";
import { type CompiledModel, compileModel } from "../graph/index.ts";
import {
  embeddedModelFolder,
  type ModelDescription,
  readModelFolder,
  readSafetensors,
  Tokenizer,
} from "../model/index.ts";
import { WorkerPool } from "../runtime/index.ts";
import {
  checkSimilarityFunction,
  intersection,
  type SimilarityFunction,
  SparseMatrix,
  type SparseVector,
  type SparsityStatistics,
  similarity,
  similarityFunctions,
  similarityPairwise,
  sparsity,
} from "../vector/index.ts";
import {
  checkSignal,
  checkText,
  checkTexts,
  type EncodeOptions,
  type ResolvedEncodeOptions,
  resolveEncodeOptions,
} from "./encode-options.ts";
import { type EmbedCall, TextEmbedder, windowSize } from "./text-embedder.ts";

/** Options of {@link SparseEncoder.load}. */
export interface SparseEncoderOptions {
  /** Keep only this many dims of largest absolute weight of each embedding. Default: all. */
  maxActiveDims?: number;
  /** Longest input in tokens, special tokens included. Default: what the model says. */
  maxSeqLength?: number;
  /** Similarity function. Default: the model's, else `dot`. */
  similarity?: SimilarityFunction;
  /** Prompts by name, added to the model's or put in their place; `""` turns one off. */
  prompts?: Record<string, string>;
  /** Name of the prompt that plain `encode` uses. Default: the model's, if any. */
  defaultPromptName?: string;
  /** CPU threads of the worker. Default: all available cores. */
  threads?: number;
  /** Stops loading with an `ABORTED` error. */
  signal?: AbortSignal;
}

const loadOptionNames: readonly (keyof SparseEncoderOptions)[] = [
  "maxActiveDims",
  "maxSeqLength",
  "similarity",
  "prompts",
  "defaultPromptName",
  "threads",
  "signal",
];

/** A vocabulary piece and its weight in an embedding. */
export type DecodedToken = [token: string, weight: number];

/** Texts kept together in a stream: enough to sort by length, few enough for a short first wait. */
const streamWindowSize = 256;

/** The parts of an encoder, opened. */
interface EncoderParts {
  readonly description: ModelDescription;
  readonly compiled: CompiledModel;
  readonly tokenizer: Tokenizer;
  readonly pool: WorkerPool;
}

/**
 * Turns texts into sparse embeddings: one weight for each entry of a vocabulary, nearly all of them zero.
 *
 * Runs in a worker thread, so the event loop stays free. Any number of calls may be under way at once. Behaviour
 * and names follow `SparseEncoder` of sentence-transformers.
 *
 * @example
 * const encoder = await SparseEncoder.load();
 * const embeddings = await encoder.encode(["The weather is lovely today.", "It's so sunny outside!"]);
 * embeddings.shape; // [2, 30522]
 * encoder.similarity(embeddings, embeddings); // [[39.7, 7.2], [7.2, 27.0]]
 * encoder.decode(embeddings.row(0), { topK: 2 }); // [["today", 2.54], ["lovely", 2.12]]
 * await encoder.close();
 */
export class SparseEncoder implements AsyncDisposable {
  /** Width of an embedding: the number of vocabulary entries. */
  readonly embeddingDimension: number;
  /** Limit on active dims that was set at load; undefined for none. */
  readonly maxActiveDims: number | undefined;
  /** The function that {@link SparseEncoder.similarity} uses. */
  readonly similarityFunction: SimilarityFunction;
  /** Prompts by name. */
  readonly prompts: Readonly<Record<string, string>>;
  /** Name of the prompt that plain `encode` uses; undefined for none. */
  readonly defaultPromptName: string | undefined;
  private readonly parts: EncoderParts;
  private readonly embedder: TextEmbedder;
  private readonly longestInput: number;
  private currentMaxSeqLength: number;
  private closed = false;

  private constructor(parts: EncoderParts, options: SparseEncoderOptions) {
    const { description, compiled, tokenizer, pool } = parts;
    this.parts = parts;
    this.embeddingDimension = compiled.dimension;
    this.embedder = new TextEmbedder(tokenizer, pool, compiled.vocabularySize, compiled.dimension);
    this.maxActiveDims = options.maxActiveDims;
    this.similarityFunction =
      options.similarity ?? similarityFunctions.find((name) => name === description.similarity) ?? "dot";
    this.prompts = { ...description.prompts, ...options.prompts };
    this.defaultPromptName = options.defaultPromptName ?? description.defaultPromptName;
    this.longestInput = compiled.maxTokens;
    this.currentMaxSeqLength = Math.min(description.maxSeqLength ?? compiled.maxTokens, compiled.maxTokens);
    if (options.maxSeqLength !== undefined) this.maxSeqLength = options.maxSeqLength;
  }

  /**
   * Loads a model and starts its worker.
   *
   * @param model path of a model folder as sentence-transformers saves it; without it the embedded English model
   *   splade-tiny, which needs no network
   * @throws SparseEncoderError `MODEL_NOT_FOUND`, `MODEL_INVALID`, `MODEL_UNSUPPORTED`, `WEIGHTS_INVALID`,
   *   `TOKENIZER_INVALID`, `INVALID_ARGUMENT`, `UNKNOWN_OPTION`, `ABORTED`
   */
  static async load(
    model: string = embeddedModelFolder,
    options: SparseEncoderOptions = {},
  ): Promise<SparseEncoder> {
    checkLoadArguments(model, options);
    const description = await readModelFolder(model);
    const tensors = await readSafetensors(description.weightsFile);
    const compiled = compileModel(description, tensors);
    checkSignal(options.signal);
    // The worker starts while the tokenizer is read.
    const starting = WorkerPool.start(compiled.bytes, compiled.weightsFolder, { threads: options.threads });
    starting.catch(() => {});
    try {
      const tokenizer = await Tokenizer.load(description.tokenizerFile);
      checkVocabulary(tokenizer, compiled, description);
      const pool = await starting;
      checkSignal(options.signal);
      return new SparseEncoder({ description, compiled, tokenizer, pool }, options);
    } catch (error) {
      await starting.then(
        (pool) => pool.destroy(),
        () => {},
      );
      throw error;
    }
  }

  /**
   * Embeds one text or many: a {@link SparseVector}, or a {@link SparseMatrix} of shape [texts, dimension] in the
   * order of the texts. Texts longer than {@link SparseEncoder.maxSeqLength} tokens are cut. Uses the default
   * prompt of the model, if any.
   *
   * @throws SparseEncoderError `INVALID_TEXT`, `INVALID_ARGUMENT`, `UNKNOWN_OPTION`, `ABORTED`, `CLOSED`,
   *   `WORKER_FAILED`
   */
  encode(text: string, options?: EncodeOptions): Promise<SparseVector>;
  encode(texts: readonly string[], options?: EncodeOptions): Promise<SparseMatrix>;
  encode(input: string | readonly string[], options?: EncodeOptions): Promise<SparseVector | SparseMatrix>;
  encode(input: string | readonly string[], options?: EncodeOptions): Promise<SparseVector | SparseMatrix> {
    return this.encodeAs("encode", this.defaultPromptName, input, options);
  }

  /** As {@link SparseEncoder.encode}, for search queries: uses the prompt named `query`. */
  encodeQuery(text: string, options?: EncodeOptions): Promise<SparseVector>;
  encodeQuery(texts: readonly string[], options?: EncodeOptions): Promise<SparseMatrix>;
  encodeQuery(
    input: string | readonly string[],
    options?: EncodeOptions,
  ): Promise<SparseVector | SparseMatrix>;
  encodeQuery(
    input: string | readonly string[],
    options?: EncodeOptions,
  ): Promise<SparseVector | SparseMatrix> {
    return this.encodeAs("encodeQuery", "query", input, options);
  }

  /** As {@link SparseEncoder.encode}, for documents to be searched: uses the prompt named `document`. */
  encodeDocument(text: string, options?: EncodeOptions): Promise<SparseVector>;
  encodeDocument(texts: readonly string[], options?: EncodeOptions): Promise<SparseMatrix>;
  encodeDocument(
    input: string | readonly string[],
    options?: EncodeOptions,
  ): Promise<SparseVector | SparseMatrix>;
  encodeDocument(
    input: string | readonly string[],
    options?: EncodeOptions,
  ): Promise<SparseVector | SparseMatrix> {
    return this.encodeAs("encodeDocument", "document", input, options);
  }

  /**
   * Embeds texts as they come, one vector a text, in order. Memory is bounded by two windows of 256 texts, and the
   * source is read no faster than the vectors are taken. Leaving the loop closes the source.
   */
  async *encodeStream(
    texts: Iterable<string> | AsyncIterable<string>,
    options?: EncodeOptions,
  ): AsyncGenerator<SparseVector, void, undefined> {
    this.checkOpen();
    if (
      typeof texts !== "object" ||
      texts === null ||
      !(Symbol.iterator in texts || Symbol.asyncIterator in texts)
    ) {
      throw invalidArgument(
        `encodeStream: texts must be an iterable of strings, received ${received(texts)}.`,
      );
    }
    const resolved = this.resolve("encodeStream", this.defaultPromptName, options);
    const windows = windowsOf(texts, streamWindowSize);
    for await (const matrix of this.embedder.embedWindows(windows, this.embedCall(resolved, undefined))) {
      yield* matrix;
    }
  }

  /**
   * Token ids of each text as the model would get them: with the prompt of plain `encode`, special tokens, and cut to
   * {@link SparseEncoder.maxSeqLength}.
   */
  async tokenize(
    texts: readonly string[],
    options?: Pick<EncodeOptions, "prompt" | "promptName">,
  ): Promise<Int32Array[]> {
    this.checkOpen();
    checkTexts("tokenize", texts);
    const { prompt } = this.resolve("tokenize", this.defaultPromptName, options);
    return this.parts.tokenizer.encode(
      texts.map((text) => prompt + text),
      this.currentMaxSeqLength,
    );
  }

  /** Similarity of each row of `a` with each row of `b`: n arrays of m numbers. A vector counts as one row. */
  similarity(a: SparseVector | SparseMatrix, b: SparseVector | SparseMatrix): Float32Array[] {
    return similarity(a, b, this.similarityFunction);
  }

  /** Similarity of row i of `a` with row i of `b`. */
  similarityPairwise(a: SparseVector | SparseMatrix, b: SparseVector | SparseMatrix): Float32Array {
    return similarityPairwise(a, b, this.similarityFunction);
  }

  /** Mean active dims and sparsity ratio of embeddings. */
  static sparsity(embeddings: SparseVector | SparseMatrix): SparsityStatistics {
    return sparsity(embeddings);
  }

  /** As the static {@link SparseEncoder.sparsity}. */
  sparsity(embeddings: SparseVector | SparseMatrix): SparsityStatistics {
    return sparsity(embeddings);
  }

  /**
   * The vocabulary pieces that an embedding activates, with their weights: heaviest first, equal weights by rising
   * token id. Pieces are as the vocabulary stores them (`##ing`).
   *
   * @param options.topK at most this many pieces a text; default all
   */
  decode(embedding: SparseVector, options?: { topK?: number }): DecodedToken[];
  decode(embeddings: SparseMatrix, options?: { topK?: number }): DecodedToken[][];
  decode(
    embeddings: SparseVector | SparseMatrix,
    options?: { topK?: number },
  ): DecodedToken[] | DecodedToken[][] {
    checkOptionNames("decode", options, ["topK"]);
    const topK = options?.topK === undefined ? undefined : positiveInteger("topK", options.topK);
    if (embeddings?.dimension !== this.embeddingDimension) {
      throw invalidArgument(
        `decode: expected embeddings of ${this.embeddingDimension} dimensions, received ${received(embeddings)}.`,
      );
    }
    const decodeRow = (row: SparseVector) =>
      row.ranked(topK).map(([index, weight]): DecodedToken => [this.tokenOf(index), weight]);
    return "offsets" in embeddings ? Array.from(embeddings, decodeRow) : decodeRow(embeddings);
  }

  /** The vocabulary piece of a dim as it is stored (`##ing`), or `[id]` where the vocabulary has none. */
  tokenOf(index: number): string {
    return this.parts.tokenizer.pieceOf(index) ?? `[${index}]`;
  }

  /** Element-wise product: what both activate, and how much each dim adds to the dot product. */
  intersection(a: SparseVector, b: SparseVector): SparseVector;
  intersection(a: SparseVector, b: SparseMatrix): SparseMatrix;
  intersection(a: SparseVector, b: SparseVector | SparseMatrix): SparseVector | SparseMatrix {
    return intersection(a, b);
  }

  /** Longest input in tokens, special tokens included; longer texts are cut on the right. */
  get maxSeqLength(): number {
    return this.currentMaxSeqLength;
  }

  /** Applies to calls made from now on. At most the number of positions that the model knows. */
  set maxSeqLength(length: number) {
    positiveInteger("maxSeqLength", length, this.longestInput);
    const least = this.parts.tokenizer.minimumLength;
    if (length < least) {
      throw invalidArgument(
        `maxSeqLength must be at least ${least}, the special tokens alone; received ${length}.`,
      );
    }
    this.currentMaxSeqLength = length;
  }

  /** Lets calls under way finish, then frees model and worker. Calling it again does nothing more. */
  async close(): Promise<void> {
    this.closed = true;
    await this.parts.pool.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private async encodeAs(
    call: string,
    promptName: string | undefined,
    input: string | readonly string[],
    options: EncodeOptions | undefined,
  ): Promise<SparseVector | SparseMatrix> {
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
    const resolved = this.resolve(call, promptName, options);
    const windows: string[][] = [];
    for (let start = 0; start < texts.length; start += windowSize)
      windows.push(texts.slice(start, start + windowSize));
    const matrices: SparseMatrix[] = [];
    for await (const matrix of this.embedder.embedWindows(windows, this.embedCall(resolved, texts.length))) {
      matrices.push(matrix);
    }
    const embeddings = SparseMatrix.concat(matrices, this.embeddingDimension);
    return single ? embeddings.row(0) : embeddings;
  }

  private resolve(
    call: string,
    promptName: string | undefined,
    options: EncodeOptions | undefined,
  ): ResolvedEncodeOptions {
    return resolveEncodeOptions(call, options, {
      prompts: this.prompts,
      promptName,
      maxActiveDims: this.maxActiveDims,
    });
  }

  private embedCall(options: ResolvedEncodeOptions, total: number | undefined): EmbedCall {
    let done = 0;
    return {
      ...options,
      maxSeqLength: this.currentMaxSeqLength,
      onTexts: (texts) => {
        done += texts;
        options.onProgress?.({ done, total });
      },
    };
  }

  private checkOpen(): void {
    if (this.closed)
      throw new SparseEncoderError("CLOSED", "The encoder was closed; load it again to go on.");
  }
}

function checkLoadArguments(model: unknown, options: SparseEncoderOptions): void {
  if (typeof model !== "string" || model === "") {
    throw invalidArgument(
      `SparseEncoder.load: expected the path of a model folder, received ${received(model)}.`,
    );
  }
  checkOptionNames("SparseEncoder.load", options, loadOptionNames);
  const { maxActiveDims, maxSeqLength, similarity: name, threads, signal } = options;
  if (maxActiveDims !== undefined) positiveInteger("maxActiveDims", maxActiveDims);
  if (maxSeqLength !== undefined) positiveInteger("maxSeqLength", maxSeqLength);
  if (name !== undefined) checkSimilarityFunction(name);
  if (threads !== undefined) positiveInteger("threads", threads);
  checkSignal(signal);
}

function checkVocabulary(tokenizer: Tokenizer, compiled: CompiledModel, description: ModelDescription): void {
  if (tokenizer.vocabularySize <= compiled.vocabularySize) return;
  throw new SparseEncoderError(
    "TOKENIZER_INVALID",
    `${description.tokenizerFile} has ${tokenizer.vocabularySize} entries, but the model knows ${compiled.vocabularySize}; the tokenizer belongs to another model.`,
  );
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
