import {
  checkOptionNames,
  positiveInteger,
  received,
  SparseEncoderError,
  throwIfAborted,
} from "../errors.ts";
import { SparseMatrix, SparseVector } from "../vector/index.ts";
import { hashOf, wordsOf } from "./words.ts";

/** Options of the encode methods of the fakes. Others of the real encoders are accepted and have no effect. */
export interface FakeEncodeOptions {
  readonly signal?: AbortSignal | undefined;
  readonly [name: string]: unknown;
}

/**
 * Stands in for a `SparseEncoder` in tests: no model, no worker, the same vectors in every run. Each word has a dim by its
 * hash, with the number of times it occurs as weight; so texts are similar if they share words, and nothing else.
 *
 * @example
 * const encoder = new FakeSparseEncoder({ dimension: 1000 });
 * const vector = await encoder.encodeQuery("red green red"); // two active dims, weights 2 and 1
 */
export class FakeSparseEncoder {
  readonly embeddingDimension: number;
  private isClosed = false;

  /** @param options `dimension` of the vectors, default 4,096; few dims make words collide */
  constructor(options: { readonly dimension?: number } = {}) {
    checkOptionNames("FakeSparseEncoder", options, ["dimension"]);
    this.embeddingDimension = positiveInteger("dimension", options.dimension ?? 4096, 0xffffffff);
  }

  encode(text: string, options?: FakeEncodeOptions): Promise<SparseVector>;
  encode(texts: readonly string[], options?: FakeEncodeOptions): Promise<SparseMatrix>;
  async encode(
    input: string | readonly string[],
    options: FakeEncodeOptions = {},
  ): Promise<SparseVector | SparseMatrix> {
    if (this.isClosed) throw new SparseEncoderError("CLOSED", "encode: the encoder is closed.");
    throwIfAborted(options.signal);
    if (typeof input === "string") return this.encodeOne(input);
    return SparseMatrix.fromRows(
      input.map((text) => this.encodeOne(text)),
      this.embeddingDimension,
    );
  }

  encodeQuery(text: string, options?: FakeEncodeOptions): Promise<SparseVector>;
  encodeQuery(texts: readonly string[], options?: FakeEncodeOptions): Promise<SparseMatrix>;
  encodeQuery(
    input: string | readonly string[],
    options?: FakeEncodeOptions,
  ): Promise<SparseVector | SparseMatrix> {
    return this.encode(input as string, options);
  }

  encodeDocument(text: string, options?: FakeEncodeOptions): Promise<SparseVector>;
  encodeDocument(texts: readonly string[], options?: FakeEncodeOptions): Promise<SparseMatrix>;
  encodeDocument(
    input: string | readonly string[],
    options?: FakeEncodeOptions,
  ): Promise<SparseVector | SparseMatrix> {
    return this.encode(input as string, options);
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private encodeOne(text: unknown): SparseVector {
    if (typeof text !== "string") {
      throw new SparseEncoderError("INVALID_TEXT", `A text must be a string, received ${received(text)}.`);
    }
    const weights = new Map<number, number>();
    for (const word of wordsOf(text)) {
      const dim = hashOf(word) % this.embeddingDimension;
      weights.set(dim, (weights.get(dim) ?? 0) + 1);
    }
    return SparseVector.from(weights, this.embeddingDimension);
  }
}
