import { Embeddings, type EmbeddingsInterface } from "@langchain/core/embeddings";
import {
  type SparseEncodeOptions,
  SparseEncoder,
  SparseEncoderError,
  type SparseEncoderOptions,
  type SparseMatrix,
} from "@sparse-encoder/core";
import { checkOptionNames, received } from "@sparse-encoder/core/internal";

/**
 * A sparse vector in plain arrays: dims in rising order and their weights. The clients of Qdrant, Pinecone and Chroma take
 * it as it is.
 */
export interface SparseVector {
  indices: number[];
  values: number[];
}

/** What makes sparse vectors of texts, as `EmbeddingsInterface` does dense ones. */
export type SparseEmbeddingsInterface = EmbeddingsInterface<SparseVector>;

/** Options of one call, as core's encoders take them: `signal`, `prompt`, `promptName`, `batchSize`, `maxActiveDims`, … */
export type SparseEmbedOptions = Pick<SparseEncodeOptions, keyof SparseEncodeOptions>;

/** What {@link SparseEmbeddings} needs of an encoder; `SparseEncoder` and `Bm25Encoder` are such. */
export interface SparseTextEncoder {
  encodeQuery(texts: readonly string[], options?: SparseEmbedOptions): Promise<SparseMatrix>;
  encodeDocument(texts: readonly string[], options?: SparseEmbedOptions): Promise<SparseMatrix>;
}

/** Options of {@link SparseEmbeddings}. */
export interface SparseEmbeddingsParams {
  /** Stays the caller's: closing the embeddings leaves it open. */
  readonly encoder: SparseTextEncoder;
}

/**
 * Sparse embeddings (SPLADE and its kin, BM25) in LangChain's terms. Queries and documents take separate ways, which many
 * sparse models need. All texts of a call go to the encoder in one call; a failure is not tried again, since it would only
 * happen again.
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
    checkOptionNames("SparseEmbeddings", params, ["encoder"]);
    const encoder: Partial<SparseTextEncoder> | null | undefined = params?.encoder;
    if (typeof encoder?.encodeQuery !== "function" || typeof encoder.encodeDocument !== "function") {
      throw new SparseEncoderError(
        "INVALID_ARGUMENT",
        `SparseEmbeddings: encoder must have encodeQuery and encodeDocument, as SparseEncoder does, received ${received(encoder)}.`,
      );
    }
    this.#encoder = params.encoder;
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
   * One vector a text, in their order.
   *
   * @throws SparseEncoderError `INVALID_TEXT`, `ABORTED`, `CLOSED`, and others of the encoder
   */
  override async embedDocuments(texts: string[], options?: SparseEmbedOptions): Promise<SparseVector[]> {
    const matrix = await this.#encoder.encodeDocument(texts, options);
    return Array.from(matrix, (row) => row.toJSON());
  }

  /** The vector of a query, which is another one than that of a document. */
  override async embedQuery(text: string, options?: SparseEmbedOptions): Promise<SparseVector> {
    const matrix = await this.#encoder.encodeQuery([text], options);
    return matrix.row(0).toJSON();
  }

  /** Frees the model that `fromModel` loaded; an encoder that was given stays open. */
  async close(): Promise<void> {
    await this.#opened?.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
