import { Embeddings, type EmbeddingsInterface } from "@langchain/core/embeddings";
import {
  type SparseEncodeOptions,
  SparseEncoder,
  type SparseEncoderOptions,
  type SparseMatrix,
} from "@sparse-encoder/core";
import { declareEmbeddings } from "./embeddings-options.ts";

/**
 * A sparse vector in plain arrays: dims in rising order and their weights. The clients of Qdrant, Pinecone and Chroma take
 * it as it is.
 */
export interface SparseVector {
  /** The active dims, rising. */
  indices: number[];
  /** Their weights, in the order of `indices`. */
  values: number[];
}

/** Makes sparse vectors of texts, as `EmbeddingsInterface` makes dense vectors. */
export type SparseEmbeddingsInterface = EmbeddingsInterface<SparseVector>;

/** Options of one call, as core's encoders take them: `signal`, `prompt`, `promptName`, `batchSize`, `maxActiveDims`, … */
export type SparseEmbedOptions = Pick<SparseEncodeOptions, keyof SparseEncodeOptions>;

/** What {@link SparseEmbeddings} needs of an encoder. `SparseEncoder` and `Bm25Encoder` have it. */
export interface SparseTextEncoder {
  /** Embeds queries: a row per query. */
  encodeQuery(texts: readonly string[], options?: SparseEmbedOptions): Promise<SparseMatrix>;
  /** Embeds documents: a row per document. */
  encodeDocument(texts: readonly string[], options?: SparseEmbedOptions): Promise<SparseMatrix>;
}

/** Options of {@link SparseEmbeddings}. */
export interface SparseEmbeddingsParams {
  /** Stays the caller's: closing the embeddings leaves it open. */
  readonly encoder: SparseTextEncoder;
}

const encoderOf = declareEmbeddings<SparseTextEncoder>("SparseEmbeddings", "SparseEncoder");

/**
 * Sparse embeddings (SPLADE and its kin, BM25) in LangChain's terms. Queries and documents are encoded
 * separately, as many sparse models need it. All texts of a call go to the encoder in one call. A failure is not tried again,
 * since a local encoder would fail in the same way.
 *
 * @example
 * await using embeddings = await SparseEmbeddings.fromModel("naver/splade-v3");
 * const [vector] = await embeddings.embedDocuments(["The weather is lovely today."]); // { indices: […], values: […] }
 */
export class SparseEmbeddings extends Embeddings<SparseVector> implements AsyncDisposable {
  // Not among the enumerable properties: a trace or a log must not hold a model.
  readonly #encoder: SparseTextEncoder;
  #opened: SparseEncoder | undefined;

  /** @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION` */
  constructor(params: SparseEmbeddingsParams) {
    super({ maxRetries: 0 });
    this.#encoder = encoderOf(params);
  }

  /**
   * Loads a model, which the embeddings then own: `close` frees it.
   *
   * @param model as for `SparseEncoder.load`; without one, the small English model that ships with the library
   * @throws SparseEncoderError as `SparseEncoder.load`
   */
  static async fromModel(model?: string, options?: SparseEncoderOptions): Promise<SparseEmbeddings> {
    const encoder = await SparseEncoder.load(model, options);
    const embeddings = new SparseEmbeddings({ encoder });
    embeddings.#opened = encoder;
    return embeddings;
  }

  /** The encoder of these embeddings, for stores and retrievers of the library. */
  get encoder(): SparseTextEncoder {
    return this.#encoder;
  }

  /**
   * One vector per text, in their order.
   *
   * @throws SparseEncoderError `INVALID_TEXT`, `ABORTED`, `CLOSED`, and others of the encoder
   */
  override async embedDocuments(texts: string[], options?: SparseEmbedOptions): Promise<SparseVector[]> {
    const matrix = await this.#encoder.encodeDocument(texts, options);
    return Array.from(matrix, (row) => row.toJSON());
  }

  /** The vector of a query; a document of the same text has another vector. */
  override async embedQuery(text: string, options?: SparseEmbedOptions): Promise<SparseVector> {
    const matrix = await this.#encoder.encodeQuery([text], options);
    return matrix.row(0).toJSON();
  }

  /** Frees the model that `fromModel` loaded; an encoder that was given stays open. */
  async close(): Promise<void> {
    await this.#opened?.close();
  }

  /** Frees what `fromModel` loaded: for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
