import { mapInParallel } from "../../calls/index.ts";
import { invalidArgument, received, SparseEncoderError } from "../../errors.ts";
import type { DenseMatrix, DimCounts, SparseMatrix, SparseVector } from "../../vector/index.ts";

/** Options that a retriever gives to encoders. A type rather than an interface, so that it also fits options of a record type. */
export type ArmCallOptions = {
  /** Aborts when the result is no longer wanted. */
  readonly signal: AbortSignal;
};

/** What a retriever needs of an encoder. `SparseEncoder`, `DenseEncoder` and `Bm25Encoder` have it. */
export interface ArmEncoder {
  /** Embeds queries: a row per query, in their order. */
  encodeQuery(texts: readonly string[], options: ArmCallOptions): Promise<SparseMatrix | DenseMatrix>;
  /** Embeds documents: a row per document, in their order. */
  encodeDocument(texts: readonly string[], options: ArmCallOptions): Promise<SparseMatrix | DenseMatrix>;
  /** Name of a dim, for explanations. */
  tokenOf?(index: number): string;
  /** Width of the vectors. */
  readonly embeddingDimension?: number | undefined;
  /**
   * What the vectors of documents depend on beside the documents, in a line of text. Stores keep it with the vectors, so that
   * vectors of another encoder are refused by name.
   */
  readonly fingerprint?: string | undefined;
  /**
   * The two halves of `encodeQuery` of an encoder whose queries depend on the documents that are searched, as the idf of BM25
   * does: occurrences of terms, then their weights by what the store counts. A retriever takes these in place of
   * `encodeQuery`.
   */
  countTerms?(queries: readonly string[], options: ArmCallOptions): Promise<SparseMatrix>;
  /** The second half: the weights of a query, by what the store counts. */
  weighTerms?(occurrences: SparseVector, counts?: DimCounts): SparseVector;
  /** Counts documents that were added to a store that does not count them itself. */
  countDocuments?(texts: readonly string[], options: ArmCallOptions): Promise<void>;
}

/** Makes a dense vector of each text. */
export type EmbedFunction = (
  texts: string[],
  options: ArmCallOptions & { readonly kind: "query" | "document" },
) => PromiseLike<Iterable<ArrayLike<number>>>;

/** An object that makes dense vectors, such as the `Embeddings` of LangChain. */
export interface Embeddings {
  /** The vector of a query. */
  embedQuery(text: string): PromiseLike<ArrayLike<number>>;
  /** The vectors of documents, in their order. */
  embedDocuments(texts: string[]): PromiseLike<Iterable<ArrayLike<number>>>;
}

/** The vector of a text; undefined for a dense vector of zeros, which has no direction. */
export type TextVector = SparseVector | Float32Array | undefined;

/** Makes the vectors of an arm: one per text, in the order of the texts. */
export interface TextEmbedder {
  /** The encoder or function itself: arms with the same one share its work. */
  readonly identity: object;
  readonly tokenOf: ((index: number) => string) | undefined;
  embed(kind: "query" | "document", texts: string[], signal: AbortSignal): Promise<TextVector[]>;
  /** The encoder, if its queries are weighed by what stores count: `embed` then gives occurrences of terms. */
  readonly weighing?: WeighingEncoder | undefined;
}

/** An encoder whose queries depend on the documents that are searched. */
export type WeighingEncoder = ArmEncoder & Required<Pick<ArmEncoder, "countTerms" | "weighTerms">>;

/** Maximum calls of `embedQuery` that are under way at once in an {@link Embeddings} object. */
const parallelQueries = 8;

/** @throws SparseEncoderError `INVALID_ARGUMENT` */
export function embedderOf(
  arm: string,
  { encoder, embed }: { encoder?: unknown; embed?: unknown },
): TextEmbedder {
  if (hasMethods<ArmEncoder>(encoder, "encodeQuery", "encodeDocument")) return byEncoder(arm, encoder);
  if (encoder !== undefined) {
    throw invalidArgument(
      `The encoder of the arm ${arm} must have encodeQuery and encodeDocument, received ${received(encoder)}.`,
    );
  }
  if (typeof embed === "function") return byFunction(arm, embed as EmbedFunction);
  if (hasMethods<Embeddings>(embed, "embedQuery", "embedDocuments")) return byEmbeddings(arm, embed);
  throw invalidArgument(
    `The arm ${arm} needs an encoder, an embed function (or an object with embedQuery and embedDocuments), or a retrieve function; embed is ${received(embed)}.`,
  );
}

function byEncoder(arm: string, encoder: ArmEncoder): TextEmbedder {
  const weighing = hasMethods<WeighingEncoder>(encoder, "countTerms", "weighTerms") ? encoder : undefined;
  return {
    identity: encoder,
    tokenOf: typeof encoder.tokenOf === "function" ? (index) => encoder.tokenOf!(index) : undefined,
    embed: async (kind, texts, signal) => {
      const queryCall = weighing === undefined ? "encodeQuery" : "countTerms";
      const call = kind === "query" ? queryCall : "encodeDocument";
      return rowsOf(arm, await encoder[call]!(texts, { signal }), texts.length);
    },
    weighing,
  };
}

function byFunction(arm: string, embed: EmbedFunction): TextEmbedder {
  return {
    identity: embed,
    tokenOf: undefined,
    embed: async (kind, texts, signal) => rowsOf(arm, await embed(texts, { kind, signal }), texts.length),
  };
}

function byEmbeddings(arm: string, embeddings: Embeddings): TextEmbedder {
  return {
    identity: embeddings,
    tokenOf: undefined,
    embed: async (kind, texts, signal) => {
      const embedQuery = async (text: string) => {
        // The object takes no signal, but further queries need not begin.
        signal.throwIfAborted();
        return embeddings.embedQuery(text);
      };
      const vectors =
        kind === "document"
          ? await embeddings.embedDocuments(texts)
          : await mapInParallel(texts, parallelQueries, embedQuery);
      return rowsOf(arm, vectors, texts.length);
    },
  };
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
      `expected ${count} vectors, one per text, received ${isIterable(vectors) ? rows.length : received(vectors)}`,
    );
  }
  // By shape, not by class: the ESM and the CommonJS build of this library may be loaded side by side.
  if ("offsets" in vectors) return rows as SparseVector[];
  const dense = rows.map((row, position) =>
    denseVector(row, (problem) => invalidVector(arm, `the vector of text ${position} ${problem}`)),
  );
  const width = dense[0]?.length;
  const place = dense.findIndex((row) => row.length !== width);
  if (place > 0) {
    throw invalidVector(
      arm,
      `the vector of text 0 has ${width} numbers, the vector of text ${place} has ${dense[place]!.length}`,
    );
  }
  return dense.map(withDirection);
}

/** The vector; undefined for zeros. */
export function withDirection(vector: Float32Array): Float32Array | undefined {
  return vector.some((value) => value !== 0) ? vector : undefined;
}

function isIterable(value: unknown): value is Iterable<unknown> & object {
  return typeof value === "object" && value !== null && Symbol.iterator in value;
}

/**
 * The numbers as float32.
 * @param invalid makes the error of a problem
 */
export function denseVector(row: unknown, invalid: (problem: string) => SparseEncoderError): Float32Array {
  const numbers = Array.isArray(row) || ArrayBuffer.isView(row) ? (row as ArrayLike<number> & object) : [];
  const values = numbers instanceof Float32Array ? numbers : Float32Array.from(numbers);
  if (values.length === 0) throw invalid(`is not an array of numbers: ${received(row)}`);
  const place = values.findIndex((value) => !Number.isFinite(value));
  if (place === -1) return values;
  throw invalid(`holds ${received(numbers[place])} at ${place}; it must be finite float32 numbers`);
}

function invalidVector(arm: string, problem: string): SparseEncoderError {
  return new SparseEncoderError(
    "INVALID_VECTOR",
    `The encoder of the arm ${arm} gave vectors that cannot be used: ${problem}.`,
  );
}
