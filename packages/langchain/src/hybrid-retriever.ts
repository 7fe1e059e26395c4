import {
  CallbackManager,
  type CallbackManagerForRetrieverRun,
  parseCallbackConfigArg,
} from "@langchain/core/callbacks/manager";
import type { DocumentInterface } from "@langchain/core/documents";
import { BaseRetriever, type BaseRetrieverInput } from "@langchain/core/retrievers";
import { ensureConfig, type RunnableBatchOptions, type RunnableConfig } from "@langchain/core/runnables";
import {
  HybridRetriever as CoreHybridRetriever,
  type HybridRetrieverOptions,
  type RetrievalSettings,
  SparseEncoderError,
} from "@sparse-encoder/core";
import { checkOptionNames, received } from "@sparse-encoder/core/internal";
import { type Retrieval, RetrievalCall, type RetrievalCallOptions } from "./retrieval-call.ts";
import { asksRetriever, coreArm, type HybridRetrieverArm, type IdKey } from "./retriever-arm.ts";

/** Options of a {@link HybridRetriever} whatever it is made over; the settings are those of core. */
export interface HybridRetrieverSettings
  extends BaseRetrieverInput,
    RetrievalSettings,
    RetrievalCallOptions {}

/** Options of a {@link HybridRetriever} over arms. */
export interface HybridRetrieverArmsInput extends HybridRetrieverSettings {
  /** The arms by name. `alpha` weighs the arms named `dense` and `sparse`. */
  readonly arms: Readonly<Record<string, HybridRetrieverArm>>;
  readonly retriever?: never;
  /**
   * How the documents of LangChain retrievers are known over the arms: a name in their metadata, or a function of a
   * document. Default: the id of the document; a document without one is known by its text.
   */
  readonly idKey?: IdKey;
}

/** Options of a {@link HybridRetriever} over one of core. */
export interface HybridRetrieverCoreInput extends HybridRetrieverSettings {
  /** Its settings hold where no others are given here. It stays the caller's. */
  readonly retriever: CoreHybridRetriever;
  readonly arms?: never;
  readonly idKey?: never;
}

/** Options of a {@link HybridRetriever}. */
export type HybridRetrieverInput = HybridRetrieverArmsInput | HybridRetrieverCoreInput;

const settingNames = [
  "k",
  "fusion",
  "weights",
  "alpha",
  "minScore",
  "rerank",
  "rerankK",
  "mmr",
  "onArmError",
  "timeout",
  "onEvent",
] as const satisfies readonly (keyof RetrievalSettings)[];

const ownNames = [
  ...["arms", "retriever", "idKey", "filter", "scoreKey", "compressor", "fetchK"],
  ...["callbacks", "tags", "metadata", "verbose"],
];

/**
 * Finds documents with several arms at once and makes one ranking of what they find: learned sparse, keyword and dense
 * vectors in stores of this library, and any LangChain retrievers.
 *
 * What one call is to do differently says its `config.configurable`: `k`, `alpha`, `weights`, `filter`, `fusion`, and more
 * under `hybrid`. `signal` and `timeout` end a call, on a direct `invoke` too. `batch` encodes all queries at once. A trace
 * shows a child run for each arm, by its name, and one for the fusion; custom events named `hybrid_retrieval` tell times.
 *
 * @example
 * const retriever = new HybridRetriever({
 *   arms: { sparse: { embeddings: sparse, store }, dense: { embeddings: dense, store } },
 *   k: 5,
 * });
 * await retriever.invoke("heat transfer", { configurable: { alpha: 0.3, filter: { year: { $gte: 1960 } } } });
 */
export class HybridRetriever extends BaseRetriever {
  override lc_namespace = ["sparse_encoder", "retrievers"];
  readonly #retriever: CoreHybridRetriever;
  readonly #settings: RetrievalSettings;
  readonly #options: HybridRetrieverSettings;
  readonly #ownRuns: ReadonlySet<string>;

  static override lc_name(): string {
    return "HybridRetriever";
  }

  /** @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION` */
  constructor(input: HybridRetrieverInput) {
    checkOptionNames("HybridRetriever", input, [...settingNames, ...ownNames]);
    const { callbacks, tags, metadata, verbose } = input ?? {};
    // The rest stays out of what the base class keeps and may show.
    super({
      ...(callbacks === undefined ? {} : { callbacks }),
      ...(tags === undefined ? {} : { tags }),
      ...(metadata === undefined ? {} : { metadata }),
      ...(verbose === undefined ? {} : { verbose }),
    });
    const { arms, retriever, idKey } = input ?? {};
    if ((arms === undefined) === (retriever === undefined)) {
      throw invalidArgument("HybridRetriever: give arms, or a retriever of @sparse-encoder/core.");
    }
    this.#options = input;
    this.#settings = Object.fromEntries(
      settingNames.flatMap((name) => (input[name] === undefined ? [] : [[name, input[name]]])),
    );
    checkOwnOptions(input);
    if (retriever !== undefined) {
      if (typeof retriever.retrieveEach !== "function") {
        throw invalidArgument(
          `HybridRetriever: retriever must be a HybridRetriever of @sparse-encoder/core, received ${received(retriever)}; a LangChain retriever can be an arm: { arms: { name: { retriever } } }.`,
        );
      }
      this.#retriever = retriever;
      this.#ownRuns = new Set();
      return;
    }
    if (typeof arms !== "object" || arms === null) {
      throw invalidArgument(`HybridRetriever: arms must map names to arms, received ${received(arms)}.`);
    }
    const entries = Object.entries(arms);
    this.#retriever = new CoreHybridRetriever({
      // Checked here, and given with each call, as is the listener, which must not be told twice.
      ...this.#settings,
      onEvent: () => {},
      arms: Object.fromEntries(entries.map(([name, arm]) => [name, coreArm(name, arm, idKey)])),
    } as HybridRetrieverOptions);
    this.#ownRuns = new Set(entries.flatMap(([name, arm]) => (asksRetriever(arm) ? [name] : [])));
  }

  /**
   * The best documents for a query, best first.
   *
   * @throws SparseEncoderError `INVALID_TEXT`, `INVALID_ARGUMENT`, `UNKNOWN_OPTION`, `INVALID_FILTER`, `ARM_FAILED`,
   *   `RERANK_FAILED`, `TIMEOUT`, and `ABORTED`, whose name is `AbortError`
   */
  override async invoke(input: string, options?: Partial<RunnableConfig>): Promise<DocumentInterface[]> {
    const { timeout, ...config } = parseCallbackConfigArg(options) as Partial<RunnableConfig>;
    const retrieval = await this.start(input, config, timeout);
    const [outcome] = await this.retrieve([retrieval], undefined);
    if (outcome!.status === "rejected") throw outcome!.reason;
    return outcome!.value;
  }

  override batch(
    inputs: string[],
    options?: Partial<RunnableConfig> | Partial<RunnableConfig>[],
    batchOptions?: RunnableBatchOptions & { returnExceptions?: false },
  ): Promise<DocumentInterface[][]>;
  override batch(
    inputs: string[],
    options?: Partial<RunnableConfig> | Partial<RunnableConfig>[],
    batchOptions?: RunnableBatchOptions & { returnExceptions: true },
  ): Promise<(DocumentInterface[] | Error)[]>;
  override batch(
    inputs: string[],
    options?: Partial<RunnableConfig> | Partial<RunnableConfig>[],
    batchOptions?: RunnableBatchOptions,
  ): Promise<(DocumentInterface[] | Error)[]>;
  /** As {@link HybridRetriever.invoke}, for many queries, with one call of each arm's encoder. */
  override async batch(
    inputs: string[],
    options: Partial<RunnableConfig> | Partial<RunnableConfig>[] = {},
    batchOptions: RunnableBatchOptions = {},
  ): Promise<(DocumentInterface[] | Error)[]> {
    const given = Array.isArray(options) ? options : inputs.map(() => options);
    const timeouts = given.map(({ timeout }) => timeout);
    // The base class checks the number of options, and lets a run id be that of the first query alone.
    const configs = this._getOptionsList(withoutTimeout(options), inputs.length);
    const parallel = configs[0]?.maxConcurrency ?? batchOptions.maxConcurrency;
    const retrievals = await Promise.all(
      inputs.map((input, position) => this.start(input, configs[position]!, timeouts[position])),
    );
    const outcomes = await this.retrieve(retrievals, parallel);
    const failure = outcomes.find((outcome) => outcome.status === "rejected");
    if (failure !== undefined && batchOptions.returnExceptions !== true) throw failure.reason;
    return outcomes.map((outcome) => (outcome.status === "fulfilled" ? outcome.value : outcome.reason));
  }

  /** For callers that have a run of their own; `invoke` does not come by here. */
  override async _getRelevantDocuments(
    query: string,
    run?: CallbackManagerForRetrieverRun,
  ): Promise<DocumentInterface[]> {
    const [outcome] = await this.answer([{ query, run, config: ensureConfig(), timeout: undefined }], 1);
    if (outcome!.status === "rejected") throw outcome!.reason;
    return outcome!.value;
  }

  /** Starts the run of a query. */
  private async start(
    query: string,
    options: Partial<RunnableConfig>,
    timeout: number | undefined,
  ): Promise<Retrieval> {
    const { runId, runName, ...config } = ensureConfig(options);
    const manager = await CallbackManager.configure(
      config.callbacks,
      this.callbacks,
      config.tags,
      this.tags,
      config.metadata,
      this.metadata,
      { verbose: this.verbose ?? false },
    );
    const serialized = this.toJSON();
    const run = await manager?.handleRetrieverStart(
      serialized,
      query,
      runId,
      undefined,
      undefined,
      undefined,
      runName,
    );
    return { query, run, config, timeout };
  }

  /** Answers queries and ends their runs. */
  private async retrieve(
    retrievals: readonly Retrieval[],
    parallel: number | undefined,
  ): Promise<PromiseSettledResult<DocumentInterface[]>[]> {
    const outcomes = await this.answer(retrievals, parallel).catch((error: unknown) =>
      // What is wrong with the call as a whole ends every run of it.
      retrievals.map((): PromiseRejectedResult => ({ status: "rejected", reason: error })),
    );
    await Promise.all(
      outcomes.map((outcome, position) => {
        const { run } = retrievals[position]!;
        if (outcome.status === "rejected") return run?.handleRetrieverError(outcome.reason);
        return run?.handleRetrieverEnd(outcome.value);
      }),
    );
    return outcomes;
  }

  private async answer(
    retrievals: readonly Retrieval[],
    parallel: number | undefined,
  ): Promise<PromiseSettledResult<DocumentInterface[]>[]> {
    const calls = retrievals.map(
      (retrieval) => new RetrievalCall(retrieval, this.#ownRuns, this.#options, this.#settings),
    );
    const requests = await Promise.allSettled(calls.map(async (call) => call.request()));
    const good = requests.flatMap((request) => (request.status === "fulfilled" ? [request.value] : []));
    const found = await this.#retriever.retrieveEach(good, {
      parallel: parallel === Number.POSITIVE_INFINITY ? undefined : parallel,
    });
    const results = requests.map((request) => (request.status === "fulfilled" ? found.shift()! : request));
    return Promise.allSettled(calls.map((call, position) => call.finish(results[position]!)));
  }
}

function withoutTimeout<Options extends Partial<RunnableConfig> | Partial<RunnableConfig>[]>(
  options: Options,
): Options {
  const cut = ({ timeout: _, ...rest }: Partial<RunnableConfig>) => rest;
  return (Array.isArray(options) ? options.map(cut) : cut(options)) as Options;
}

function checkOwnOptions({ scoreKey, compressor, fetchK, onEvent }: HybridRetrieverSettings): void {
  if (onEvent !== undefined && typeof onEvent !== "function") {
    throw invalidArgument(`onEvent must be a function, received ${received(onEvent)}.`);
  }
  if (scoreKey !== undefined && (typeof scoreKey !== "string" || scoreKey === "")) {
    throw invalidArgument(`scoreKey must be a name, received ${received(scoreKey)}.`);
  }
  if (compressor !== undefined && typeof compressor?.compressDocuments !== "function") {
    throw invalidArgument(`compressor must have compressDocuments, received ${received(compressor)}.`);
  }
  if (fetchK !== undefined && (!Number.isSafeInteger(fetchK) || fetchK < 1)) {
    throw invalidArgument(`fetchK must be a whole number of at least 1, received ${received(fetchK)}.`);
  }
  if (fetchK !== undefined && compressor === undefined) {
    throw invalidArgument("fetchK says how many documents the compressor is given; give a compressor too.");
  }
}

function invalidArgument(message: string): SparseEncoderError {
  return new SparseEncoderError("INVALID_ARGUMENT", message);
}
