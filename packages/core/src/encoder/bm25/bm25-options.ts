import { createHash } from "node:crypto";
import { invalidArgument } from "../../errors.ts";
import { abortSignal, callback, declareOptions, number, oneOf } from "../../options/index.ts";
import type { Progress } from "../encode-options.ts";
import { type Analyzer, type AnalyzerOptions, analyzerOptions } from "./terms/analyzer.ts";

/** How the length of a document lowers its weights. */
export type LengthNorm = "power" | "average";

/** Options of a {@link Bm25Encoder}. */
export interface Bm25EncoderOptions extends AnalyzerOptions {
  /** How soon more occurrences of a term stop to count: 0 for at once. A finite number of at least 0. Default 1.2. */
  readonly k1?: number | undefined;
  /** How much a document's length counts, from 0 to 1. Default 0.6 for `lengthNorm: "power"`, 0.75 for `"average"`. */
  readonly b?: number | undefined;
  /**
   * How the length of a document lowers its weights. `"power"`, the default: by itself, so that vectors never age. `"average"`:
   * compared with the mean length at the last `fit`, as in Lucene and bm25s; after another `fit`, encode all documents again.
   */
  readonly lengthNorm?: LengthNorm | undefined;
  /** Makes terms of texts, in place of the options of the analyzer. Not saved: to be given again at load. */
  readonly analyzer?: Analyzer | undefined;
}

/** Options of {@link Bm25Encoder.fit} and {@link Bm25Encoder.update}. */
export interface Bm25FitOptions {
  /** Ends the call with an `ABORTED` error; the encoder stays as it was. */
  readonly signal?: AbortSignal | undefined;
  /** Called now and then, and at the end. An error it throws fails the call. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/** Options of the encode methods of a {@link Bm25Encoder}. */
export interface Bm25EncodeOptions {
  /** Ends the call with an `ABORTED` error. */
  readonly signal?: AbortSignal | undefined;
}

/** Options of {@link Bm25Encoder.load}. */
export interface Bm25LoadOptions {
  /** The function that the encoder was made with, if it was made with one. */
  readonly analyzer?: Analyzer | undefined;
}

const analyzerRule = callback<Analyzer>();

const encoderOptions = declareOptions<Bm25EncoderOptions>()({
  ...analyzerOptions.rules,
  k1: number({ minimum: 0 }).default(1.2),
  b: number({ minimum: 0, maximum: 1 }),
  lengthNorm: oneOf(["power", "average"]).default("power"),
  analyzer: analyzerRule,
});

export const fitOptions = declareOptions<Bm25FitOptions>()({
  signal: abortSignal(),
  onProgress: callback<(progress: Progress) => void>(),
});

export const bm25EncodeOptions = declareOptions<Bm25EncodeOptions>()({ signal: abortSignal() });

export const bm25LoadOptions = declareOptions<Bm25LoadOptions>()({ analyzer: analyzerRule });

/** What a BM25 encoder is, beside what it has counted. */
export interface Bm25Settings {
  readonly k1: number;
  readonly b: number;
  readonly lengthNorm: LengthNorm;
  /** Options of the analyzer that were given; `custom` for a function. */
  readonly analyzer: AnalyzerOptions | "custom";
}

/**
 * @returns the settings, and the analyzer function if one was given
 * @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION`
 */
export function resolveSettings(options: unknown): {
  readonly settings: Bm25Settings;
  readonly custom: Analyzer | undefined;
} {
  const {
    k1,
    b: chosen,
    lengthNorm,
    analyzer: custom,
    ...analysis
  } = encoderOptions.check("Bm25Encoder", options);
  const b = chosen ?? (lengthNorm === "power" ? 0.6 : 0.75);
  const present = Object.entries(analysis).filter(([, value]) => value !== undefined);
  if (custom !== undefined && present.length > 0) {
    throw invalidArgument(
      `${present[0]![0]} has no meaning beside an analyzer function; leave one of them out.`,
    );
  }
  const analyzer = custom === undefined ? Object.fromEntries(present) : "custom";
  return { settings: { k1, b, lengthNorm, analyzer }, custom };
}

/** Everything that the vectors of documents depend on beside the documents. */
export function fingerprintOf({ k1, b, lengthNorm, analyzer }: Bm25Settings, averageLength: number): string {
  const mean = lengthNorm === "average" ? ` averageLength=${averageLength}` : "";
  return `bm25/2 ${describeAnalyzer(analyzer)} k1=${k1} b=${b} lengthNorm=${lengthNorm}${mean}`;
}

function describeAnalyzer(analyzer: Bm25Settings["analyzer"]): string {
  if (analyzer === "custom") return "analyzer=custom";
  const { language = "en", stemming = true, tokens = "words", stopWords } = analyzer;
  const words =
    stopWords === undefined
      ? "default"
      : createHash("sha256")
          .update(JSON.stringify([...stopWords].sort()))
          .digest("hex")
          .slice(0, 16);
  return `language=${language} tokens=${tokens} stemming=${stemming} stopWords=${words}`;
}
