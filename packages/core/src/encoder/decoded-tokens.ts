import { invalidArgument, received } from "../errors.ts";
import { count, declareOptions } from "../options/index.ts";
import type { SparseMatrix, SparseVector } from "../vector/index.ts";

/** Options of `decode`. */
export interface DecodeOptions {
  /** At most this many pieces per text. Default: all. */
  readonly topK?: number | undefined;
}

const decodeOptions = declareOptions<DecodeOptions>()({ topK: count() });

/** A vocabulary piece and its weight in an embedding. */
export type DecodedToken = [token: string, weight: number];

/** An encoder as far as decoding asks for it. */
interface Decoder {
  readonly embeddingDimension: number;
  tokenOf(index: number): string;
}

/**
 * The pieces of embeddings with their weights: heaviest first, equal weights by rising index.
 * @param encoder the class that all embeddings of this dimension come from, for messages
 * @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION`
 */
export function decodeTokens(
  decoder: Decoder,
  embeddings: SparseVector | SparseMatrix,
  options: DecodeOptions | undefined,
  encoder?: "Bm25Encoder",
): DecodedToken[] | DecodedToken[][] {
  const { topK } = decodeOptions.check("decode", options);
  if (encoder === undefined) checkEmbeddings("decode", embeddings);
  if (embeddings?.dimension !== decoder.embeddingDimension) {
    const kind = encoder === undefined ? "embeddings" : `vectors of a ${encoder},`;
    throw invalidArgument(
      `decode: expected ${kind} of ${decoder.embeddingDimension} dimensions, received ${received(embeddings)}.`,
    );
  }
  const decodeRow = (row: SparseVector) =>
    row.ranked(topK).map(([index, weight]): DecodedToken => [decoder.tokenOf(index), weight]);
  return "offsets" in embeddings ? Array.from(embeddings, decodeRow) : decodeRow(embeddings);
}

/** By shape, not by class: the ESM and the CommonJS build of this library may be loaded side by side. */
export function checkEmbeddings(call: string, ...embeddings: unknown[]): void {
  for (const embedding of embeddings) {
    const { indices, values, dimension } = (embedding ?? {}) as Partial<SparseVector>;
    if (indices instanceof Uint32Array && values instanceof Float32Array && dimension !== undefined) continue;
    throw invalidArgument(
      `${call}: expected a SparseVector or a SparseMatrix, received ${received(embedding)}.`,
    );
  }
}
