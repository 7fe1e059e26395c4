import {
  type CallbackManagerForRetrieverRun,
  parseCallbackConfigArg,
} from "@langchain/core/callbacks/manager";
import type { DocumentInterface } from "@langchain/core/documents";
import { BaseRetriever } from "@langchain/core/retrievers";
import { ensureConfig, type RunnableBatchOptions, type RunnableConfig } from "@langchain/core/runnables";
import { HybridRetriever as CoreHybridRetriever, type RetrievalSettings } from "@sparse-encoder/core";
import { defined } from "@sparse-encoder/core/internal";
import {
  type CheckedInput,
  checkInput,
  coreSettings,
  type HybridRetrieverInput,
} from "./hybrid-retriever-options.ts";
import { identifyBy } from "./id-key.ts";
import { type Retrieval, RetrievalCall } from "./retrieval-call.ts";
import { asksRetriever, coreArm } from "./retriever-arm.ts";
import { endRuns, startRun, timeoutOf, withoutTimeout } from "./retriever-run.ts";

type Config = Partial<RunnableConfig>;

/**
 * Finds documents with several arms at once and makes one ranking of what they find: learned sparse, keyword and dense
 * vectors in stores of this library, and any LangChain retrievers.
 *
 * The `config.configurable` of a call says what the call does differently: `k`, `alpha`, `weights`, `filter`, `fusion`, and
 * more under `hybrid`. `signal` and `timeout` end a call, on a direct `invoke` too. `batch` encodes all queries at once. A
 * trace shows a child run for each arm, by its name, and one for the fusion; custom events named `hybrid_retrieval` tell times.
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
  readonly #input: CheckedInput;
  /** What core is told with each call: settings that its retriever does not have itself. */
  readonly #settings: RetrievalSettings;
  readonly #armsWithRuns: ReadonlySet<string>;

  static override lc_name(): string {
    return "HybridRetriever";
  }

  /** @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION` */
  constructor(input: HybridRetrieverInput) {
    const checked = checkInput(input);
    const { callbacks, tags, metadata, verbose, arms = {}, retriever, idKey } = checked;
    // All else stays out of what the base class keeps and may show.
    super(defined({ callbacks, tags, metadata, verbose }));
    this.#input = checked;
    const settings = coreSettings(checked);
    this.#settings = retriever === undefined ? {} : settings;
    this.#armsWithRuns = new Set(Object.keys(arms).filter((name) => asksRetriever(arms[name]!)));
    this.#retriever =
      retriever ??
      new CoreHybridRetriever({
        ...settings,
        ...(idKey === undefined ? {} : { identify: identifyBy(idKey) }),
        arms: Object.fromEntries(Object.entries(arms).map(([name, arm]) => [name, coreArm(name, arm)])),
      });
  }

  /**
   * The best documents for a query, best first.
   *
   * @throws SparseEncoderError `INVALID_TEXT`, `INVALID_ARGUMENT`, `UNKNOWN_OPTION`, `INVALID_FILTER`, `ARM_FAILED`,
   *   `RERANK_FAILED`, `TIMEOUT`, and `ABORTED`, whose name is `AbortError`
   */
  override async invoke(input: string, options?: Config): Promise<DocumentInterface[]> {
    const { timeout, ...config }: Config = parseCallbackConfigArg(options) as Config;
    const retrieval = await startRun(this, input, config, timeout);
    const [outcome] = await this.retrieve([retrieval], undefined);
    if (outcome!.status === "rejected") throw outcome!.reason;
    return outcome!.value;
  }

  override batch(
    inputs: string[],
    options?: Config | Config[],
    batchOptions?: RunnableBatchOptions & { returnExceptions?: false },
  ): Promise<DocumentInterface[][]>;
  override batch(
    inputs: string[],
    options?: Config | Config[],
    batchOptions?: RunnableBatchOptions & { returnExceptions: true },
  ): Promise<(DocumentInterface[] | Error)[]>;
  override batch(
    inputs: string[],
    options?: Config | Config[],
    batchOptions?: RunnableBatchOptions,
  ): Promise<(DocumentInterface[] | Error)[]>;
  /** As {@link HybridRetriever.invoke}, for many queries, with one call of each arm's encoder. */
  override async batch(
    inputs: string[],
    options: Config | Config[] = {},
    batchOptions: RunnableBatchOptions = {},
  ): Promise<(DocumentInterface[] | Error)[]> {
    const timeouts = inputs.map((_, position) => timeoutOf(options, position));
    // The base class checks the number of options, and gives a run id only to the first query.
    const configs = this._getOptionsList(withoutTimeout(options), inputs.length);
    const parallel = configs[0]?.maxConcurrency ?? batchOptions.maxConcurrency;
    const retrievals = await Promise.all(
      inputs.map((input, position) => startRun(this, input, configs[position]!, timeouts[position])),
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

  /** Answers queries and ends their runs. */
  private retrieve(
    retrievals: readonly Retrieval[],
    parallel: number | undefined,
  ): Promise<PromiseSettledResult<DocumentInterface[]>[]> {
    return endRuns(retrievals, this.answer(retrievals, parallel));
  }

  private async answer(
    retrievals: readonly Retrieval[],
    parallel: number | undefined,
  ): Promise<PromiseSettledResult<DocumentInterface[]>[]> {
    const calls = retrievals.map(
      (retrieval) => new RetrievalCall(retrieval, this.#armsWithRuns, this.#input, this.#settings),
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
