import { declareOptions, invalidArgument, received, rule } from "@sparse-encoder/core/internal";

/** What an encoder must be able to do to serve as an embedding. */
interface TextEncoder {
  encodeQuery(texts: readonly string[], options: object): unknown;
  encodeDocument(texts: readonly string[], options: object): unknown;
}

interface EmbeddingOptions<Encoder> {
  readonly encoder: Encoder;
  readonly embedBatchSize?: number | undefined;
}

/** Texts per batch: a whole number of at least 1, or infinity for all texts of a call. */
const batchSize = (call: string) =>
  rule((size): number => {
    if (
      typeof size === "number" &&
      size >= 1 &&
      (Number.isInteger(size) || size === Number.POSITIVE_INFINITY)
    ) {
      return size;
    }
    throw invalidArgument(
      `${call}: embedBatchSize must be a whole number of at least 1, received ${received(size)}.`,
    );
  }).default(Number.POSITIVE_INFINITY);

/**
 * Declares the options of an embedding over an encoder.
 * @param call the class, for messages
 * @param example an encoder that would do, with its article
 */
export function declareEmbedding<Encoder extends TextEncoder>(call: string, example: string) {
  const encoderOf = (value: unknown): Encoder => {
    const candidate = value as Partial<TextEncoder> | null | undefined;
    if (typeof candidate?.encodeQuery === "function" && typeof candidate.encodeDocument === "function") {
      return value as Encoder;
    }
    throw invalidArgument(
      `${call}: encoder must have encodeQuery and encodeDocument, such as ${example}, received ${received(value)}.`,
    );
  };
  const options = declareOptions<EmbeddingOptions<Encoder>>()({
    encoder: rule(encoderOf),
    embedBatchSize: batchSize(call),
  });
  return (given: unknown): { encoder: Encoder; embedBatchSize: number } => {
    const { encoder, embedBatchSize } = options.check(call, given ?? null);
    return { encoder: encoderOf(encoder), embedBatchSize };
  };
}
