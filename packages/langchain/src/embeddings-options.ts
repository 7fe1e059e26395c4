import { declareOptions, invalidArgument, received, rule } from "@sparse-encoder/core/internal";

/** What an encoder must be able to do to serve as embeddings. */
interface TextEncoder {
  encodeQuery(texts: readonly string[]): unknown;
  encodeDocument(texts: readonly string[]): unknown;
}

/**
 * Declares the options of embeddings over an encoder.
 * @param call the class, for messages
 * @param example an encoder that would do
 */
export function declareEmbeddings<Encoder extends TextEncoder>(call: string, example: string) {
  const encoder = rule((value): Encoder => {
    const candidate = value as Partial<TextEncoder> | null;
    if (typeof candidate?.encodeQuery === "function" && typeof candidate.encodeDocument === "function") {
      return value as Encoder;
    }
    throw missingEncoder(call, example, value);
  });
  const options = declareOptions<{ readonly encoder: Encoder }>()({ encoder });
  return (params: unknown): Encoder => {
    if (typeof (params as Partial<TextEncoder> | null | undefined)?.encodeQuery === "function") {
      throw invalidArgument(`${call}: an encoder is given by its name: new ${call}({ encoder }).`);
    }
    const checked = options.check(call, params ?? {});
    if (checked.encoder === undefined) throw missingEncoder(call, example, undefined);
    return checked.encoder;
  };
}

function missingEncoder(call: string, example: string, value: unknown) {
  return invalidArgument(
    `${call}: encoder must have encodeQuery and encodeDocument, as ${example} does, received ${received(value)}.`,
  );
}
