import type { EncodeOptions, Progress } from "../encoder/index.ts";
import { invalidArgument, received } from "../errors.ts";
import { count, declareOptions } from "../options/index.ts";
import type { DenseMatrix, EmbeddingMatrix, SimilarityFunction, SparseMatrix } from "../vector/index.ts";
import type { EvaluateOptions } from "./evaluation.ts";

/** Options that evaluators give to an encoder. */
export interface EvaluatedEncodeOptions
  extends Pick<EncodeOptions, "batchSize" | "prompt" | "promptName" | "signal" | "onProgress"> {
  /** Only given if the evaluator has such a limit: dense encoders refuse it. */
  readonly maxActiveDims?: number | undefined;
}

/** What evaluators need of an encoder; of a sparse one, unless `Matrix` says otherwise. */
export interface EvaluatedEncoder<Matrix extends EmbeddingMatrix = SparseMatrix> {
  /** The function that {@link EvaluatedEncoder.similarity} uses; part of the names of metrics. */
  readonly similarityFunction: SimilarityFunction;
  /** Embeds texts: a row per text. */
  encode(texts: readonly string[], options?: EvaluatedEncodeOptions): Promise<Matrix>;
  /** Embeds queries: a row per query. */
  encodeQuery(texts: readonly string[], options?: EvaluatedEncodeOptions): Promise<Matrix>;
  /** Embeds documents: a row per document. */
  encodeDocument(texts: readonly string[], options?: EvaluatedEncodeOptions): Promise<Matrix>;
  /** Similarity of each row of `a` with each row of `b`. */
  similarity(a: Matrix, b: Matrix): ArrayLike<number>[];
}

/** What evaluators take: a `SparseEncoder`, a `DenseEncoder`, or anything that works like one of them. */
export type EvaluableEncoder =
  | EvaluatedEncoder<SparseMatrix>
  | EvaluatedEncoder<DenseMatrix>
  | EvaluatedEncoder<EmbeddingMatrix>;

/** How texts are encoded for an evaluation. */
export interface EncodingOptions {
  /** Most texts in one run of the model. */
  readonly batchSize?: number | undefined;
  /**
   * Sparse encoders: keep only this many dims of largest absolute weight of each embedding. Default: the encoder's own
   * limit.
   */
  readonly maxActiveDims?: number | undefined;
}

/** {@link EncodingOptions}, checked. */
export interface EncodingSettings {
  readonly batchSize: number;
  readonly maxActiveDims: number | undefined;
}

/** {@link EncodingOptions}, for the declarations of evaluators. */
export function encodingRules(batchSize: number) {
  return declareOptions<EncodingOptions>()({
    batchSize: count().default(batchSize),
    maxActiveDims: count(),
  }).rules;
}

/** A prompt by text or by name; neither for the default one. */
export interface Prompt {
  readonly prompt?: string | undefined;
  readonly promptName?: string | undefined;
}

/** @throws SparseEncoderError `INVALID_ARGUMENT` */
export function checkEncoder(call: string, encoder: EvaluableEncoder): void {
  const candidate = (encoder ?? {}) as Partial<EvaluableEncoder>;
  const methods = ["encode", "encodeQuery", "encodeDocument", "similarity"] as const;
  const missing = methods.filter((method) => typeof candidate[method] !== "function");
  if (missing.length === 0 && typeof candidate.similarityFunction === "string") return;
  throw invalidArgument(
    `${call}: expected a SparseEncoder or a DenseEncoder, received ${received(encoder)}.`,
  );
}

/** The encode calls of one evaluation, reported as one piece of work. */
export class EncodingRun {
  private done = 0;
  private readonly encoder: EvaluableEncoder;
  private readonly settings: EncodingSettings;
  private readonly total: number;
  private readonly options: EvaluateOptions;

  /** @param total texts of all calls together */
  constructor(
    encoder: EvaluableEncoder,
    settings: EncodingSettings,
    total: number,
    options: EvaluateOptions,
  ) {
    this.encoder = encoder;
    this.settings = settings;
    this.total = total;
    this.options = options;
  }

  plain(texts: readonly string[]): Promise<EmbeddingMatrix> {
    return this.call("encode", texts, {});
  }

  queries(texts: readonly string[], prompt: Prompt = {}): Promise<EmbeddingMatrix> {
    return this.call("encodeQuery", texts, prompt);
  }

  documents(texts: readonly string[], prompt: Prompt = {}): Promise<EmbeddingMatrix> {
    return this.call("encodeDocument", texts, prompt);
  }

  private async call(
    method: "encode" | "encodeQuery" | "encodeDocument",
    texts: readonly string[],
    prompt: Prompt,
  ): Promise<EmbeddingMatrix> {
    const { batchSize, maxActiveDims } = this.settings;
    const { signal, onProgress } = this.options;
    const before = this.done;
    const report =
      onProgress && (({ done }: Progress) => onProgress({ done: before + done, total: this.total }));
    const options = { batchSize, ...prompt, signal, onProgress: report };
    // Without a limit the option stays away: only sparse encoders know it.
    const limited = maxActiveDims === undefined ? options : { ...options, maxActiveDims };
    const embeddings = await this.encoder[method](texts, limited);
    this.done += texts.length;
    return embeddings;
  }
}
