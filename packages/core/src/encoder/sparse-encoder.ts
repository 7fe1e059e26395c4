import { embeddedModelFolder } from "../model/index.ts";
import { answerNeighbours, count, declareOptions } from "../options/index.ts";
import {
  intersection,
  type SimilarityFunction,
  type SparseMatrix,
  type SparseVector,
  type SparsityStatistics,
  similarity,
  similarityPairwise,
  similarityRule,
  sparsity,
} from "../vector/index.ts";
import { checkEmbeddings, type DecodedToken, type DecodeOptions, decodeTokens } from "./decoded-tokens.ts";
import { sparseForm } from "./embedding/matrix-form.ts";
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

/** Options of {@link SparseEncoder.load}. */
export interface SparseEncoderOptions extends LoadOptions {
  /** Keep only this many dims of largest absolute weight of each embedding. Default: all, or the model's own limit. */
  readonly maxActiveDims?: number | undefined;
  /** Similarity function. Default: the model's, else `dot`. */
  readonly similarity?: SimilarityFunction | undefined;
}

/** Options of the encode methods of a {@link SparseEncoder}. */
export interface SparseEncodeOptions extends EncodeOptions {
  /** Keep only this many dims of largest absolute weight of each embedding. Default: the encoder's own limit. */
  readonly maxActiveDims?: number | undefined;
}

const loadOptions = declareOptions<SparseEncoderOptions>()({
  ...loadRules,
  maxActiveDims: count(),
  similarity: similarityRule,
});

const encodeOptions = declareOptions<SparseEncodeOptions>()({ ...encodeRules, maxActiveDims: count() });

const streamOptions = declareOptions<SparseEncodeOptions & StreamOptions>()({
  ...encodeOptions.rules,
  ...streamRules,
});

/**
 * Turns texts into sparse embeddings: one weight for each entry of a vocabulary, nearly all of them zero. Behaviour and
 * names follow `SparseEncoder` of sentence-transformers.
 *
 * @example
 * const encoder = await SparseEncoder.load();
 * const embeddings = await encoder.encode(["The weather is lovely today.", "It's so sunny outside!"]);
 * embeddings.shape; // [2, 30522]
 * encoder.similarity(embeddings, embeddings); // [[39.7, 7.2], [7.2, 27.0]]
 * encoder.decode(embeddings.row(0), { topK: 2 }); // [["today", 2.54], ["lovely", 2.12]]
 * await encoder.close();
 */
export class SparseEncoder extends Encoder<SparseVector, SparseMatrix, SparseEncodeOptions> {
  static {
    answerNeighbours(SparseEncoder.prototype, {
      similarityFnName: "similarityFunction",
    });
    answerNeighbours(SparseEncoder, {
      fromPretrained: "load(model)",
      init: "load(model)",
      create: "load(model)",
      open: "load(model)",
    });
  }

  /** The function that {@link SparseEncoder.similarity} uses. */
  override readonly similarityFunction: SimilarityFunction;

  private activeDims: number | undefined;

  private constructor(model: OpenModel<SparseMatrix>, options: ReturnType<typeof loadOptions.check>) {
    refuseNew("SparseEncoder", model);
    super(model, model.dimension, options);
    this.activeDims = options.maxActiveDims ?? model.activeDims;
    this.similarityFunction = chooseSimilarity(options.similarity, model.description, "dot");
  }

  /**
   * Loads the embedded English model splade-tiny, which needs no network, and starts its worker. Errors as for a
   * model that is named.
   */
  static load(options?: SparseEncoderOptions): Promise<SparseEncoder>;
  /**
   * Loads a model and starts its worker.
   *
   * @param model path or `file:` URL of a model folder as sentence-transformers saves it, or of a plain masked-LM checkpoint; or
   *   the name or the address of such a model on the Hugging Face hub; without it the embedded English model splade-tiny,
   *   which needs no network
   * @throws SparseEncoderError `MODEL_NOT_FOUND`, `MODEL_INVALID`, `MODEL_UNSUPPORTED`, `WEIGHTS_INVALID`,
   *   `TOKENIZER_INVALID`, `INVALID_ARGUMENT`, `UNKNOWN_OPTION`, `ABORTED`, `CACHE_UNWRITABLE`; from the hub `NETWORK`,
   *   `HUB_OFFLINE`, `HUB_UNAUTHORIZED`, `HUB_GATED`, `HUB_NOT_FOUND`, `HUB_INVALID`, `DOWNLOAD_CORRUPT`
   */
  static load(model: string | URL | undefined, options?: SparseEncoderOptions): Promise<SparseEncoder>;
  static async load(
    first?: string | URL | SparseEncoderOptions,
    second?: SparseEncoderOptions,
  ): Promise<SparseEncoder> {
    const isOptions = isPlainObject(first) && second === undefined;
    const [model, options] = isOptions ? [undefined, first] : [first, second];
    const checked = loadOptions.check("SparseEncoder.load", options);
    const address =
      model === undefined ? { model: embeddedModelFolder() } : checkModelName("SparseEncoder.load", model);
    return loadModel(address, sparseForm, checked, (opened) => new SparseEncoder(opened, checked));
  }

  /** Limit on active dims that holds where a call gives none; undefined for none. */
  get maxActiveDims(): number | undefined {
    return this.activeDims;
  }

  /** @throws SparseEncoderError `INVALID_ARGUMENT` */
  set maxActiveDims(limit: number | undefined) {
    this.activeDims = loadOptions.rules.maxActiveDims.check(limit, "maxActiveDims");
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

  /** As the static {@link SparseEncoder.sparsity}. */
  sparsity(embeddings: SparseVector | SparseMatrix): SparsityStatistics {
    return SparseEncoder.sparsity(embeddings);
  }

  /**
   * The vocabulary pieces that an embedding activates, with their weights: heaviest first, equal weights by rising
   * token id. Pieces are as the vocabulary stores them (`##ing`). Dims of a model over learned latents, with a
   * `SparseAutoEncoder`, are not vocabulary entries; the piece of the same number says nothing about them.
   *
   * @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION`
   */
  decode(embedding: SparseVector, options?: DecodeOptions): DecodedToken[];
  decode(embeddings: SparseMatrix, options?: DecodeOptions): DecodedToken[][];
  decode(
    embeddings: SparseVector | SparseMatrix,
    options?: DecodeOptions,
  ): DecodedToken[] | DecodedToken[][] {
    return decodeTokens(this, embeddings, options);
  }

  /** The vocabulary piece of a dim as it is stored (`##ing`), or `[id]` where the vocabulary has none. */
  tokenOf(index: number): string {
    return this.model.route("query").tokenizer.pieceOf(index) ?? `[${index}]`;
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
  ): EncodeRequest<SparseMatrix> {
    const checked = (takesTask ? streamOptions : encodeOptions).check(call, options);
    const maxActiveDims = checked.maxActiveDims ?? this.maxActiveDims ?? 0;
    return { ...checked, maxActiveDims, finish: (matrix) => matrix };
  }
}

/** Whether the first argument of `load` holds options: `load({ dtype: "int8" })`. */
function isPlainObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof URL);
}
