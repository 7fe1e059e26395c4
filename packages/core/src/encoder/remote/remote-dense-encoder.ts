import { received } from "../../errors.ts";
import { DenseMatrix, denseSimilarity } from "../../vector/index.ts";
import { RemoteEncoder, type RemoteRequest } from "./remote-encoder.ts";
import { invalidAnswer } from "./remote-failure.ts";
import {
  denseCallOptions,
  denseStreamOptions,
  type RemoteDenseEncodeOptions,
  type RemoteEncoderOptions,
  remoteOptions,
} from "./remote-options.ts";
import { RemotePool } from "./remote-pool.ts";
import { widthOf } from "./server-description.ts";

/**
 * A dense encoder whose model runs on another machine: a server that `sparse-encoder serve --dense` started, or one of
 * text-embeddings-inference; or on several, which share the texts.
 */
export class RemoteDenseEncoder extends RemoteEncoder<Float32Array, DenseMatrix, RemoteDenseEncodeOptions> {
  private constructor(pool: RemotePool, dimension: number) {
    super(pool, pool.description.dense, dimension, "cosine");
  }

  /**
   * Asks the server what it is. One that does not tell the width of its embeddings is asked for one.
   *
   * @param url as of {@link RemoteSparseEncoder.open}
   * @throws SparseEncoderError as {@link RemoteSparseEncoder.open}
   */
  static async open(
    url: string | URL | readonly (string | URL)[],
    options: RemoteEncoderOptions = {},
  ): Promise<RemoteDenseEncoder> {
    const call = "RemoteDenseEncoder.open";
    const checked = remoteOptions.check(call, options);
    const pool = await RemotePool.open(call, "embed", url, checked);
    const told = widthOf(call, pool.url, checked.dimension, pool.description.dense.dimension);
    return new RemoteDenseEncoder(pool, told ?? (await askWidth(pool)));
  }

  /** Similarity of each row of `a` with each row of `b`: n arrays of m numbers. A vector counts as one row. */
  similarity(a: Float32Array | DenseMatrix, b: Float32Array | DenseMatrix): Float32Array[] {
    return denseSimilarity(a, b, this.similarityFunction);
  }

  protected override checkOptions(
    call: string,
    options: unknown,
    takesTask: boolean,
  ): RemoteRequest<Float32Array> {
    const checked = (takesTask ? denseStreamOptions : denseCallOptions).check(call, options);
    return {
      ...checked,
      // text-embeddings-inference leaves out the module of a model that does it.
      fields: ({ isOurs }) => ({ normalize: checked.normalize ?? !isOurs }),
      vectorOf: (row) => {
        if (!isNumbers(row)) throw new Error(`expected an array of numbers, received ${received(row)}`);
        if (row.length === this.embeddingDimension) return Float32Array.from(row);
        throw new Error(`expected ${this.embeddingDimension} numbers, received ${row.length}`);
      },
    };
  }

  protected override stack(rows: readonly Float32Array[]): DenseMatrix {
    const values = new Float32Array(rows.length * this.embeddingDimension);
    for (const [row, vector] of rows.entries()) values.set(vector, row * this.embeddingDimension);
    return new DenseMatrix(values, this.embeddingDimension);
  }
}

async function askWidth(pool: RemotePool): Promise<number> {
  const { signal = new AbortController().signal } = pool.options;
  const { rows, address } = await pool.embed(["a"], () => ({}), signal);
  const [row] = rows;
  if (isNumbers(row) && row.length > 0) return row.length;
  throw invalidAnswer(address, `not an embedding: expected an array of numbers, received ${received(row)}`);
}

function isNumbers(row: unknown): row is number[] {
  return Array.isArray(row) && row.every((value) => Number.isFinite(value));
}
