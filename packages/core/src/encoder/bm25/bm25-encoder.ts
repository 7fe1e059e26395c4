import { setImmediate } from "node:timers/promises";
import { throwIfAborted } from "../../calls/index.ts";
import { invalidArgument, received, SparseEncoderError } from "../../errors.ts";
import { checkOptionNames, positiveInteger } from "../../options/index.ts";
import { SparseMatrix, SparseVector } from "../../vector/index.ts";
import { checkSignal, checkText, checkTexts, type Progress } from "../encode-options.ts";
import type { DecodedToken } from "../sparse-encoder.ts";
import { type Analyzer, type AnalyzerOptions, analyzerOptionNames, createAnalyzer } from "./analyzer.ts";
import { type Bm25State, readBm25, writeBm25 } from "./bm25-file.ts";
import { Bm25Statistics } from "./bm25-statistics.ts";

/** Options of a {@link Bm25Encoder}. */
export interface Bm25EncoderOptions extends AnalyzerOptions {
  /** How soon more occurrences of a term stop to count: 0 for at once. A finite number of at least 0. Default 1.2. */
  readonly k1?: number;
  /** How much a document's length counts, from 0 to 1. Default 0.75. */
  readonly b?: number;
  /** Makes terms of texts, in place of `language`, `stemming` and `stopWords`. Not saved: to be given again at load. */
  readonly analyzer?: Analyzer;
}

/** Options of {@link Bm25Encoder.fit} and {@link Bm25Encoder.update}. */
export interface Bm25FitOptions {
  /** Ends the call with an `ABORTED` error; the encoder stays as it was. */
  readonly signal?: AbortSignal;
  /** Called now and then, and at the end. An error it throws fails the call. */
  readonly onProgress?: (progress: Progress) => void;
}

/** Options of the encode methods of a {@link Bm25Encoder}. */
export interface Bm25EncodeOptions {
  /** Ends the call with an `ABORTED` error. */
  readonly signal?: AbortSignal;
}

/** What a {@link Bm25Encoder} has counted. */
export interface Bm25Summary {
  /** Documents of `fit` and all updates. */
  readonly documents: number;
  /** Distinct terms. */
  readonly terms: number;
  /** Mean terms a document, which the lengths of documents are compared with: that of the last `fit`. */
  readonly averageLength: number;
  /** The mean over all documents by now. Far from `averageLength`, it is time to fit and to encode all documents again. */
  readonly currentAverageLength: number;
}

/** As many keys as a `Map` can hold; far more than a language has. */
const maximumTerms = 2 ** 24;

/** Texts between two moments in which other work of the process has its turn. */
const turnEvery = 256;

/**
 * BM25 as sparse vectors: the dot product of a query's and a document's vector is their BM25 score. Keyword search thus
 * runs on the same stores, and mixes with learned sparse and dense vectors in the same way.
 *
 * A document has, for each of its terms, `tf / (tf + k1 (1 - b + b length / averageLength))`; a query, for each of its
 * terms, its number of occurrences times `ln(1 + (N - df + 0.5) / (df + 0.5))`. Lengths are in terms, stop words not
 * counted. There is no factor of k1 + 1, which changes no ranking: Lucene's BM25 since version 8.
 *
 * `fit` counts terms and documents, and sets the average length. `update` adds documents: N and df change, and with them
 * the vectors of queries, but the average length stays until the next `fit`. So vectors of documents never change between
 * two fits, and those already stored go together with new ones; the numbers of terms never change at all. A term that was
 * never fitted has no dim: encode documents after they were counted, or their new words are not found.
 *
 * Source: Robertson, Zaragoza: The Probabilistic Relevance Framework: BM25 and Beyond (2009); idf and the missing factor
 * as in Lucene and bm25s (`method="lucene"`).
 *
 * @example
 * const encoder = new Bm25Encoder();
 * await encoder.fit(["a cat sat", "two cats", "a dog"]);
 * const documents = await encoder.encodeDocument(["a cat sat", "a dog"]);
 * const query = await encoder.encodeQuery("cats");
 * query.dot(documents.row(0)); // 0.197
 * encoder.decode(query); // [["cat", 0.47]]
 */
export class Bm25Encoder {
  readonly k1: number;
  readonly b: number;
  /** Width of an embedding: more dims than terms, so that it stays when terms are added. */
  readonly embeddingDimension: number = maximumTerms;
  private readonly analyze: Analyzer;
  private readonly analyzerState: Bm25State["analyzer"];
  private statistics = new Bm25Statistics();
  private averageLength = 0;

  /** @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION` */
  constructor(options: Bm25EncoderOptions = {}) {
    checkOptionNames("Bm25Encoder", options, [...analyzerOptionNames, "k1", "b", "analyzer"]);
    const { k1 = 1.2, b = 0.75, analyzer, ...analysis } = options;
    if (typeof k1 !== "number" || !Number.isFinite(k1) || k1 < 0) {
      throw invalidArgument(`k1 must be a finite number of at least 0, received ${received(k1)}.`);
    }
    if (typeof b !== "number" || !(b >= 0 && b <= 1)) {
      throw invalidArgument(`b must be a number from 0 to 1, received ${received(b)}.`);
    }
    this.k1 = k1;
    this.b = b;
    if (analyzer === undefined) {
      this.analyze = createAnalyzer(analysis);
      this.analyzerState = analysis;
    } else {
      this.analyze = customAnalyzer(analyzer, analysis);
      this.analyzerState = "custom";
    }
  }

  /**
   * Reads an encoder that {@link Bm25Encoder.save} wrote.
   *
   * @param options `analyzer`: the function that the encoder was made with, if it was made with one
   * @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION`, `MODEL_NOT_FOUND`, `MODEL_INVALID`,
   *   `MODEL_UNSUPPORTED`
   */
  static async load(file: string, options: { readonly analyzer?: Analyzer } = {}): Promise<Bm25Encoder> {
    checkOptionNames("Bm25Encoder.load", options, ["analyzer"]);
    const state = await readBm25(file);
    const { analyzer } = options;
    if ((state.analyzer === "custom") !== (analyzer !== undefined)) {
      throw invalidArgument(
        `Bm25Encoder.load: ${file} was made ${analyzer === undefined ? "with an analyzer function; give the same one as the option analyzer" : "without an analyzer function; leave the option analyzer out"}.`,
      );
    }
    const { k1, b } = state;
    const encoder = new Bm25Encoder({
      k1,
      b,
      ...(state.analyzer === "custom" ? { analyzer: analyzer! } : state.analyzer),
    });
    for (const [number, term] of state.terms.entries()) {
      encoder.statistics.addTerm(term, state.frequencies[number]!);
    }
    encoder.statistics.documents = state.documents;
    encoder.statistics.tokens = state.tokens;
    encoder.averageLength = state.averageLength;
    return encoder;
  }

  /** What has been counted. */
  get summary(): Bm25Summary {
    const { documents, tokens, terms } = this.statistics;
    return {
      documents,
      terms: terms.length,
      averageLength: this.averageLength,
      currentAverageLength: documents === 0 ? 0 : tokens / documents,
    };
  }

  /**
   * Counts the documents of a collection, in place of all that was counted before, and sets the average length. Vectors of
   * documents made before then no longer go together with new ones: encode all documents again.
   *
   * @throws SparseEncoderError `INVALID_TEXT`, `INVALID_ARGUMENT`, `UNKNOWN_OPTION`, `ABORTED`; nothing is changed then
   */
  async fit(texts: Iterable<string> | AsyncIterable<string>, options?: Bm25FitOptions): Promise<void> {
    const counted = await this.count("fit", texts, options);
    this.merge("fit", this.statistics.emptied(), counted);
    this.averageLength = counted.documents === 0 ? 0 : counted.tokens / counted.documents;
  }

  /**
   * Counts further documents. Their vectors go together with those made before. Documents that were replaced or deleted
   * stay counted until the next `fit`. Errors as {@link Bm25Encoder.fit}; without a fit before, it is one.
   */
  async update(texts: Iterable<string> | AsyncIterable<string>, options?: Bm25FitOptions): Promise<void> {
    const counted = await this.count("update", texts, options);
    this.merge("update", this.statistics, counted);
    // Nothing but empty documents so far: no vector of a document depends on the average.
    if (this.averageLength === 0 && this.statistics.tokens > 0) {
      this.averageLength = this.statistics.tokens / this.statistics.documents;
    }
  }

  /** As {@link Bm25Encoder.encodeDocument}. */
  encode(text: string, options?: Bm25EncodeOptions): Promise<SparseVector>;
  encode(texts: readonly string[], options?: Bm25EncodeOptions): Promise<SparseMatrix>;
  encode(
    input: string | readonly string[],
    options?: Bm25EncodeOptions,
  ): Promise<SparseVector | SparseMatrix>;
  encode(
    input: string | readonly string[],
    options?: Bm25EncodeOptions,
  ): Promise<SparseVector | SparseMatrix> {
    return this.encodeAll("encode", input, options, (terms) => this.documentVector(terms));
  }

  /**
   * Vectors of search queries: one text gives a vector, many a matrix in their order. A text without a known term has an
   * empty vector.
   *
   * @throws SparseEncoderError `INVALID_TEXT`, `UNKNOWN_OPTION`, `ABORTED`; `INVALID_ARGUMENT` before anything was fitted
   */
  encodeQuery(text: string, options?: Bm25EncodeOptions): Promise<SparseVector>;
  encodeQuery(texts: readonly string[], options?: Bm25EncodeOptions): Promise<SparseMatrix>;
  encodeQuery(
    input: string | readonly string[],
    options?: Bm25EncodeOptions,
  ): Promise<SparseVector | SparseMatrix>;
  encodeQuery(
    input: string | readonly string[],
    options?: Bm25EncodeOptions,
  ): Promise<SparseVector | SparseMatrix> {
    return this.encodeAll("encodeQuery", input, options, (terms) => this.queryVector(terms));
  }

  /** Vectors of documents; see {@link Bm25Encoder.encodeQuery}. */
  encodeDocument(text: string, options?: Bm25EncodeOptions): Promise<SparseVector>;
  encodeDocument(texts: readonly string[], options?: Bm25EncodeOptions): Promise<SparseMatrix>;
  encodeDocument(
    input: string | readonly string[],
    options?: Bm25EncodeOptions,
  ): Promise<SparseVector | SparseMatrix>;
  encodeDocument(
    input: string | readonly string[],
    options?: Bm25EncodeOptions,
  ): Promise<SparseVector | SparseMatrix> {
    return this.encodeAll("encodeDocument", input, options, (terms) => this.documentVector(terms));
  }

  /**
   * The terms of a vector with their weights: heaviest first, equal weights in the order in which the terms were first met.
   *
   * @param options.topK at most this many terms; default all
   */
  decode(embedding: SparseVector, options?: { topK?: number }): DecodedToken[];
  decode(embeddings: SparseMatrix, options?: { topK?: number }): DecodedToken[][];
  decode(
    embeddings: SparseVector | SparseMatrix,
    options?: { topK?: number },
  ): DecodedToken[] | DecodedToken[][] {
    checkOptionNames("decode", options, ["topK"]);
    const topK = options?.topK === undefined ? undefined : positiveInteger("topK", options.topK);
    if (embeddings?.dimension !== this.embeddingDimension) {
      throw invalidArgument(
        `decode: expected vectors of a Bm25Encoder, of ${this.embeddingDimension} dimensions, received ${received(embeddings)}.`,
      );
    }
    const decodeRow = (row: SparseVector) =>
      row.ranked(topK).map(([index, weight]): DecodedToken => [this.tokenOf(index), weight]);
    return "offsets" in embeddings ? Array.from(embeddings, decodeRow) : decodeRow(embeddings);
  }

  /** The term of a dim, or `[index]` where there is none. */
  tokenOf(index: number): string {
    return this.statistics.terms[index] ?? `[${index}]`;
  }

  /**
   * Writes all that {@link Bm25Encoder.load} needs to one file, in place of an older one. Save again after each `update`:
   * the numbers of new terms are known to this encoder alone until then.
   *
   * @throws SparseEncoderError `INVALID_ARGUMENT`, `CACHE_UNWRITABLE`
   */
  async save(file: string): Promise<void> {
    const { documents, tokens, terms, frequencies } = this.statistics;
    const { k1, b, analyzerState: analyzer, averageLength } = this;
    await writeBm25(file, { k1, b, analyzer, documents, tokens, averageLength, terms, frequencies });
  }

  private async count(
    call: string,
    texts: Iterable<string> | AsyncIterable<string>,
    options: Bm25FitOptions | undefined,
  ): Promise<Bm25Statistics> {
    checkOptionNames(call, options, ["signal", "onProgress"]);
    const { signal, onProgress } = options ?? {};
    checkSignal(signal);
    if (onProgress !== undefined && typeof onProgress !== "function") {
      throw invalidArgument(`onProgress must be a function, received ${received(onProgress)}.`);
    }
    const iterable =
      typeof texts === "object" &&
      texts !== null &&
      (Symbol.iterator in texts || Symbol.asyncIterator in texts);
    if (!iterable) {
      throw new SparseEncoderError(
        "INVALID_TEXT",
        `${call}: expected an array or another iterable of strings, received ${received(texts)}.`,
      );
    }
    const total = Array.isArray(texts) ? texts.length : undefined;
    const counted = new Bm25Statistics();
    for await (const text of texts) {
      checkText(call, text, counted.documents);
      counted.addDocument(this.analyze(text));
      if (counted.documents % turnEvery !== 0) continue;
      onProgress?.({ done: counted.documents, total });
      await setImmediate();
      throwIfAborted(signal);
    }
    throwIfAborted(signal);
    if (counted.documents % turnEvery !== 0) onProgress?.({ done: counted.documents, total });
    return counted;
  }

  private merge(call: string, into: Bm25Statistics, counted: Bm25Statistics): void {
    const terms = into.terms.length + into.unknownTerms(counted);
    if (terms > maximumTerms) {
      throw invalidArgument(
        `${call}: ${terms} distinct terms are more than the ${maximumTerms} of a Bm25Encoder; give an analyzer that makes fewer.`,
      );
    }
    into.addAll(counted);
    this.statistics = into;
  }

  private async encodeAll(
    call: string,
    input: string | readonly string[],
    options: Bm25EncodeOptions | undefined,
    vectorOf: (terms: readonly string[]) => SparseVector,
  ): Promise<SparseVector | SparseMatrix> {
    checkOptionNames(call, options, ["signal"]);
    const signal = options?.signal;
    checkSignal(signal);
    if (this.statistics.documents === 0) {
      throw invalidArgument(
        `${call}: nothing was counted yet; call fit with the texts of the documents first.`,
      );
    }
    if (typeof input === "string") return vectorOf(this.analyze(input));
    if (!Array.isArray(input)) {
      throw new SparseEncoderError(
        "INVALID_TEXT",
        `${call}: expected a string or an array of strings, received ${received(input)}.`,
      );
    }
    checkTexts(call, input);
    const rows: SparseVector[] = [];
    for (const text of input) {
      rows.push(vectorOf(this.analyze(text)));
      if (rows.length % turnEvery !== 0) continue;
      await setImmediate();
      throwIfAborted(signal);
    }
    return SparseMatrix.fromRows(rows, this.embeddingDimension);
  }

  private documentVector(terms: readonly string[]): SparseVector {
    const { k1, b, averageLength } = this;
    const length = averageLength === 0 ? 1 : terms.length / averageLength;
    const norm = k1 * (1 - b + b * length);
    return this.vector(terms, (occurrences) => occurrences / (occurrences + norm));
  }

  private queryVector(terms: readonly string[]): SparseVector {
    const { documents, frequencies } = this.statistics;
    return this.vector(terms, (occurrences, number) => {
      const frequency = frequencies[number]!;
      return occurrences * Math.log1p((documents - frequency + 0.5) / (frequency + 0.5));
    });
  }

  private vector(
    terms: readonly string[],
    weightOf: (occurrences: number, number: number) => number,
  ): SparseVector {
    const occurrences = new Map<number, number>();
    for (const term of terms) {
      const number = this.statistics.numberOf(term);
      if (number !== undefined) occurrences.set(number, (occurrences.get(number) ?? 0) + 1);
    }
    const numbers = [...occurrences.keys()].sort((a, b) => a - b);
    const weights = numbers.map((number) => weightOf(occurrences.get(number)!, number));
    return new SparseVector(numbers, weights, this.embeddingDimension);
  }
}

function customAnalyzer(analyzer: unknown, analysis: AnalyzerOptions): Analyzer {
  if (typeof analyzer !== "function") {
    throw invalidArgument(`analyzer must be a function, received ${received(analyzer)}.`);
  }
  const [further] = Object.keys(analysis);
  if (further !== undefined) {
    throw invalidArgument(`${further} has no meaning beside an analyzer function; leave one of them out.`);
  }
  return (text) => {
    const terms: unknown = analyzer(text);
    if (!Array.isArray(terms) || !terms.every((term) => typeof term === "string")) {
      throw invalidArgument(`analyzer must give an array of strings, received ${received(terms)}.`);
    }
    return terms;
  };
}
