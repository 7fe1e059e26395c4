import { answerNeighbours, count, declareOptions, flag, positiveInteger } from "../options/index.ts";
import {
  type DenseMatrix,
  denseSimilarity,
  type SimilarityFunction,
  similarityRule,
} from "../vector/index.ts";
import { denseForm } from "./embedding/matrix-form.ts";
import {
  type EncodeOptions,
  type EncodeRequest,
  encodeRules,
  type StreamOptions,
  streamRules,
} from "./encode-options.ts";
import { Encoder } from "./encoder.ts";
import { checkModelName, type LoadOptions, loadRules, refuseNew } from "./loading/load-options.ts";
import { loadModel } from "./loading/model-loader.ts";
import type { OpenModel } from "./loading/open-model.ts";
import { chooseSimilarity } from "./loading/saved-similarity.ts";

/** Options of {@link DenseEncoder.load}. */
export interface DenseEncoderOptions extends LoadOptions {
  /** Similarity function. Default: the model's, else `cosine`. */
  readonly similarity?: SimilarityFunction | undefined;
}

/** Options of the encode methods of a {@link DenseEncoder}. */
export interface DenseEncodeOptions extends EncodeOptions {
  /** Scale each vector to length 1. Default false; many models do it anyway. */
  readonly normalize?: boolean | undefined;
  /** Keep only this many numbers from the start of each vector, for models trained to allow it. Default: as many as the model says, else all. */
  readonly truncateDim?: number | undefined;
}

const loadOptions = declareOptions<DenseEncoderOptions>()({
  ...loadRules,
  similarity: similarityRule,
});

const encodeOptions = declareOptions<DenseEncodeOptions>()({
  ...encodeRules,
  normalize: flag().default(false),
  truncateDim: count(),
});

const streamOptions = declareOptions<DenseEncodeOptions & StreamOptions>()({
  ...encodeOptions.rules,
  ...streamRules,
});

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
  static {
    answerNeighbours(DenseEncoder.prototype, {
      similarityFnName: "similarityFunction",
    });
    answerNeighbours(DenseEncoder, {
      fromPretrained: "load(model)",
      init: "load(model)",
      create: "load(model)",
      open: "load(model)",
    });
  }

  /** The function that {@link DenseEncoder.similarity} uses. */
  override readonly similarityFunction: SimilarityFunction;

  private constructor(model: OpenModel<DenseMatrix>, options: ReturnType<typeof loadOptions.check>) {
    refuseNew("DenseEncoder", model);
    const { truncateDim = model.dimension } = model.description;
    super(model, Math.min(model.dimension, truncateDim), options);
    this.similarityFunction = chooseSimilarity(options.similarity, model.description, "cosine");
  }

  /**
   * Loads a model and starts its worker.
   *
   * @param model path or `file:` URL of a model folder as sentence-transformers saves it, or the name or address of such a model on
   *   the hub
   * @throws SparseEncoderError as `SparseEncoder.load`
   */
  static async load(model: string | URL, options: DenseEncoderOptions = {}): Promise<DenseEncoder> {
    const address = checkModelName("DenseEncoder.load", model);
    const checked = loadOptions.check("DenseEncoder.load", options);
    return loadModel(address, denseForm, checked, (opened) => new DenseEncoder(opened, checked));
  }

  /** Similarity of each row of `a` with each row of `b`: n arrays of m numbers. A vector counts as one row. */
  similarity(a: Float32Array | DenseMatrix, b: Float32Array | DenseMatrix): Float32Array[] {
    return denseSimilarity(a, b, this.similarityFunction);
  }

  protected override checkOptions(
    call: string,
    options: unknown,
    takesTask: boolean,
  ): EncodeRequest<DenseMatrix> {
    const checked = (takesTask ? streamOptions : encodeOptions).check(call, options);
    const { normalize, truncateDim = this.embeddingDimension } = checked;
    positiveInteger("truncateDim", truncateDim, this.model.dimension);
    const finish = (matrix: DenseMatrix) => {
      const rows = matrix.truncate(truncateDim);
      return normalize ? rows.normalize() : rows;
    };
    return { ...checked, maxActiveDims: 0, finish };
  }
}
