import { received } from "../../errors.ts";
import { DenseMatrix } from "../../vector/index.ts";
import { openServer, RemoteEncoder, type RemoteServer } from "./remote-encoder.ts";
import type { RemoteEncoderOptions } from "./remote-options.ts";

/**
 * A dense encoder whose model runs on another machine: a server that `sparse-encoder serve --dense` started, or one of
 * text-embeddings-inference. Embeddings have length 1.
 */
export class RemoteDenseEncoder extends RemoteEncoder<Float32Array, DenseMatrix> {
  private constructor(server: RemoteServer, dimension: number) {
    super(server, "embed", dimension);
  }

  /**
   * Asks the server what it is. One that does not tell the width of its embeddings is asked for one.
   *
   * @param url address of the server, such as `http://localhost:8080`; a path is kept
   * @throws SparseEncoderError as `RemoteSparseEncoder.open`
   */
  static async open(url: string, options: RemoteEncoderOptions = {}): Promise<RemoteDenseEncoder> {
    const server = await openServer("RemoteDenseEncoder.open", url, options);
    const told = server.options.dimension ?? server.info.dense_dimension;
    if (typeof told === "number") return new RemoteDenseEncoder(server, told);
    const probe = new RemoteDenseEncoder(server, 0);
    const { length } = await probe.encode("a", { signal: server.options.signal });
    return new RemoteDenseEncoder(server, length);
  }

  protected requestFields(): Readonly<Record<string, unknown>> {
    return { normalize: true };
  }

  protected rowOf(answer: unknown): Float32Array {
    const isVector = Array.isArray(answer) && answer.every((value) => Number.isFinite(value));
    if (!isVector) throw new Error(`expected an array of numbers, received ${received(answer)}`);
    // 0 while the width is not known yet.
    if (this.embeddingDimension !== 0 && answer.length !== this.embeddingDimension) {
      throw new Error(`expected ${this.embeddingDimension} numbers, received ${answer.length}`);
    }
    return Float32Array.from(answer as number[]);
  }

  protected stack(rows: readonly Float32Array[]): DenseMatrix {
    const values = new Float32Array(rows.length * this.embeddingDimension);
    for (const [row, vector] of rows.entries()) values.set(vector, row * this.embeddingDimension);
    return new DenseMatrix(values, this.embeddingDimension);
  }
}
