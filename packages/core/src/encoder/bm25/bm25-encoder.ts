import { throwIfAborted } from "../../calls/index.ts";
import { invalidArgument, received, SparseEncoderError } from "../../errors.ts";
import { type DimCounts, SparseMatrix, SparseVector } from "../../vector/index.ts";
import { type DecodedToken, type DecodeOptions, decodeTokens } from "../decoded-tokens.ts";
import { checkTexts } from "../encode-options.ts";
import { readBm25, writeBm25 } from "./bm25-file.ts";
import {
  type Bm25EncodeOptions,
  type Bm25EncoderOptions,
  type Bm25FitOptions,
  type Bm25LoadOptions,
  type Bm25Settings,
  bm25EncodeOptions,
  bm25LoadOptions,
  fingerprintOf,
  resolveSettings,
} from "./bm25-options.ts";
import { documentWeight, queryWeight } from "./bm25-weights.ts";
import { type Bm25Summary, CollectionCounts } from "./collection-counts.ts";
import { countTexts } from "./counted-texts.ts";
import { SeenTerms } from "./seen-terms.ts";
import { dimension } from "./term-dims.ts";
import { type TermTally, tallyTerms } from "./term-tally.ts";
import { termOccurrences, termVector } from "./term-vector.ts";
import { customAnalyzer, openAnalyzer, type TermSource } from "./terms/analyzer.ts";
import type { TextRole } from "./terms/unspaced-terms.ts";
import { Turns } from "./turns.ts";

/**
 * BM25 as sparse vectors: the dot product of a query's and a document's vector is their BM25 score. Keyword search thus
 * runs on the same stores, and mixes with learned sparse and dense vectors in the same way.
 *
 * A document has, for each of its terms, `tf / (tf + k1 (length / 48)^b)`: a number that depends on nothing but the
 * document. The dim of a term depends on nothing but the term. So vectors of documents are the same in every process, and
 * never age. A query has, for each of its terms, its number of occurrences times `ln(1 + (N - df + 0.5) / (df + 0.5))`, with
 * N documents; df of them have the term.
 *
 * Where N and df come from: a `HybridRetriever` asks the store that it searches, where the store can tell
 * (`Store.countDims`: the stores of this library do); then there is nothing to fit or to save, and queries are weighed by exactly the
 * documents that are stored. Otherwise the encoder counts: `fit` and `update` count texts, `add` of a retriever counts what it
 * adds, and `save` and `load` keep the counts.
 *
 * With `lengthNorm: "average"` the weight of a document's term is `tf / (tf + k1 (1 - b + b length / averageLength))`, with
 * the mean length at the last `fit`: BM25 as in Lucene since version 8, and in bm25s (`method="lucene"`). There is no factor of
 * k1 + 1, which changes no ranking.
 *
 * Source: Robertson, Zaragoza: The Probabilistic Relevance Framework: BM25 and Beyond (2009).
 *
 * @example
 * const encoder = new Bm25Encoder();
 * await encoder.fit(["a cat sat", "two cats", "a dog"]);
 * const documents = await encoder.encodeDocument(["a cat sat", "a dog"]);
 * const query = await encoder.encodeQuery("cats");
 * query.dot(documents.row(0)); // 0.399
 * encoder.decode(query); // [["cat", 0.47]]
 */
export class Bm25Encoder {
  /** How soon more occurrences of a term stop to count. */
  readonly k1: number;
  /** How much a document's length counts, from 0 to 1. */
  readonly b: number;
  /** Width of an embedding, 2^29. */
  readonly embeddingDimension: number = dimension;
  private readonly settings: Bm25Settings;
  private source: Promise<TermSource> | undefined;
  private readonly openSource: () => Promise<TermSource>;
  private collection = new CollectionCounts();
  private readonly seen = new SeenTerms();

  /** @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION` */
  constructor(options: Bm25EncoderOptions = {}) {
    const { settings, custom } = resolveSettings(options);
    const { analyzer } = settings;
    this.settings = settings;
    this.k1 = settings.k1;
    this.b = settings.b;
    this.openSource = async () =>
      analyzer === "custom" ? customAnalyzer(custom!) : await openAnalyzer(analyzer);
  }

  /**
   * Reads an encoder that {@link Bm25Encoder.save} wrote.
   *
   * @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION`, `MODEL_NOT_FOUND`, `MODEL_INVALID`,
   *   `MODEL_UNSUPPORTED`
   */
  static async load(file: string, options: Bm25LoadOptions = {}): Promise<Bm25Encoder> {
    const { analyzer: custom } = bm25LoadOptions.check("Bm25Encoder.load", options);
    const { settings, counts, averageLength } = await readBm25(file);
    const { analyzer, ...numbers } = settings;
    if ((analyzer === "custom") !== (custom !== undefined)) {
      throw invalidArgument(
        `Bm25Encoder.load: ${file} was made ${custom === undefined ? "with an analyzer function; give the same one as the option analyzer" : "without an analyzer function; leave the option analyzer out"}.`,
      );
    }
    const encoder = new Bm25Encoder({
      ...numbers,
      ...(analyzer === "custom" ? { analyzer: custom } : analyzer),
    });
    encoder.collection = new CollectionCounts(counts, averageLength);
    return encoder;
  }

  /** What has been counted. */
  get summary(): Bm25Summary {
    return this.collection.summary;
  }

  /**
   * Everything that the vectors of documents depend on beside the documents, as a line of text. A store keeps it with the
   * vectors, so that vectors of another encoder are refused. Undefined as long as there is no average length to depend on.
   */
  get fingerprint(): string | undefined {
    if (this.settings.lengthNorm === "average" && this.collection.current.documents === 0) return undefined;
    return fingerprintOf(this.settings, this.collection.averageLength);
  }

  /**
   * Counts the documents of a collection, in place of all that was counted before. With `lengthNorm: "average"`, vectors of
   * documents made before then no longer go together with new ones: encode all documents again.
   *
   * @throws SparseEncoderError `INVALID_TEXT`, `INVALID_ARGUMENT`, `UNKNOWN_OPTION`, `ABORTED`; nothing is changed then
   */
  async fit(texts: Iterable<string> | AsyncIterable<string>, options?: Bm25FitOptions): Promise<void> {
    this.collection.replace("fit", await countTexts("fit", await this.analyzer(), texts, options));
  }

  /**
   * Counts further documents. Their vectors go together with those made before. Documents that were replaced or deleted
   * stay counted until the next `fit`. Errors as {@link Bm25Encoder.fit}; without a fit before, it is one.
   */
  async update(texts: Iterable<string> | AsyncIterable<string>, options?: Bm25FitOptions): Promise<void> {
    this.collection.add("update", await countTexts("update", await this.analyzer(), texts, options));
  }

  /**
   * Counts documents that a retriever added to a store that does not count them itself. A text that `fit` or `update` counted
   * is not counted again when it is added.
   */
  async countDocuments(texts: readonly string[], options?: Bm25EncodeOptions): Promise<void> {
    const { signal } = bm25EncodeOptions.check("countDocuments", options);
    const uncounted = this.collection.uncounted(texts);
    const { counts } = await countTexts("countDocuments", await this.analyzer(), uncounted, { signal });
    this.collection.addStored("countDocuments", counts);
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
    return this.encodeAll("encode", input, options, "document", (tally) => this.documentVector(tally));
  }

  /**
   * Vectors of search queries: one text gives a vector, many a matrix in their order. A text without a term has an empty
   * vector.
   *
   * @throws SparseEncoderError `INVALID_TEXT`, `UNKNOWN_OPTION`, `ABORTED`; `INVALID_ARGUMENT` before anything was counted
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
    return this.encodeAll("encodeQuery", input, options, "query", (tally) =>
      this.weighTerms(termOccurrences(tally)),
    );
  }

  /** Vectors of documents; see {@link Bm25Encoder.encodeQuery}. `lengthNorm: "average"` takes a `fit` before. */
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
    return this.encodeAll("encodeDocument", input, options, "document", (tally) =>
      this.documentVector(tally),
    );
  }

  /**
   * How often each term comes in each query: the first half of {@link Bm25Encoder.encodeQuery}, for retrievers that weigh the
   * terms by what the store counts.
   */
  async countTerms(queries: readonly string[], options?: Bm25EncodeOptions): Promise<SparseMatrix> {
    const counted = await this.encodeAll("countTerms", queries, options, "query", termOccurrences);
    return counted as SparseMatrix;
  }

  /**
   * The vector of a query from the occurrences of its terms: the second half of {@link Bm25Encoder.encodeQuery}.
   *
   * @param counts N and df of the active dims of `occurrences`; default: what this encoder has counted
   * @throws SparseEncoderError `INVALID_ARGUMENT` without counts before anything was counted
   */
  weighTerms(occurrences: SparseVector, counts?: DimCounts): SparseVector {
    if (counts === undefined) this.collection.check("encodeQuery");
    const { documents, terms } = this.collection.current;
    const weights = occurrences.values.map((times, position) => {
      const dim = occurrences.indices[position]!;
      const having = counts === undefined ? (terms.get(dim)?.documents ?? 0) : counts.active[position]!;
      return queryWeight(times, having, counts?.vectors ?? documents);
    });
    return new SparseVector(occurrences.indices, weights, this.embeddingDimension);
  }

  /**
   * The terms of a vector with their weights: heaviest first, equal weights by dim. A term is known to an encoder that
   * counted or lately encoded it; others are given as `[dim]`.
   *
   * @param options.topK at most this many terms; default all
   */
  decode(embedding: SparseVector, options?: DecodeOptions): DecodedToken[];
  decode(embeddings: SparseMatrix, options?: DecodeOptions): DecodedToken[][];
  decode(
    embeddings: SparseVector | SparseMatrix,
    options?: DecodeOptions,
  ): DecodedToken[] | DecodedToken[][] {
    return decodeTokens(this, embeddings, options, "Bm25Encoder");
  }

  /** The term of a dim, or `[index]` where none is known. */
  tokenOf(index: number): string {
    return this.seen.get(index) ?? this.collection.current.terms.get(index)?.term ?? `[${index}]`;
  }

  /**
   * Writes all that {@link Bm25Encoder.load} needs to one file, in place of an older one.
   *
   * @throws SparseEncoderError `INVALID_ARGUMENT`, `CACHE_UNWRITABLE`
   */
  async save(file: string): Promise<void> {
    const { current: counts, averageLength } = this.collection;
    await writeBm25(file, { settings: this.settings, counts, averageLength });
  }

  private analyzer(): Promise<TermSource> {
    this.source ??= this.openSource();
    return this.source;
  }

  private async encodeAll(
    call: string,
    input: string | readonly string[],
    options: Bm25EncodeOptions | undefined,
    role: TextRole,
    vectorOf: (tally: TermTally) => SparseVector,
  ): Promise<SparseVector | SparseMatrix> {
    const { signal } = bm25EncodeOptions.check(call, options);
    throwIfAborted(signal);
    if (typeof input !== "string" && !Array.isArray(input)) {
      throw new SparseEncoderError(
        "INVALID_TEXT",
        `${call}: expected a string or an array of strings, received ${received(input)}.`,
      );
    }
    const texts = typeof input === "string" ? [input] : input;
    checkTexts(call, texts);
    if (this.settings.lengthNorm === "average" && role === "document") this.collection.check(call);
    const source = await this.analyzer();
    const turns = new Turns(signal);
    const rows: SparseVector[] = [];
    for (const text of texts) {
      const tally = await tallyTerms(source, text, role, turns);
      for (const [dim, { term }] of tally.terms) this.seen.add(dim, term);
      rows.push(vectorOf(tally));
    }
    throwIfAborted(signal);
    return typeof input === "string" ? rows[0]! : SparseMatrix.fromRows(rows, this.embeddingDimension);
  }

  private documentVector({ terms, length }: TermTally): SparseVector {
    const { averageLength } = this.collection;
    return termVector(terms, ({ occurrences }) =>
      documentWeight(occurrences, length, this.settings, averageLength),
    );
  }
}
