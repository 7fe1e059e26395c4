import { invalidArgument, received } from "../errors.ts";
import { positiveInteger } from "../options/index.ts";
import {
  checkSimilarityFunction,
  type DenseMatrix,
  denseSimilarity,
  type SimilarityFunction,
} from "../vector/index.ts";
import { denseRows } from "./assembled-rows.ts";
import type { EncodeOptions } from "./encode-options.ts";
import { Encoder } from "./encoder.ts";
import { checkLoadArguments, type LoadOptions, loadOptionNames } from "./load-options.ts";
import { type OpenModel, openEncoder } from "./open-model.ts";
import { chooseSimilarity } from "./saved-similarity.ts";

/** Options of {@link DenseEncoder.load}. */
export interface DenseEncoderOptions extends LoadOptions {
  /** Similarity function. Default: the model's, else `cosine`. */
  similarity?: SimilarityFunction;
}

/** Options of the encode methods of a {@link DenseEncoder}. */
export interface DenseEncodeOptions extends EncodeOptions {
  /** Scale each vector to length 1. Default false; many models do it anyway. */
  normalize?: boolean;
  /** Keep only this many numbers from the start of each vector, for models trained to allow it. Default: as many as the model says, else all. */
  truncateDim?: number;
}

/**
 * Turns texts into dense embeddings with a plain sentence-transformers model, so that hybrid retrieval needs no second
 * runtime.
 *
 * @example
 * const encoder = await DenseEncoder.load("./all-MiniLM-L6-v2");
 * const embeddings = await encoder.encode(["The weather is lovely today.", "It's so sunny outside!"]);
 * embeddings.shape; // [2, 384]
 */
export class DenseEncoder extends Encoder<Float32Array, DenseMatrix, DenseEncodeOptions> {
  /** The function that {@link DenseEncoder.similarity} uses. */
  override readonly similarityFunction: SimilarityFunction;
  protected readonly furtherOptions: readonly string[] = ["normalize", "truncateDim"];

  private constructor(model: OpenModel<DenseMatrix>, options: DenseEncoderOptions) {
    const { truncateDim = model.dimension } = model.description;
    super(model, Math.min(model.dimension, truncateDim), options);
    this.similarityFunction = chooseSimilarity(options.similarity, model.description, "cosine");
  }

  /**
   * Loads a model and starts its worker.
   *
   * @param model path of a model folder as sentence-transformers saves it, or the name of such a model on the hub
   * @throws SparseEncoderError as `SparseEncoder.load`
   */
  static async load(model: string, options: DenseEncoderOptions = {}): Promise<DenseEncoder> {
    checkLoadArguments("DenseEncoder.load", model, options, [...loadOptionNames, "similarity"]);
    if (options.similarity !== undefined) checkSimilarityFunction(options.similarity);
    return openEncoder(
      model,
      "SentenceTransformer",
      denseRows,
      options,
      (opened) => new DenseEncoder(opened, options),
    );
  }

  /** Similarity of each row of `a` with each row of `b`: n arrays of m numbers. A vector counts as one row. */
  similarity(a: Float32Array | DenseMatrix, b: Float32Array | DenseMatrix): Float32Array[] {
    return denseSimilarity(a, b, this.similarityFunction);
  }

  protected activeDimsOf(options: DenseEncodeOptions | undefined): number {
    const { normalize, truncateDim } = options ?? {};
    if (normalize !== undefined && typeof normalize !== "boolean") {
      throw invalidArgument(`normalize must be true or false, received ${received(normalize)}.`);
    }
    if (truncateDim !== undefined) positiveInteger("truncateDim", truncateDim, this.model.dimension);
    return 0;
  }

  protected override finish(matrix: DenseMatrix, options: DenseEncodeOptions | undefined): DenseMatrix {
    const { normalize = false, truncateDim = this.embeddingDimension } = options ?? {};
    const cut = truncateDim === matrix.dimension ? matrix : matrix.truncate(truncateDim);
    return normalize ? cut.normalize() : cut;
  }
}
