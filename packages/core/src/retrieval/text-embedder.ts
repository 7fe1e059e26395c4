import { mapInParallel } from "../calls/index.ts";
import { invalidArgument, received, SparseEncoderError } from "../errors.ts";
import type { DenseMatrix, SparseMatrix, SparseVector } from "../vector/index.ts";

/** Options that a retriever gives to encoders. No interface: methods whose options are a record take it too. */
export type ArmCallOptions = {
  /** Aborts when the result is no longer wanted. */
  readonly signal: AbortSignal;
};

/** What a retriever needs of an encoder; `SparseEncoder`, `DenseEncoder` and `Bm25Encoder` are such. */
export interface ArmEncoder {
  encodeQuery(texts: readonly string[], options: ArmCallOptions): Promise<SparseMatrix | DenseMatrix>;
  encodeDocument(texts: readonly string[], options: ArmCallOptions): Promise<SparseMatrix | DenseMatrix>;
  /** Name of a dim, for explanations. */
  tokenOf?(index: number): string;
}

/** Gives a dense vector for each text. */
export type EmbedFunction = (
  texts: string[],
  options: ArmCallOptions & { readonly kind: "query" | "document" },
) => PromiseLike<Iterable<ArrayLike<number>>>;

/** An object that makes dense vectors, such as the `Embeddings` of LangChain. */
export interface Embeddings {
  embedQuery(text: string): PromiseLike<ArrayLike<number>>;
  embedDocuments(texts: string[]): PromiseLike<Iterable<ArrayLike<number>>>;
}

/** A vector of a text; undefined for a dense one of zeros, which is near to nothing. */
export type TextVector = SparseVector | Float32Array | undefined;

/** Makes vectors of texts, one a text and in their order. */
export interface Embedder {
  /** The encoder or function itself: arms that share it share its work. */
  readonly identity: object;
  readonly tokenOf: ((index: number) => string) | undefined;
  embed(kind: "query" | "document", texts: string[], signal: AbortSignal): Promise<TextVector[]>;
}

/** Queries that `embedQuery` of an {@link Embeddings} object has in hand at once. */
const parallelQueries = 8;

/** @throws SparseEncoderError `INVALID_ARGUMENT` */
export function embedderOf(
  arm: string,
  { encoder, embed }: { encoder?: unknown; embed?: unknown },
): Embedder {
  if (hasMethods<ArmEncoder>(encoder, "encodeQuery", "encodeDocument")) {
    return {
      identity: encoder,
      tokenOf: typeof encoder.tokenOf === "function" ? (index) => encoder.tokenOf!(index) : undefined,
      embed: async (kind, texts, signal) => {
        const call = kind === "query" ? "encodeQuery" : "encodeDocument";
        return rowsOf(arm, await encoder[call](texts, { signal }), texts.length);
      },
    };
  }
  if (encoder !== undefined) {
    throw invalidArgument(
      `The encoder of the arm ${arm} must have encodeQuery and encodeDocument, received ${received(encoder)}.`,
    );
  }
  if (typeof embed === "function") {
    return {
      identity: embed,
      tokenOf: undefined,
      embed: async (kind, texts, signal) =>
        rowsOf(arm, await (embed as EmbedFunction)(texts, { kind, signal }), texts.length),
    };
  }
  if (hasMethods<Embeddings>(embed, "embedQuery", "embedDocuments")) {
    return {
      identity: embed,
      tokenOf: undefined,
      embed: async (kind, texts, signal) => {
        const embedQuery = async (text: string) => {
          // The object takes no signal: at least no further query is begun.
          signal.throwIfAborted();
          return embed.embedQuery(text);
        };
        const vectors =
          kind === "document"
            ? await embed.embedDocuments(texts)
            : await mapInParallel(texts, parallelQueries, embedQuery);
        return rowsOf(arm, vectors, texts.length);
      },
    };
  }
  throw invalidArgument(
    `The arm ${arm} needs an encoder, an embed function (or an object with embedQuery and embedDocuments), or a retrieve function; embed is ${received(embed)}.`,
  );
}

function hasMethods<Kind extends object>(value: unknown, ...names: (keyof Kind)[]): value is Kind {
  return (
    typeof value === "object" &&
    value !== null &&
    names.every((name) => typeof (value as Kind)[name] === "function")
  );
}

function rowsOf(arm: string, vectors: unknown, count: number): TextVector[] {
  const rows: unknown[] = isIterable(vectors) ? [...vectors] : [];
  if (!isIterable(vectors) || rows.length !== count) {
    throw invalidVector(
      arm,
      `expected ${count} vectors, one a text, received ${isIterable(vectors) ? rows.length : received(vectors)}`,
    );
  }
  // By shape, not by class: the ESM and the CommonJS build of this library may be loaded side by side.
  if ("offsets" in vectors) return rows as SparseVector[];
  const dense = rows.map((row, position) => denseRow(arm, row, position));
  const width = dense[0]?.length;
  const odd = dense.findIndex((row) => row.length !== width);
  if (odd > 0) {
    throw invalidVector(
      arm,
      `the vector of text 0 has ${width} numbers, that of text ${odd} ${dense[odd]!.length}`,
    );
  }
  return dense.map((row) => (row.some((value) => value !== 0) ? row : undefined));
}

function isIterable(value: unknown): value is Iterable<unknown> & object {
  return typeof value === "object" && value !== null && Symbol.iterator in value;
}

function denseRow(arm: string, row: unknown, position: number): Float32Array {
  const numbers =
    row instanceof Float32Array ? row : Array.isArray(row) || ArrayBuffer.isView(row) ? row : [];
  const values = numbers instanceof Float32Array ? numbers : Float32Array.from(numbers as ArrayLike<number>);
  if (values.length === 0) {
    throw invalidVector(arm, `the vector of text ${position} is no array of numbers: ${received(row)}`);
  }
  const broken = values.findIndex((value) => !Number.isFinite(value));
  if (broken !== -1) {
    throw invalidVector(
      arm,
      `the vector of text ${position} holds ${received((numbers as ArrayLike<unknown>)[broken])} at ${broken}; it must be finite float32 numbers`,
    );
  }
  return values;
}

function invalidVector(arm: string, problem: string): SparseEncoderError {
  return new SparseEncoderError(
    "INVALID_VECTOR",
    `The encoder of the arm ${arm} gave no good vectors: ${problem}.`,
  );
}
