import { Deadline, mapInParallel } from "../calls/index.ts";
import { invalidArgument, received, SparseEncoderError } from "../errors.ts";
import {
  abortSignal,
  answerNeighbours,
  type CheckedOptions,
  count,
  declareOptions,
  unchecked,
} from "../options/index.ts";
import type { DeleteTarget, Store } from "../stores/index.ts";
import type { Arm, ArmOptions } from "./arms/arm.ts";
import { resolveArms } from "./arms/arm-options.ts";
import { QueryVectors } from "./arms/query-vectors.ts";
import type { AddOptions } from "./ingestion/add-options.ts";
import { Ingestion } from "./ingestion/ingestion.ts";
import type { DocumentSource } from "./ingestion/new-document.ts";
import { Retrieval } from "./retrieval.ts";
import { type CheckedQuery, checkQuery, hasQueryForm, type RetrievalQuery } from "./retrieval-query.ts";
import type { RetrievalResult } from "./retrieval-result.ts";
import {
  type RetrievalSettings,
  resolveMmr,
  retrievalSettingOptions,
  weightsOf,
} from "./retrieval-settings.ts";
import {
  type RetrieveCall,
  type RetrieveOptions,
  type RetrieveRequest,
  resolveCall,
} from "./retrieve-call.ts";

/** Options of a hybrid retriever. */
export interface HybridRetrieverOptions extends RetrievalSettings {
  /** The arms by name. */
  readonly arms: Readonly<Record<string, ArmOptions>>;
}

/** Options of {@link HybridRetriever.retrieveEach}. */
export interface RetrieveEachOptions {
  /** Maximum requests that are under way at once. Default 8. */
  readonly parallel?: number | undefined;
}

/** Options of {@link HybridRetriever.delete}. */
export interface DeleteOptions {
  /** Ends the call with an `ABORTED` error. */
  readonly signal?: AbortSignal | undefined;
}

/** Maximum queries of one call that are under way at once. */
const parallelQueries = 8;

const retrieverOptions = declareOptions<HybridRetrieverOptions>()({
  // Checked arm by arm.
  arms: unchecked<HybridRetrieverOptions["arms"]>(),
  ...retrievalSettingOptions.rules,
});
const eachOptions = declareOptions<RetrieveEachOptions>()({ parallel: count().default(parallelQueries) });
const deleteOptions = declareOptions<DeleteOptions>()({ signal: abortSignal() });

/**
 * Searches with several arms at once (learned sparse, keyword, dense vectors, any function) and makes one ranking of what they
 * find. The arms may keep their vectors in one store or in several stores of any kind.
 *
 * Encoders and stores stay the caller's: the retriever opens and closes nothing. Any number of calls may be under way.
 *
 * @example
 * const encoder = await SparseEncoder.load();
 * const keywords = new Bm25Encoder();
 * const store = new MemoryStore();
 * const retriever = new HybridRetriever({
 *   arms: { sparse: { encoder, store }, keyword: { encoder: keywords, store } },
 * });
 * await retriever.add(documents);
 * const hits = await retriever.retrieve("heat transfer to a blunt body", { k: 5, filter: { year: { $gte: 1960 } } });
 * hits[0]; // { id, text, metadata, score, fusedScore, arms: { sparse: { rank: 1, score: 21.3 }, keyword: { … } } }
 */
export class HybridRetriever {
  static {
    answerNeighbours(HybridRetriever.prototype, {
      search: "retrieve(query, { k })",
      query: "retrieve(query, { k })",
      similaritySearch: "retrieve(query, { k })",
      similaritySearchWithScore: "retrieve(query, { k })",
      getRelevantDocuments: "retrieve(query, { k })",
      addDocuments: "add([{ id, text, metadata }])",
      addTexts: "add([{ id, text, metadata }])",
      upsert: "add([{ id, text, metadata }])",
      insert: "add([{ id, text, metadata }])",
      remove: "delete({ ids })",
      deleteDocuments: "delete({ ids })",
    });
  }

  private readonly arms: readonly Arm[];
  private readonly settings: Omit<CheckedOptions<(typeof retrieverOptions)["rules"]>, "arms">;

  /** @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION` */
  constructor(options: HybridRetrieverOptions) {
    const { arms, ...settings } = retrieverOptions.check("HybridRetriever", options);
    this.arms = resolveArms(arms);
    weightsOf("HybridRetriever", this.arms, settings);
    if (settings.mmr) resolveMmr(settings.mmr, 1, this.arms);
    this.settings = settings;
  }

  /**
   * Encodes documents for all arms that have a store and upserts them, arms that share a store in one call. Idempotent: a
   * document replaces the document that has its id, so a call that failed can be made again. Two documents of one id are an
   * error in an array and within a batch; over batches of a stream the later document stays.
   *
   * @returns how many documents were stored
   * @throws IngestionError with the code of the failure (`ABORTED`, `ARM_FAILED`, `STORE_FAILED`, …) and how many documents
   *   were stored; SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION`, `INVALID_DOCUMENT`, `INVALID_VECTOR` before
   *   anything is stored
   */
  async add(documents: DocumentSource, options?: AddOptions): Promise<number> {
    const ingestion = new Ingestion(this.arms, options, (event) => this.settings.onEvent?.(event));
    return ingestion.run(documents);
  }

  /**
   * Deletes documents by id or by filter from all stores of the arms.
   *
   * @returns how many documents there were, in the store that had most of them
   * @throws SparseEncoderError as the stores do. Some stores may have deleted by then; the call can be made again
   */
  async delete(target: DeleteTarget, options?: DeleteOptions): Promise<number> {
    const { signal } = deleteOptions.check("delete", options);
    if (typeof target !== "object" || target === null || "ids" in target === "filter" in target) {
      throw invalidArgument(`delete: expected { ids } or { filter }, received ${received(target)}.`);
    }
    using deadline = new Deadline(signal, undefined, "delete");
    const counts = await Promise.all(
      this.stores.map((store) => deadline.race((inner) => store.delete(target, { signal: inner }))),
    );
    return Math.max(0, ...counts);
  }

  /**
   * The best documents for a query, best first; equal scores by the smaller id. A blank text with a filter finds the documents
   * that pass the filter, by id and with score 0, if no arm finds anything by the text.
   *
   * @param query a text, or `{ text, vectors }` with vectors that are at hand
   * @throws SparseEncoderError `INVALID_TEXT`, `INVALID_VECTOR`, `INVALID_ARGUMENT`, `UNKNOWN_OPTION`, `INVALID_FILTER`,
   *   `ARM_FAILED`, `RERANK_FAILED`, `TIMEOUT`, `ABORTED`
   */
  async retrieve(query: string | RetrievalQuery, options?: RetrieveOptions): Promise<RetrievalResult> {
    const call = this.resolve("retrieve", options);
    const checked = checkQuery(call.name, query);
    const [result] = await this.run(call, [checked]);
    return result!;
  }

  /** As {@link HybridRetriever.retrieve}, for many queries, with one call of each arm's encoder. */
  async retrieveMany(
    queries: readonly (string | RetrievalQuery)[],
    options?: RetrieveOptions,
  ): Promise<RetrievalResult[]> {
    const call = this.resolve("retrieveMany", options);
    if (!Array.isArray(queries) || !queries.every(hasQueryForm)) {
      throw new SparseEncoderError(
        "INVALID_TEXT",
        `${call.name}: the queries must be an array of strings, or of { text, vectors }, received ${received(queries)}.`,
      );
    }
    return this.run(
      call,
      queries.map((query) => checkQuery(call.name, query)),
    );
  }

  /**
   * As {@link HybridRetriever.retrieve}, for many queries that each have options, a signal and an outcome of their own, with
   * one call of each arm's encoder for all of them.
   *
   * @returns one outcome per request, in their order
   * @throws SparseEncoderError `INVALID_TEXT`, `INVALID_VECTOR`, `INVALID_ARGUMENT`, `UNKNOWN_OPTION` for what is wrong with the
   *   requests as such; all else is an outcome
   */
  async retrieveEach(
    requests: readonly RetrieveRequest[],
    options?: RetrieveEachOptions,
  ): Promise<PromiseSettledResult<RetrievalResult>[]> {
    const { parallel } = eachOptions.check("retrieveEach", options);
    if (!Array.isArray(requests) || !requests.every((request) => hasQueryForm(request?.query))) {
      throw new SparseEncoderError(
        "INVALID_TEXT",
        `retrieveEach: the requests must be an array of { query, options }, received ${received(requests)}.`,
      );
    }
    const queries = requests.map(({ query }) => checkQuery("retrieveEach", query));
    // The encoders work for all requests, so the end of one request does not end that work.
    using shared = new Deadline(undefined, undefined, "retrieveEach");
    const vectors = new QueryVectors(queries, shared.signal);
    const outcomes = await mapInParallel(requests, parallel, async (request, position) => {
      const result = this.answer("retrieveEach", queries[position]!, request.options, vectors);
      const [outcome] = await Promise.allSettled([result]);
      return outcome;
    });
    shared.end(new SparseEncoderError("ABORTED", "The call is over."));
    return outcomes;
  }

  private get stores(): Store[] {
    return [...new Set(this.arms.flatMap(({ source }) => source?.store ?? []))];
  }

  private resolve(name: string, options: RetrieveOptions | undefined): RetrieveCall {
    return resolveCall(name, this.arms, this.settings, options);
  }

  /** One request of several, with options and time of its own. */
  private async answer(
    name: string,
    query: CheckedQuery,
    options: RetrieveOptions | undefined,
    vectors: QueryVectors,
  ): Promise<RetrievalResult> {
    const call = this.resolve(name, options);
    return this.within(call, (deadline) => this.retrieval(call, query, vectors, deadline).run());
  }

  /** Queries of one call, each on the same way over shared vectors. */
  private run(call: RetrieveCall, queries: readonly CheckedQuery[]): Promise<RetrievalResult[]> {
    return this.within(call, (deadline) => {
      const vectors = new QueryVectors(queries, deadline.signal);
      const retrievals = queries.map((query) => this.retrieval(call, query, vectors, deadline));
      return mapInParallel(retrievals, parallelQueries, async (retrieval) => {
        try {
          return await retrieval.run();
        } catch (error) {
          // The other queries are not wanted any more.
          deadline.end(error);
          throw error;
        }
      });
    });
  }

  private retrieval(
    call: RetrieveCall,
    query: CheckedQuery,
    vectors: QueryVectors,
    deadline: Deadline,
  ): Retrieval {
    return new Retrieval(call, query, vectors, this.stores, deadline);
  }

  /** Gives work the time of a call. Work that is left at its end, of an arm that was late or beside one that failed, is ended. */
  private async within<Result>(
    call: RetrieveCall,
    work: (deadline: Deadline) => Promise<Result>,
  ): Promise<Result> {
    using deadline = new Deadline(call.signal, call.timeout, call.name);
    if (deadline.signal.aborted) throw deadline.signal.reason;
    try {
      return await work(deadline);
    } finally {
      deadline.end(new SparseEncoderError("ABORTED", "The call is over."));
    }
  }
}
