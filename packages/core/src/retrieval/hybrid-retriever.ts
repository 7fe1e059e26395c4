import { Deadline, mapInParallel } from "../calls/index.ts";
import { invalidArgument, messageOf, received, SparseEncoderError } from "../errors.ts";
import { checkOptionNames, positiveInteger } from "../options/index.ts";
import type { DeleteTarget, Store } from "../stores/index.ts";
import { type Arm, resolveArms } from "./arm.ts";
import { type ArmAnswer, searchArm } from "./arm-search.ts";
import { type AddOptions, type DocumentSource, ingest } from "./ingestion/ingestion.ts";
import { searchNative } from "./native-search.ts";
import {
  type ArmFailure,
  checkSettings,
  checkSignal,
  type HybridRetrieverOptions,
  type RetrievalResult,
  type RetrievalSettings,
  type RetrieveCall,
  type RetrievedDocument,
  type RetrieveOptions,
  type RetrieveRequest,
  resolveCall,
  resolveMmr,
  settingNames,
  weightsOf,
} from "./retrieve-call.ts";
import { type Candidate, choose, explain, fuse } from "./steps/fuse.ts";
import type { Embedder, TextVector } from "./text-embedder.ts";

/** Queries of one call that are reranked, diversified or explained at once. */
const parallelQueries = 8;

/** Gives the query vectors of a call. */
type EmbedQueries = (embedder: Embedder) => Promise<TextVector[]>;

/** The arms that answered one call, and those that did not. */
interface Answers {
  readonly byArm: ReadonlyMap<Arm, ArmAnswer>;
  readonly failures: readonly ArmFailure[];
}

/**
 * Searches with several arms at once (learned sparse, keyword, dense vectors, any function) and makes one ranking of what
 * they find, by id. The arms may keep their vectors in one store or in several, of any kind.
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
 * await keywords.fit(documents.map(({ text }) => text));
 * await retriever.add(documents);
 * const hits = await retriever.retrieve("heat transfer to a blunt body", { k: 5, filter: { year: { $gte: 1960 } } });
 * hits[0]; // { id, text, metadata, score, fusedScore, arms: { sparse: { rank: 1, score: 21.3 }, keyword: { … } } }
 */
export class HybridRetriever {
  private readonly arms: readonly Arm[];
  private readonly settings: RetrievalSettings;

  /** @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION` */
  constructor(options: HybridRetrieverOptions) {
    checkOptionNames("HybridRetriever", options, ["arms", ...settingNames]);
    const { arms, ...settings } = options ?? {};
    this.arms = resolveArms(arms);
    checkSettings(settings);
    weightsOf("HybridRetriever", this.arms, settings);
    if (settings.mmr !== undefined && settings.mmr !== false) resolveMmr(settings.mmr, 1, this.arms);
    this.settings = settings;
  }

  /**
   * Encodes documents for all arms that have a store and upserts them, arms that share a store in one call. Idempotent: a
   * document replaces the one that has its id, so a call that failed can simply be made again. Two documents of one id are
   * an error in an array and within a batch; over batches of a stream the later one stays.
   *
   * @returns how many were stored
   * @throws IngestionError with the code of what failed (`ABORTED`, `ARM_FAILED`, `STORE_FAILED`, …) and how many were
   *   stored; SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION`, `INVALID_DOCUMENT` before anything is stored
   */
  async add(documents: DocumentSource, options: AddOptions = {}): Promise<number> {
    return ingest(this.arms, documents, options, (event) => this.settings.onEvent?.(event));
  }

  /**
   * Deletes documents by id or by filter from all stores of the arms.
   *
   * @returns how many there were, in the store that had most of them
   * @throws SparseEncoderError as the stores do; some of them may have deleted then, and the call can be made again
   */
  async delete(target: DeleteTarget, options: { readonly signal?: AbortSignal } = {}): Promise<number> {
    checkOptionNames("delete", options, ["signal"]);
    checkSignal(options.signal);
    if (typeof target !== "object" || target === null || "ids" in target === "filter" in target) {
      throw invalidArgument(`delete: expected { ids } or { filter }, received ${received(target)}.`);
    }
    using deadline = new Deadline(options.signal, undefined, "delete");
    const counts = await Promise.all(
      this.stores.map((store) => deadline.race((signal) => store.delete(target, { signal }))),
    );
    return Math.max(0, ...counts);
  }

  /**
   * The best documents for a query, best first; equal scores by the smaller id.
   *
   * @throws SparseEncoderError `INVALID_TEXT`, `INVALID_ARGUMENT`, `UNKNOWN_OPTION`, `INVALID_FILTER`, `ARM_FAILED`,
   *   `RERANK_FAILED`, `TIMEOUT`, `ABORTED`
   */
  async retrieve(query: string, options?: RetrieveOptions): Promise<RetrievalResult> {
    if (typeof query !== "string") {
      throw new SparseEncoderError(
        "INVALID_TEXT",
        `retrieve: the query must be a string, received ${received(query)}.`,
      );
    }
    const [result] = await this.run("retrieve", [query], options);
    return result!;
  }

  /** As {@link HybridRetriever.retrieve}, for many queries, with one call of each arm's encoder. */
  async retrieveMany(queries: readonly string[], options?: RetrieveOptions): Promise<RetrievalResult[]> {
    if (!Array.isArray(queries) || !queries.every((query) => typeof query === "string")) {
      throw new SparseEncoderError(
        "INVALID_TEXT",
        `retrieveMany: the queries must be an array of strings, received ${received(queries)}.`,
      );
    }
    return this.run("retrieveMany", queries, options);
  }

  /**
   * As {@link HybridRetriever.retrieve}, for many queries that each have options, a signal and an outcome of their own, with
   * one call of each arm's encoder for all of them.
   *
   * @param options `parallel`: searches for as many queries are under way at once. Default 8
   * @returns one outcome a request, in their order
   * @throws SparseEncoderError `INVALID_TEXT`, `INVALID_ARGUMENT`, `UNKNOWN_OPTION`; all else is an outcome
   */
  async retrieveEach(
    requests: readonly RetrieveRequest[],
    options: { readonly parallel?: number | undefined } = {},
  ): Promise<PromiseSettledResult<RetrievalResult>[]> {
    checkOptionNames("retrieveEach", options, ["parallel"]);
    const parallel = positiveInteger("parallel", options.parallel ?? parallelQueries);
    if (!Array.isArray(requests) || !requests.every((request) => typeof request?.query === "string")) {
      throw new SparseEncoderError(
        "INVALID_TEXT",
        `retrieveEach: the requests must be an array of { query, options }, received ${received(requests)}.`,
      );
    }
    const queries = requests.map(({ query }) => query);
    // The encoders work for all requests, so none of them alone ends that work.
    using shared = new Deadline(undefined, undefined, "retrieveEach");
    const embed = embedOnce(queries, shared.signal);
    const outcomes = await mapInParallel(requests, parallel, async (request, position) => {
      const run = this.run("retrieveEach", [request.query], request.options, async (embedder) => {
        return [(await embed(embedder))[position]];
      });
      return (await Promise.allSettled([run]))[0];
    });
    shared.end(new SparseEncoderError("ABORTED", "The call is over."));
    return outcomes.map((outcome) =>
      outcome.status === "fulfilled" ? { ...outcome, value: outcome.value[0]! } : outcome,
    );
  }

  private get stores(): Store[] {
    return [...new Set(this.arms.flatMap(({ source }) => source?.store ?? []))];
  }

  private async run(
    name: string,
    queries: readonly string[],
    options: RetrieveOptions | undefined,
    embed?: EmbedQueries,
  ): Promise<RetrievalResult[]> {
    const call = resolveCall(name, this.arms, this.settings, options);
    using deadline = new Deadline(call.signal, call.timeout, name);
    if (deadline.signal.aborted) throw deadline.signal.reason;
    if (queries.length === 0) return [];
    const started = performance.now();
    try {
      const embedded = embed ?? embedOnce(queries, deadline.signal);
      let fused: Candidate[][];
      let answers: Answers = { byArm: new Map(), failures: [] };
      if (call.native !== undefined) fused = await searchNative(call, queries, embedded, deadline);
      else {
        answers = await this.ask(call, queries, embedded, deadline);
        fused = fuse(call, queries, answers.byArm);
      }
      const results = await mapInParallel(queries, parallelQueries, async (query, position) => {
        const chosen = await choose(call, query, fused[position]!, deadline);
        const kept = chosen.filter(({ score }) => score >= call.minScore);
        const documents = call.explain ? await explain(kept, answers.byArm, position, deadline) : kept;
        return resultOf(documents, answers.failures);
      });
      call.onEvent({
        type: "retrieve",
        queries: queries.length,
        hits: results.reduce((sum, result) => sum + result.length, 0),
        failedArms: answers.failures.map(({ arm }) => arm),
        milliseconds: performance.now() - started,
      });
      return results;
    } finally {
      // What is still under way, of an arm that was late or beside one that failed, is not wanted any more.
      deadline.end(new SparseEncoderError("ABORTED", "The call is over."));
    }
  }

  /** Asks all arms at once. */
  private async ask(
    call: RetrieveCall,
    queries: readonly string[],
    embed: EmbedQueries,
    deadline: Deadline,
  ): Promise<Answers> {
    const byArm = new Map<Arm, ArmAnswer>();
    const failures: ArmFailure[] = [];
    const ask = async (arm: Arm) => {
      const started = performance.now();
      using own = new Deadline(deadline, arm.timeout, `The arm ${arm.name}`);
      call.onEvent({ type: "armStart", arm: arm.name, queries: queries.length });
      try {
        const answer = await searchArm(arm, queries, embed, call, this.stores, own);
        byArm.set(arm, answer);
        return () =>
          call.onEvent({
            type: "arm",
            arm: arm.name,
            queries: queries.length,
            hits: answer.hits.reduce((sum, hits) => sum + hits.length, 0),
            results: answer.hits,
            encodeMilliseconds: answer.encodeMilliseconds,
            searchMilliseconds: answer.searchMilliseconds,
          });
      } catch (error) {
        own.end(error);
        const milliseconds = performance.now() - started;
        const ended = deadline.signal.aborted;
        const failed = () => call.onEvent({ type: "armFailed", arm: arm.name, error, milliseconds });
        if (SparseEncoderError.is(error, "INVALID_FILTER")) throw error;
        if (ended && (!call.degrade || !SparseEncoderError.is(error, "TIMEOUT"))) throw error;
        if (call.degrade) {
          failures.push({ arm: arm.name, error });
          return failed;
        }
        failed();
        throw armFailed(
          `The arm ${arm.name} failed: ${messageOf(error)} With onArmError: "degrade" the other arms answer alone.`,
          error,
        );
      }
    };
    await Promise.all(call.arms.map(async (arm) => (await ask(arm))()));
    if (byArm.size === 0) {
      const reasons = failures.map(({ arm, error }) => `${arm}: ${messageOf(error)}`).join(" ");
      throw armFailed(`All arms failed. ${reasons}`, failures[0]!.error);
    }
    return { byArm, failures: failures.sort((a, b) => (a.arm < b.arm ? -1 : 1)) };
  }
}

/** Asks an encoder once, for all arms of it; so its work ends with the call and not with the time of one arm. */
function embedOnce(queries: readonly string[], signal: AbortSignal): EmbedQueries {
  const embedded = new Map<object, Promise<TextVector[]>>();
  return (embedder) => {
    const vectors = embedded.get(embedder.identity) ?? embedder.embed("query", [...queries], signal);
    embedded.set(embedder.identity, vectors);
    return vectors;
  };
}

function resultOf(documents: readonly RetrievedDocument[], failures: readonly ArmFailure[]): RetrievalResult {
  return Object.defineProperty([...documents], "failures", { value: failures }) as unknown as RetrievalResult;
}

function armFailed(message: string, cause: unknown): SparseEncoderError {
  return new SparseEncoderError("ARM_FAILED", message, { cause });
}
