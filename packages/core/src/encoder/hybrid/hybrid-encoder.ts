import { answerNeighbours, declareOptions } from "../../options/index.ts";
import type { DenseMatrix, SimilarityFunction, SparseMatrix } from "../../vector/index.ts";
import { hybridForm } from "../embedding/matrix-form.ts";
import {
  type EncodeOptions,
  type EncodeRequest,
  encodeRules,
  type StreamOptions,
  streamRules,
} from "../encode-options.ts";
import { Encoder } from "../encoder.ts";
import { checkModelName, type LoadOptions, loadRules, refuseNew } from "../loading/load-options.ts";
import { loadModel } from "../loading/model-loader.ts";
import type { OpenModel } from "../loading/open-model.ts";
import { chooseSimilarity } from "../loading/saved-similarity.ts";
import type { HybridMatrix, HybridVector } from "./hybrid-matrix.ts";
import { type PassHalf, type PassTask, SharedPasses } from "./shared-passes.ts";

/** The sparse or the dense half of a {@link HybridEncoder}: an encoder for an arm of a `HybridRetriever`. */
export interface HybridHalf<Matrix> {
  encodeQuery(texts: readonly string[], options?: HalfOptions): Promise<Matrix>;
  encodeDocument(texts: readonly string[], options?: HalfOptions): Promise<Matrix>;
  /** Name of a dim of the sparse half. */
  tokenOf?(index: number): string;
  /** Width of the vectors. */
  readonly embeddingDimension: number;
}

/** Options of the halves of a {@link HybridEncoder}. */
interface HalfOptions {
  /** Ends the wait for the vectors with an `ABORTED` error. */
  readonly signal?: AbortSignal | undefined;
}

const loadOptions = declareOptions<LoadOptions>()(loadRules);
const encodeOptions = declareOptions<EncodeOptions>()(encodeRules);
const streamOptions = declareOptions<EncodeOptions & StreamOptions>()({ ...encodeRules, ...streamRules });

/**
 * Turns texts into a sparse and a dense embedding each, in one run of the model: for models such as bge-m3, which have a layer of
 * lexical weights (`sparse_linear.pt`) beside their dense vectors. Weights and vectors equal FlagEmbedding's M3.
 *
 * @example
 * const encoder = await HybridEncoder.load("BAAI/bge-m3");
 * const { sparse, dense } = await encoder.encodeDocument(["a text", "another one"]);
 * const retriever = new HybridRetriever({
 *   arms: { sparse: { encoder: encoder.sparse, store }, dense: { encoder: encoder.dense, store } },
 * });
 */
export class HybridEncoder extends Encoder<HybridVector, HybridMatrix, EncodeOptions> {
  static {
    answerNeighbours(HybridEncoder.prototype, {});
    answerNeighbours(HybridEncoder, {
      fromPretrained: "load(model)",
      init: "load(model)",
      create: "load(model)",
      open: "load(model)",
    });
  }

  /** Width of a sparse embedding: the vocabulary. That of a dense one is {@link HybridEncoder.embeddingDimension}. */
  readonly sparseDimension: number;
  /**
   * The sparse vectors only. Texts that both halves are asked for at the same time, as a retriever does, go through the model
   * once.
   */
  readonly sparse: HybridHalf<SparseMatrix>;
  /** The dense vectors only; see {@link HybridEncoder.sparse}. */
  readonly dense: HybridHalf<DenseMatrix>;
  /** How two dense embeddings are compared. Sparse ones are compared by their dot product. */
  override readonly similarityFunction: SimilarityFunction;

  private constructor(model: OpenModel<HybridMatrix>, options: ReturnType<typeof loadOptions.check>) {
    refuseNew("HybridEncoder", model);
    super(model, model.dimension, options);
    this.sparseDimension = model.vocabularySize;
    this.similarityFunction = chooseSimilarity(undefined, model.description, "cosine");
    const passes = new SharedPasses((task, texts, signal) => this.encodeFor(task, texts, signal));
    const half = <Matrix>(name: PassHalf, of: (rows: HybridMatrix) => Matrix) => ({
      encodeQuery: async (texts: readonly string[], { signal }: HalfOptions = {}) =>
        of(await passes.take(name, "query", texts, signal)),
      encodeDocument: async (texts: readonly string[], { signal }: HalfOptions = {}) =>
        of(await passes.take(name, "document", texts, signal)),
    });
    this.sparse = {
      ...half("sparse", ({ sparse }) => sparse),
      tokenOf: (index) => this.tokenOf(index),
      embeddingDimension: this.sparseDimension,
    };
    this.dense = { ...half("dense", ({ dense }) => dense), embeddingDimension: this.embeddingDimension };
  }

  /**
   * Loads a model and starts its worker.
   *
   * @param model path of a model folder, or the name of a model on the Hugging Face hub, that has `sparse_linear.pt` beside a
   *   dense model
   * @throws SparseEncoderError as `SparseEncoder.load`; `MODEL_UNSUPPORTED` for a folder without `sparse_linear.pt`
   */
  static async load(model: string | URL, options: LoadOptions = {}): Promise<HybridEncoder> {
    const address = checkModelName("HybridEncoder.load", model);
    const checked = loadOptions.check("HybridEncoder.load", options);
    return loadModel(address, hybridForm, checked, (opened) => new HybridEncoder(opened, checked));
  }

  /** The vocabulary piece of a dim of sparse embeddings as it is stored, or `[id]` where the vocabulary has none. */
  tokenOf(index: number): string {
    return this.model.route("query").tokenizer.pieceOf(index) ?? `[${index}]`;
  }

  protected override checkOptions(
    call: string,
    options: unknown,
    takesTask: boolean,
  ): EncodeRequest<HybridMatrix> {
    const checked = (takesTask ? streamOptions : encodeOptions).check(call, options);
    return { ...checked, maxActiveDims: 0, finish: (matrix) => matrix };
  }

  private encodeFor(task: PassTask, texts: readonly string[], signal: AbortSignal): Promise<HybridMatrix> {
    return task === "query" ? this.encodeQuery(texts, { signal }) : this.encodeDocument(texts, { signal });
  }
}
