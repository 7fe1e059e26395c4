import {
  SparseEncoder,
  type SparseEncoderOptions,
  SparseMatrix,
  type SparseVector,
} from "@sparse-encoder/core";
import {
  abortSignal,
  callback,
  declareOptions,
  defined,
  invalidArgument,
} from "@sparse-encoder/core/internal";
import { declareEmbedding } from "./embedding-options.ts";

/** Options of a call that can be ended. */
export interface SignalOptions {
  /** Ends the call with an `ABORTED` error. */
  readonly signal?: AbortSignal | undefined;
}

/** What a {@link SparseEmbedding} needs of an encoder. `SparseEncoder` and `Bm25Encoder` have it. */
export interface SparseTextEncoder {
  /** Embeds queries: a row per query. */
  encodeQuery(texts: readonly string[], options: { readonly signal?: AbortSignal }): Promise<SparseMatrix>;
  /** Embeds documents: a row per document. */
  encodeDocument(texts: readonly string[], options: { readonly signal?: AbortSignal }): Promise<SparseMatrix>;
  /** Name of a dim. */
  tokenOf?(index: number): string;
}

/** Options of a {@link SparseEmbedding}. */
export interface SparseEmbeddingOptions {
  /** Stays the caller's: closing the embedding leaves it open. */
  readonly encoder: SparseTextEncoder;
  /** Texts of a call that the encoder gets at once, between two reports of progress. Default: all. */
  readonly embedBatchSize?: number | undefined;
}

/** Options of {@link SparseEmbedding.getTextEmbeddings}. */
export interface SparseEmbedOptions extends SignalOptions {
  /** Called after each batch, as LlamaIndex does for dense embeddings. */
  readonly progressCallback?: ((current: number, total: number) => void) | undefined;
}

/** Makes one vector of several. */
export type AggregateFunction = (embeddings: readonly SparseVector[]) => SparseVector;

const optionsOf = declareEmbedding<SparseTextEncoder>("SparseEmbedding", "a SparseEncoder");
const signalOptions = declareOptions<SignalOptions>()({ signal: abortSignal() });
const embedOptions = declareOptions<SparseEmbedOptions>()({
  progressCallback: callback<(current: number, total: number) => void>(),
  signal: abortSignal(),
});

/**
 * Sparse embeddings in the terms of LlamaIndex: what `BaseSparseEmbedding` is in its Python library. LlamaIndex.TS has no
 * such class, and its `BaseEmbedding` is for `number[]`, so this one extends nothing.
 *
 * An embedding is a `SparseVector`, which iterates over [index, weight] pairs. `Object.fromEntries(vector)` is the
 * dictionary of the Python library, `SparseVector.from(dictionary, dimension)` the way back.
 *
 * @example
 * const embedding = new SparseEmbedding({ encoder: await SparseEncoder.load() });
 * const [document] = await embedding.getTextEmbeddings(["The weather is lovely today."]);
 * const query = await embedding.getQueryEmbedding("What is the weather like?");
 * query.dot(document!); // the score of a search
 */
export class SparseEmbedding implements AsyncDisposable {
  /** Makes the vectors. */
  readonly encoder: SparseTextEncoder;
  /** Texts per call of the encoder. */
  readonly embedBatchSize: number;
  private opened: SparseEncoder | undefined;

  /** @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION` */
  constructor(options: SparseEmbeddingOptions) {
    const { encoder, embedBatchSize } = optionsOf(options);
    this.encoder = encoder;
    this.embedBatchSize = embedBatchSize;
  }

  /**
   * Loads a model, which the embedding then owns: `close` frees it.
   *
   * @param model as for `SparseEncoder.load`; without one, the small English model that ships with the library
   * @throws SparseEncoderError as `SparseEncoder.load`
   */
  static async fromModel(model?: string, options?: SparseEncoderOptions): Promise<SparseEmbedding> {
    const encoder = await SparseEncoder.load(model, options);
    const embedding = new SparseEmbedding({ encoder });
    embedding.opened = encoder;
    return embedding;
  }

  /** The embedding of a search query, encoded as such. */
  async getQueryEmbedding(query: string, options?: SignalOptions): Promise<SparseVector> {
    const { signal } = signalOptions.check("getQueryEmbedding", options);
    return (await this.encoder.encodeQuery([query], defined({ signal }))).row(0);
  }

  /** The embedding of a document. */
  async getTextEmbedding(text: string, options?: SignalOptions): Promise<SparseVector> {
    const { signal } = signalOptions.check("getTextEmbedding", options);
    return (await this.encoder.encodeDocument([text], defined({ signal }))).row(0);
  }

  /** The embeddings of documents, in their order. */
  async getTextEmbeddings(texts: readonly string[], options?: SparseEmbedOptions): Promise<SparseVector[]> {
    const { signal, progressCallback } = embedOptions.check("getTextEmbeddings", options);
    const embeddings: SparseVector[] = [];
    for (let start = 0; start < texts.length; start = embeddings.length) {
      const batch = texts.slice(start, start + this.embedBatchSize);
      embeddings.push(...(await this.encoder.encodeDocument(batch, defined({ signal }))));
      progressCallback?.(embeddings.length, texts.length);
    }
    return embeddings;
  }

  /** One embedding for several queries: the mean of their embeddings, or what `aggregate` makes of them. */
  async getAggEmbeddingFromQueries(
    queries: readonly string[],
    aggregate: AggregateFunction = (embeddings) => SparseMatrix.fromRows(embeddings).mean(),
  ): Promise<SparseVector> {
    if (queries.length === 0) {
      throw invalidArgument("getAggEmbeddingFromQueries: the queries are empty; give at least one.");
    }
    return aggregate([...(await this.encoder.encodeQuery(queries, {}))]);
  }

  /** Cosine, as in the Python library; 0 if one has no active dims. Searches score with `a.dot(b)` instead. */
  similarity(a: SparseVector, b: SparseVector): number {
    return a.cosine(b);
  }

  /** Frees the model that `fromModel` loaded; an encoder of the caller stays open. */
  async close(): Promise<void> {
    await this.opened?.close();
  }

  /** Frees what `fromModel` loaded: for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
