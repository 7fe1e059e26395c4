import { throwIfAborted } from "../calls/index.ts";
import type { DenseEncodeOptions, EncodeProgress, SparseEncodeOptions } from "../encoder/index.ts";
import { received, SparseEncoderError } from "../errors.ts";
import { abortSignal, callback, count, declareOptions, flag, unchecked } from "../options/index.ts";

/** Options of the encode methods of the fakes: the options of both real encoders; only `signal` has an effect. */
export interface FakeEncodeOptions extends SparseEncodeOptions, DenseEncodeOptions {}

const fakeOptions = declareOptions<FakeEncodeOptions>()({
  batchSize: count(),
  pool: unchecked<FakeEncodeOptions["pool"]>(),
  device: unchecked<FakeEncodeOptions["device"]>(),
  chunkSize: count(),
  prompt: unchecked<string>(),
  promptName: unchecked<string>(),
  signal: abortSignal(),
  onProgress: callback<(progress: EncodeProgress) => void>(),
  maxActiveDims: count(),
  normalize: flag(),
  truncateDim: count(),
});

/** The methods of an encoder, for fakes that make a vector of each text by itself, the same for queries and documents. */
export abstract class FakeEncoder<Vector, Matrix> implements AsyncDisposable {
  private isClosed = false;

  /** A vector of a text, or a matrix with a row per text. */
  encode(text: string, options?: FakeEncodeOptions): Promise<Vector>;
  /** A vector of a text, or a matrix with a row per text. */
  encode(texts: readonly string[], options?: FakeEncodeOptions): Promise<Matrix>;
  async encode(input: string | readonly string[], options?: FakeEncodeOptions): Promise<Vector | Matrix> {
    if (this.isClosed) throw new SparseEncoderError("CLOSED", "encode: the encoder is closed.");
    throwIfAborted(fakeOptions.check("encode", options).signal);
    if (typeof input === "string") return this.encodeOne(input);
    const vectors = input.map((text: unknown) => {
      if (typeof text === "string") return this.encodeOne(text);
      throw new SparseEncoderError("INVALID_TEXT", `A text must be a string, received ${received(text)}.`);
    });
    return this.stack(vectors);
  }

  /** As `encode`. */
  encodeQuery(text: string, options?: FakeEncodeOptions): Promise<Vector>;
  /** As `encode`. */
  encodeQuery(texts: readonly string[], options?: FakeEncodeOptions): Promise<Matrix>;
  encodeQuery(input: string | readonly string[], options?: FakeEncodeOptions): Promise<Vector | Matrix> {
    return this.encode(input as string, options);
  }

  /** As `encode`. */
  encodeDocument(text: string, options?: FakeEncodeOptions): Promise<Vector>;
  /** As `encode`. */
  encodeDocument(texts: readonly string[], options?: FakeEncodeOptions): Promise<Matrix>;
  encodeDocument(input: string | readonly string[], options?: FakeEncodeOptions): Promise<Vector | Matrix> {
    return this.encode(input as string, options);
  }

  /** Later calls fail with `CLOSED`. */
  async close(): Promise<void> {
    this.isClosed = true;
  }

  /** Closes the encoder: for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  protected abstract encodeOne(text: string): Vector;

  protected abstract stack(vectors: readonly Vector[]): Matrix;
}
