import { invalidArgument, received, SparseEncoderError } from "../../errors.ts";
import { count } from "../../options/index.ts";
import {
  intersection,
  type SparseEntry,
  SparseMatrix,
  SparseVector,
  type SparsityStatistics,
  similarity,
  similarityPairwise,
  sparsity,
} from "../../vector/index.ts";
import { checkEmbeddings, type DecodedToken, type DecodeOptions, decodeTokens } from "../decoded-tokens.ts";
import { RemoteEncoder, type RemoteRequest } from "./remote-encoder.ts";
import { invalidAnswer } from "./remote-failure.ts";
import {
  type RemoteSparseEncodeOptions,
  type RemoteSparseEncoderOptions,
  remoteSparseOptions,
  sparseCallOptions,
  sparseStreamOptions,
} from "./remote-options.ts";
import { RemotePool } from "./remote-pool.ts";
import { widthOf } from "./server-description.ts";

/**
 * A sparse encoder whose model runs on another machine: a server that `sparse-encoder serve` started, or one of
 * text-embeddings-inference with `--pooling splade`; or on several, which share the texts. It takes the place of a `SparseEncoder` in
 * retrievers, evaluators and both adapters.
 *
 * @example
 * const encoder = await RemoteSparseEncoder.open("http://encoder:8080", { apiKey: process.env.KEY });
 * const retriever = new HybridRetriever({ arms: { sparse: { encoder, store } } });
 */
export class RemoteSparseEncoder extends RemoteEncoder<
  SparseVector,
  SparseMatrix,
  RemoteSparseEncodeOptions
> {
  /** Names of dims; empty where nobody told them. */
  private readonly vocabulary: readonly string[];
  private activeDims: number | undefined;

  private constructor(
    pool: RemotePool,
    dimension: number,
    vocabulary: readonly string[],
    activeDims: number | undefined,
  ) {
    super(pool, pool.description.sparse, dimension, "dot");
    this.vocabulary = vocabulary;
    this.activeDims = activeDims;
  }

  /**
   * Asks the server what it is, and for its vocabulary where it has one to give.
   *
   * @param url address of the server, such as `http://localhost:8080`; a path is kept. Several addresses are servers with the same
   *   model: each gets requests as it has room, one that fails is left out until it is back, and its requests go to the others
   * @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION`, `NETWORK`, `TIMEOUT`, `REMOTE_REFUSED`,
   *   `REMOTE_INVALID`, `ABORTED`
   */
  static async open(
    url: string | URL | readonly (string | URL)[],
    options: RemoteSparseEncoderOptions = {},
  ): Promise<RemoteSparseEncoder> {
    const call = "RemoteSparseEncoder.open";
    const checked = remoteSparseOptions.check(call, options);
    const { vocabulary: given, maxActiveDims, dimension: asked = given?.length } = checked;
    if (given !== undefined && asked !== given.length) {
      throw invalidArgument(`${call}: dimension is ${asked}, but vocabulary has ${given.length} entries.`);
    }
    const pool = await RemotePool.open(call, "embed_sparse", url, checked);
    const dimension = widthOf(call, pool.url, asked, pool.description.sparse.dimension);
    if (dimension === undefined) {
      throw invalidArgument(
        `${call}: ${pool.url.origin} does not tell how wide its embeddings are; give the option dimension, for BERT models 30522.`,
      );
    }
    const vocabulary = given ?? (pool.description.isOurs ? await askVocabulary(pool) : []);
    return new RemoteSparseEncoder(pool, dimension, vocabulary, maxActiveDims);
  }

  /** Limit on active dims that holds where a call gives none; undefined for none. */
  get maxActiveDims(): number | undefined {
    return this.activeDims;
  }

  /** @throws SparseEncoderError `INVALID_ARGUMENT` */
  set maxActiveDims(limit: number | undefined) {
    this.activeDims = count().check(limit, "maxActiveDims");
  }

  /** Similarity of each row of `a` with each row of `b`: n arrays of m numbers. A vector counts as one row. */
  similarity(a: SparseVector | SparseMatrix, b: SparseVector | SparseMatrix): Float32Array[] {
    checkEmbeddings("similarity", a, b);
    return similarity(a, b, this.similarityFunction);
  }

  /** Similarity of row i of `a` with row i of `b`. */
  similarityPairwise(a: SparseVector | SparseMatrix, b: SparseVector | SparseMatrix): Float32Array {
    checkEmbeddings("similarityPairwise", a, b);
    return similarityPairwise(a, b, this.similarityFunction);
  }

  /** Mean active dims and sparsity ratio of embeddings. */
  static sparsity(embeddings: SparseVector | SparseMatrix): SparsityStatistics {
    checkEmbeddings("sparsity", embeddings);
    return sparsity(embeddings);
  }

  /** As the static {@link RemoteSparseEncoder.sparsity}. */
  sparsity(embeddings: SparseVector | SparseMatrix): SparsityStatistics {
    return RemoteSparseEncoder.sparsity(embeddings);
  }

  /**
   * The vocabulary pieces that an embedding activates, with their weights: heaviest first, equal weights by rising token id.
   *
   * @throws SparseEncoderError `REMOTE_UNSUPPORTED` for a server that does not tell its vocabulary, where the option `vocabulary`
   *   did not either; `INVALID_ARGUMENT`, `UNKNOWN_OPTION`
   */
  decode(embedding: SparseVector, options?: DecodeOptions): DecodedToken[];
  decode(embeddings: SparseMatrix, options?: DecodeOptions): DecodedToken[][];
  decode(
    embeddings: SparseVector | SparseMatrix,
    options?: DecodeOptions,
  ): DecodedToken[] | DecodedToken[][] {
    if (this.vocabulary.length === 0) {
      throw new SparseEncoderError(
        "REMOTE_UNSUPPORTED",
        `decode: ${this.pool.url.origin} does not tell its vocabulary; give RemoteSparseEncoder.open the option vocabulary, the lines of the model's vocab.txt.`,
      );
    }
    return decodeTokens(this, embeddings, options);
  }

  /** The vocabulary piece of a dim as it is stored (`##ing`), or `[index]` where nobody told one. */
  tokenOf(index: number): string {
    return this.vocabulary[index] ?? `[${index}]`;
  }

  /** Element-wise product: what both activate, and how much each dim adds to the dot product. */
  intersection(a: SparseVector, b: SparseVector): SparseVector;
  intersection(a: SparseVector, b: SparseMatrix): SparseMatrix;
  intersection(a: SparseVector, b: SparseVector | SparseMatrix): SparseVector | SparseMatrix {
    checkEmbeddings("intersection", a, b);
    return intersection(a, b);
  }

  protected override checkOptions(
    call: string,
    options: unknown,
    takesTask: boolean,
  ): RemoteRequest<SparseVector> {
    const checked = (takesTask ? sparseStreamOptions : sparseCallOptions).check(call, options);
    const { maxActiveDims = this.maxActiveDims } = checked;
    return {
      ...checked,
      fields: () => (maxActiveDims === undefined ? {} : { max_active_dims: maxActiveDims }),
      vectorOf: (row) => {
        if (!Array.isArray(row)) throw new Error(`expected an array, received ${received(row)}`);
        const vector = SparseVector.from(row.map(entryOf), this.embeddingDimension);
        // Servers that do not know the field of the request give all weights.
        return maxActiveDims === undefined ? vector : vector.topDims(maxActiveDims);
      },
    };
  }

  protected override stack(rows: readonly SparseVector[]): SparseMatrix {
    return SparseMatrix.fromRows(rows, this.embeddingDimension);
  }
}

async function askVocabulary(pool: RemotePool): Promise<readonly string[]> {
  const answer = await pool.ask("vocabulary", pool.options.signal);
  if (Array.isArray(answer) && answer.every((piece) => typeof piece === "string")) return answer;
  throw invalidAnswer(new URL("vocabulary", pool.url), "not an array of vocabulary pieces");
}

function entryOf(entry: unknown): SparseEntry {
  const { index, value } = (entry ?? {}) as { index?: unknown; value?: unknown };
  if (typeof index === "number" && typeof value === "number") return [index, value];
  throw new Error(`expected an index and a value, received ${received(entry)}`);
}
