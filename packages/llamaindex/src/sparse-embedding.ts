import { SparseMatrix, type SparseVector } from "@sparse-encoder/core";
import { checkOptionNames, received } from "@sparse-encoder/core/internal";
import { defined, invalidArgument } from "./options.ts";

/** What a {@link SparseEmbedding} needs of an encoder; `SparseEncoder` and `Bm25Encoder` are such. */
export interface SparseTextEncoder {
  encodeQuery(texts: readonly string[], options: { readonly signal?: AbortSignal }): Promise<SparseMatrix>;
  encodeDocument(texts: readonly string[], options: { readonly signal?: AbortSignal }): Promise<SparseMatrix>;
  /** Name of a dim. */
  tokenOf?(index: number): string;
}

/** Options of a {@link SparseEmbedding}. */
export interface SparseEmbeddingOptions {
  /** Stays the caller's: the embedding never closes it. */
  readonly encoder: SparseTextEncoder;
  /** Texts of a call that the encoder gets at once, between two reports of progress. Default: all. */
  readonly embedBatchSize?: number;
}

/** Options of {@link SparseEmbedding.getTextEmbeddings}. */
export interface SparseEmbedOptions {
  /** Called after each batch, as LlamaIndex does for dense embeddings. */
  readonly progressCallback?: (current: number, total: number) => void;
  /** Ends the call with an `ABORTED` error. */
  readonly signal?: AbortSignal;
}

/** Makes one vector of several. */
export type AggregateFunction = (embeddings: readonly SparseVector[]) => SparseVector;

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
export class SparseEmbedding {
  readonly encoder: SparseTextEncoder;
  readonly embedBatchSize: number;

  /** @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION` */
  constructor(options: SparseEmbeddingOptions) {
    checkOptionNames("SparseEmbedding", options ?? null, ["encoder", "embedBatchSize"]);
    const { encoder, embedBatchSize = Number.POSITIVE_INFINITY } = options;
    if (typeof encoder?.encodeQuery !== "function" || typeof encoder.encodeDocument !== "function") {
      throw invalidArgument(
        `SparseEmbedding: encoder must have encodeQuery and encodeDocument, such as a SparseEncoder, received ${received(encoder)}.`,
      );
    }
    checkBatchSize("SparseEmbedding", embedBatchSize);
    this.encoder = encoder;
    this.embedBatchSize = embedBatchSize;
  }

  /** The embedding of a search query, encoded as such. */
  async getQueryEmbedding(
    query: string,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<SparseVector> {
    return (await this.encoder.encodeQuery([query], defined({ signal: options.signal }))).row(0);
  }

  /** The embedding of a document. */
  async getTextEmbedding(
    text: string,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<SparseVector> {
    return (await this.encoder.encodeDocument([text], defined({ signal: options.signal }))).row(0);
  }

  /** The embeddings of documents, in their order. */
  async getTextEmbeddings(
    texts: readonly string[],
    options: SparseEmbedOptions = {},
  ): Promise<SparseVector[]> {
    checkOptionNames("getTextEmbeddings", options, ["progressCallback", "signal"]);
    const embeddings: SparseVector[] = [];
    for (let start = 0; start < texts.length; start = embeddings.length) {
      const batch = texts.slice(start, start + this.embedBatchSize);
      embeddings.push(...(await this.encoder.encodeDocument(batch, defined({ signal: options.signal }))));
      options.progressCallback?.(embeddings.length, texts.length);
    }
    return embeddings;
  }

  /** One embedding for several queries: the mean of theirs, or what `aggregate` makes of them. */
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
}

export function checkBatchSize(call: string, size: number): void {
  if (size !== Number.POSITIVE_INFINITY && (!Number.isInteger(size) || size < 1)) {
    throw invalidArgument(
      `${call}: embedBatchSize must be a whole number of at least 1, received ${received(size)}.`,
    );
  }
}
