import { throwIfAborted } from "../../calls/index.ts";
import { invalidArgument, SparseEncoderError } from "../../errors.ts";
import { type PairTruncation, pairTruncations, saveModel, type TextPair } from "../../model/index.ts";
import { answerNeighbours, count, declareOptions, oneOf, positiveInteger } from "../../options/index.ts";
import type { DenseMatrix } from "../../vector/index.ts";
import { CallProgress } from "../embedding/call-progress.ts";
import { InferenceEmbedder } from "../embedding/inference-embedder.ts";
import { scoreForm } from "../embedding/matrix-form.ts";
import { checkTexts, choosePrompt, type EncodeOptions, encodeRules } from "../encode-options.ts";
import { LoadedModel } from "../loaded-model.ts";
import { describeModel, type EncoderDescription } from "../loading/encoder-description.ts";
import { checkModelName, type LoadOptions, loadRules, refuseNew } from "../loading/load-options.ts";
import { loadModel } from "../loading/model-loader.ts";
import type { OpenModel } from "../loading/open-model.ts";
import {
  activateScores,
  activationClasses,
  type ScoreActivation,
  savedActivation,
  scoreActivations,
} from "./score-activation.ts";
import { checkPairs, isSinglePair } from "./text-pairs.ts";

/** Options of {@link CrossEncoder.load}. */
export interface CrossEncoderOptions extends LoadOptions {
  /** What is applied to the numbers of the model. Default: the model's, else `sigmoid` for one label and `identity` for several. */
  readonly activation?: ScoreActivation | undefined;
  /**
   * Which text of a pair is cut that has more than {@link CrossEncoder.maxSeqLength} tokens: the longer one until both fit, or
   * one of them. Default: the model's, else `longest_first`.
   */
  readonly truncation?: PairTruncation | undefined;
}

/** Options of {@link CrossEncoder.predict}. */
export interface PredictOptions
  extends Pick<EncodeOptions, "batchSize" | "pool" | "prompt" | "promptName" | "signal" | "onProgress"> {
  /** What is applied to the numbers of the model. Default: {@link CrossEncoder.activation}. */
  readonly activation?: ScoreActivation | undefined;
}

/** Options of {@link CrossEncoder.rank}. */
export interface RankOptions extends PredictOptions {
  /** Documents to give. Default: all. */
  readonly topK?: number | undefined;
}

/** A document in the order of {@link CrossEncoder.rank}. */
export interface RankedText {
  /** Position in the array of documents. */
  readonly index: number;
  /** The larger, the more relevant. */
  readonly score: number;
  readonly text: string;
}

const loadOptions = declareOptions<CrossEncoderOptions>()({
  ...loadRules,
  activation: oneOf(scoreActivations),
  truncation: oneOf(pairTruncations),
});

const { batchSize, pool, prompt, promptName, signal, onProgress } = encodeRules;
const predictOptions = declareOptions<PredictOptions>()({
  batchSize,
  pool,
  prompt,
  promptName,
  signal,
  onProgress,
  activation: oneOf(scoreActivations),
});

const rankOptions = declareOptions<RankOptions>()({ ...predictOptions.rules, topK: count() });

type CheckedPredictOptions = ReturnType<typeof predictOptions.check>;

/**
 * Scores pairs of texts with a reranker: the model reads both texts together, which is slower than comparing embeddings, and
 * better. Behaviour and names follow `CrossEncoder` of sentence-transformers.
 *
 * @example
 * const reranker = await CrossEncoder.load("cross-encoder/ms-marco-MiniLM-L6-v2");
 * const best = await reranker.rank("How many people live in Berlin?", documents, { topK: 3 });
 * best[0]; // { index, score, text }
 * await reranker.close();
 */
export class CrossEncoder extends LoadedModel<DenseMatrix> {
  static {
    answerNeighbours(CrossEncoder.prototype, {
      computeScore: "predict(pairs)",
      score: "predict(pairs)",
      rerank: "rank(query, texts)",
    });
    answerNeighbours(CrossEncoder, {
      fromPretrained: "load(model)",
      init: "load(model)",
      create: "load(model)",
      open: "load(model)",
    });
  }

  /** Numbers that the model gives per pair. One for a reranker. */
  readonly labels: number;
  /** What is applied to the numbers of the model where a call names nothing else. */
  readonly activation: ScoreActivation;
  /** Prompts by name. A prompt stands before the first text of a pair. */
  declare readonly prompts: Readonly<Record<string, string>>;
  private readonly embedder: InferenceEmbedder<DenseMatrix>;

  private constructor(model: OpenModel<DenseMatrix>, options: ReturnType<typeof loadOptions.check>) {
    refuseNew("CrossEncoder", model);
    super(model, options, "reranker");
    const embedder = model.route("plain");
    if (!(embedder instanceof InferenceEmbedder)) throw new TypeError("A reranker has a transformer.");
    const { activation, folder } = model.description;
    this.embedder = embedder;
    this.labels = model.dimension;
    this.activation = options.activation ?? savedActivation(activation, this.labels, folder);
    if (options.truncation !== undefined) embedder.truncation = options.truncation;
    // Reads what stands around a pair, so that a tokenizer without it is refused now.
    this.maxSeqLength = options.maxSeqLength ?? embedder.maxSeqLength;
  }

  /**
   * Loads a reranker and starts its worker.
   *
   * @param model path of a model folder, or the name of a model on the Hugging Face hub: a checkpoint with a classification
   *   head, as transformers or sentence-transformers saves it, or an ONNX export of one with the output `logits`
   * @throws SparseEncoderError as `SparseEncoder.load`
   */
  static async load(model: string | URL, options: CrossEncoderOptions = {}): Promise<CrossEncoder> {
    const address = checkModelName("CrossEncoder.load", model);
    const checked = loadOptions.check("CrossEncoder.load", options);
    return loadModel(address, scoreForm, checked, (opened) => new CrossEncoder(opened, checked));
  }

  /**
   * Scores one pair of texts, or many: a number per pair, in their order. An empty text is allowed.
   *
   * @throws SparseEncoderError `MODEL_UNSUPPORTED` for a model of several labels, `INVALID_TEXT`, `INVALID_ARGUMENT`,
   *   `UNKNOWN_OPTION`, `ABORTED`, `CLOSED`, `WORKER_FAILED`
   */
  predict(pair: TextPair, options?: PredictOptions): Promise<number>;
  predict(pairs: readonly TextPair[], options?: PredictOptions): Promise<Float32Array>;
  async predict(
    pairs: TextPair | readonly TextPair[],
    options?: PredictOptions,
  ): Promise<number | Float32Array> {
    this.checkOneLabel("predict");
    const checked = predictOptions.check("predict", options);
    const isSingle = isSinglePair(pairs);
    const { values } = await this.score("predict", isSingle ? [pairs] : pairs, checked);
    return isSingle ? values[0]! : values;
  }

  /**
   * The numbers of all labels: a row of {@link CrossEncoder.labels} numbers per pair, for models that classify pairs.
   *
   * @throws SparseEncoderError as {@link CrossEncoder.predict}
   */
  async predictLabels(pairs: readonly TextPair[], options?: PredictOptions): Promise<DenseMatrix> {
    return this.score("predictLabels", pairs, predictOptions.check("predictLabels", options));
  }

  /**
   * Orders documents by their relevance for a query, most relevant first. Documents of equal score keep their order.
   *
   * @throws SparseEncoderError as {@link CrossEncoder.predict}
   */
  async rank(query: string, documents: readonly string[], options?: RankOptions): Promise<RankedText[]> {
    this.checkOneLabel("rank");
    const { topK, ...checked } = rankOptions.check("rank", options);
    if (typeof query !== "string") checkTexts("rank: query", [query]);
    checkTexts("rank", documents);
    const texts = [...documents];
    const { values } = await this.score(
      "rank",
      texts.map((text): TextPair => [query, text]),
      checked,
    );
    return texts
      .map((text, index) => ({ index, score: values[index]!, text }))
      .sort((a, b) => b.score - a.score)
      .slice(0, topK);
  }

  /** Longest pair in tokens, special tokens included; longer pairs are cut. */
  get maxSeqLength(): number {
    return this.embedder.maxSeqLength;
  }

  /** Applies to pairs that are tokenised from now on. At most the number of positions that the model knows. */
  set maxSeqLength(length: number) {
    positiveInteger("maxSeqLength", length, this.embedder.longestInput);
    const least = this.embedder.tokenizer.pairFrameLength;
    if (length < least) {
      throw invalidArgument(
        `maxSeqLength must be at least ${least}, the special tokens around a pair; received ${length}.`,
      );
    }
    this.embedder.maxSeqLength = length;
  }

  /** What this reranker is: model, weights, limits. `dimension` is the number of labels. */
  describe(): EncoderDescription {
    const { labels: dimension, maxSeqLength, prompts, defaultPromptName } = this;
    return describeModel(this.model, { dimension, maxSeqLength, prompts, defaultPromptName });
  }

  /**
   * Writes a model folder that this library and sentence-transformers load, with the prompts, the activation, the truncation
   * and the sequence length of this reranker. The weights are those the model was loaded from, also for an int8 reranker;
   * an ONNX file named by `fileName` is to be named again.
   *
   * @param folder a folder that does not exist or is empty
   * @throws SparseEncoderError `INVALID_ARGUMENT`, `CACHE_UNWRITABLE`
   */
  async save(folder: string): Promise<void> {
    const { prompts, defaultPromptName, maxSeqLength, activation, embedder } = this;
    await saveModel(this.model.description.folder, folder, {
      modelType: "CrossEncoder",
      prompts,
      defaultPromptName,
      maxSeqLength,
      fileName: this.model.exportName,
      pairs: { activation: activationClasses[activation], truncation: embedder.truncation },
    });
  }

  private async score(
    call: string,
    pairs: readonly TextPair[],
    options: CheckedPredictOptions,
  ): Promise<DenseMatrix> {
    this.checkOpen();
    checkPairs(call, pairs);
    throwIfAborted(options.signal);
    const { pool } = options;
    pool?.check(this.model.embedders);
    const prompt = choosePrompt(options, this.prompts, this.defaultPromptName);
    const progress = new CallProgress(pairs.length, options.onProgress);
    // The caller may change the array meanwhile.
    const window = { texts: [...pairs], first: 0 };
    const embedding = this.embedder.embedPairs(window, {
      task: "plain",
      prompt,
      batchSize: options.batchSize,
      chunkSize: undefined,
      pool,
      maxActiveDims: 0,
      signal: options.signal,
      onTexts: (counts) => progress.add(counts),
    });
    // In the same tick as the call, so that a pool that is stopped right behind it waits for it.
    const scores = await this.calls.track(pool?.track(embedding) ?? embedding);
    activateScores(scores.values, this.labels, options.activation ?? this.activation);
    return scores;
  }

  private checkOneLabel(call: string): void {
    if (this.labels === 1) return;
    throw new SparseEncoderError(
      "MODEL_UNSUPPORTED",
      `${call} needs a model with one label; the model in ${this.model.description.folder} has ${this.labels}. Use predictLabels().`,
    );
  }
}
