import type { Progress, SparseEncodeOptions } from "../encoder/index.ts";
import { invalidArgument, received } from "../errors.ts";
import { positiveInteger } from "../options/index.ts";
import type { SimilarityFunction, SparseMatrix } from "../vector/index.ts";
import type { EvaluateOptions } from "./evaluation.ts";

/** What evaluators need of an encoder; a `SparseEncoder` is one. */
export interface EvaluatedEncoder {
  /** The function that {@link EvaluatedEncoder.similarity} uses; part of the names of metrics. */
  readonly similarityFunction: SimilarityFunction;
  encode(texts: readonly string[], options?: SparseEncodeOptions): Promise<SparseMatrix>;
  encodeQuery(texts: readonly string[], options?: SparseEncodeOptions): Promise<SparseMatrix>;
  encodeDocument(texts: readonly string[], options?: SparseEncodeOptions): Promise<SparseMatrix>;
  /** Similarity of each row of `a` with each row of `b`. */
  similarity(a: SparseMatrix, b: SparseMatrix): ArrayLike<number>[];
}

/** How texts are encoded for an evaluation. */
export interface EncodingOptions {
  /** Most texts in one run of the model. */
  readonly batchSize?: number;
  /** Keep only this many dims of largest absolute weight of each embedding. Default: the encoder's own limit. */
  readonly maxActiveDims?: number;
}

/** {@link EncodingOptions}, checked. */
export interface EncodingSettings {
  readonly batchSize: number;
  readonly maxActiveDims: number | undefined;
}

/** @throws SparseEncoderError `INVALID_ARGUMENT` */
export function resolveEncoding(options: EncodingOptions, batchSize: number): EncodingSettings {
  const { maxActiveDims } = options;
  return {
    batchSize: positiveInteger("batchSize", options.batchSize ?? batchSize),
    maxActiveDims: maxActiveDims === undefined ? undefined : positiveInteger("maxActiveDims", maxActiveDims),
  };
}

/** A prompt by text or by name; neither for the default one. */
export interface Prompt {
  readonly prompt?: string | undefined;
  readonly promptName?: string | undefined;
}

/** @throws SparseEncoderError `INVALID_ARGUMENT` */
export function checkEncoder(call: string, encoder: EvaluatedEncoder): void {
  const given = (encoder ?? {}) as Partial<EvaluatedEncoder>;
  const methods = ["encode", "encodeQuery", "encodeDocument", "similarity"] as const;
  const missing = methods.filter((method) => typeof given[method] !== "function");
  if (missing.length === 0 && typeof given.similarityFunction === "string") return;
  throw invalidArgument(`${call}: expected a SparseEncoder, received ${received(encoder)}.`);
}

/** The encode calls of one evaluation, reported as one piece of work. */
export class EncodingRun {
  private done = 0;
  private readonly encoder: EvaluatedEncoder;
  private readonly settings: EncodingSettings;
  private readonly total: number;
  private readonly options: EvaluateOptions;

  /** @param total texts of all calls together */
  constructor(
    encoder: EvaluatedEncoder,
    settings: EncodingSettings,
    total: number,
    options: EvaluateOptions,
  ) {
    this.encoder = encoder;
    this.settings = settings;
    this.total = total;
    this.options = options;
  }

  plain(texts: readonly string[]): Promise<SparseMatrix> {
    return this.call("encode", texts, {});
  }

  queries(texts: readonly string[], prompt: Prompt = {}): Promise<SparseMatrix> {
    return this.call("encodeQuery", texts, prompt);
  }

  documents(texts: readonly string[], prompt: Prompt = {}): Promise<SparseMatrix> {
    return this.call("encodeDocument", texts, prompt);
  }

  private async call(
    method: "encode" | "encodeQuery" | "encodeDocument",
    texts: readonly string[],
    { prompt, promptName }: Prompt,
  ): Promise<SparseMatrix> {
    const { batchSize, maxActiveDims } = this.settings;
    const { signal, onProgress } = this.options;
    const before = this.done;
    const report =
      onProgress === undefined
        ? undefined
        : ({ done }: Progress) => onProgress({ done: before + done, total: this.total });
    const embeddings = await this.encoder[method](texts, {
      batchSize,
      ...(maxActiveDims === undefined ? {} : { maxActiveDims }),
      ...(prompt === undefined ? {} : { prompt }),
      ...(promptName === undefined ? {} : { promptName }),
      ...(signal === undefined ? {} : { signal }),
      ...(report === undefined ? {} : { onProgress: report }),
    });
    this.done += texts.length;
    return embeddings;
  }
}
