import {
  checkOptionNames,
  positiveInteger,
  received,
  SparseEncoderError,
  throwIfAborted,
} from "../errors.ts";
import { DenseMatrix } from "../vector/index.ts";
import type { FakeEncodeOptions } from "./fake-sparse-encoder.ts";
import { hashOf, wordsOf } from "./words.ts";

/**
 * Stands in for a `DenseEncoder` in tests: no model, no worker, the same vectors in every run. Each word has a direction
 * by its hash; the vector of a text is the sum of those of its words, scaled to length 1. A text without words has the
 * direction of the empty word.
 *
 * @example
 * const embedder = new FakeDenseEmbedder({ dimension: 16 });
 * const vector = await embedder.encodeQuery("red green"); // Float32Array of 16 numbers, length 1
 */
export class FakeDenseEmbedder {
  readonly embeddingDimension: number;
  private isClosed = false;

  /** @param options `dimension` of the vectors, default 32 */
  constructor(options: { readonly dimension?: number } = {}) {
    checkOptionNames("FakeDenseEmbedder", options, ["dimension"]);
    this.embeddingDimension = positiveInteger("dimension", options.dimension ?? 32);
  }

  encode(text: string, options?: FakeEncodeOptions): Promise<Float32Array>;
  encode(texts: readonly string[], options?: FakeEncodeOptions): Promise<DenseMatrix>;
  async encode(
    input: string | readonly string[],
    options: FakeEncodeOptions = {},
  ): Promise<Float32Array | DenseMatrix> {
    if (this.isClosed) throw new SparseEncoderError("CLOSED", "encode: the embedder is closed.");
    throwIfAborted(options.signal);
    if (typeof input === "string") return this.encodeOne(input);
    const values = new Float32Array(input.length * this.embeddingDimension);
    for (const [row, text] of input.entries())
      values.set(this.encodeOne(text), row * this.embeddingDimension);
    return new DenseMatrix(values, this.embeddingDimension);
  }

  encodeQuery(text: string, options?: FakeEncodeOptions): Promise<Float32Array>;
  encodeQuery(texts: readonly string[], options?: FakeEncodeOptions): Promise<DenseMatrix>;
  encodeQuery(
    input: string | readonly string[],
    options?: FakeEncodeOptions,
  ): Promise<Float32Array | DenseMatrix> {
    return this.encode(input as string, options);
  }

  encodeDocument(text: string, options?: FakeEncodeOptions): Promise<Float32Array>;
  encodeDocument(texts: readonly string[], options?: FakeEncodeOptions): Promise<DenseMatrix>;
  encodeDocument(
    input: string | readonly string[],
    options?: FakeEncodeOptions,
  ): Promise<Float32Array | DenseMatrix> {
    return this.encode(input as string, options);
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private encodeOne(text: unknown): Float32Array {
    if (typeof text !== "string") {
      throw new SparseEncoderError("INVALID_TEXT", `A text must be a string, received ${received(text)}.`);
    }
    const sum = new Float64Array(this.embeddingDimension);
    const words = wordsOf(text);
    for (const word of words.length === 0 ? [""] : words) {
      for (let index = 0; index < sum.length; index++) {
        sum[index]! += hashOf(`${word} ${index}`) / 0x80000000 - 1;
      }
    }
    const length = Math.hypot(...sum);
    return Float32Array.from(sum, (value) => value / length);
  }
}
