import type { CallbackManagerForRetrieverRun } from "@langchain/core/callbacks/manager";
import type { DocumentInterface } from "@langchain/core/documents";
import type { BaseDocumentCompressor } from "@langchain/core/retrievers/document_compressors";
import { patchConfig, type RunnableConfig } from "@langchain/core/runnables";
import {
  type Filter,
  type RetrievalEvent,
  type RetrievalResult,
  type RetrievalSettings,
  type RetrievedDocument,
  type RetrieveOptions,
  SparseEncoderError,
} from "@sparse-encoder/core";
import { received } from "@sparse-encoder/core/internal";
import { callSettings, withoutCallSettings } from "./call-settings.ts";
import { toDocument } from "./document-mapping.ts";
import { RetrievalTrace } from "./retrieval-trace.ts";
import type { ArmCall } from "./retriever-arm.ts";

/** Why a document stands where it does. */
export interface DocumentScores {
  /** That of the reranker if there is one, else that of the fusion. */
  readonly score: number;
  /** That of the fusion. */
  readonly fusedScore: number;
  /** Rank, from 1, and score in each arm that found it. */
  readonly arms: RetrievedDocument["arms"];
}

/** What a retriever does beside core's settings. */
export interface RetrievalCallOptions {
  /** Only documents whose metadata pass, beside the filter of a call. */
  readonly filter?: Filter;
  /**
   * Name of a metadata entry that tells the scores of a document, a {@link DocumentScores}: it is added to the documents
   * found. Default: none is.
   */
  readonly scoreKey?: string;
  /** Reranks or shortens the documents found; it gets copies. Its result is cut to k where k is set. */
  readonly compressor?: BaseDocumentCompressor;
  /** Documents that the compressor is given. Default: k. */
  readonly fetchK?: number;
}

/** A query on its way. */
export interface Retrieval {
  readonly query: string;
  readonly run: CallbackManagerForRetrieverRun | undefined;
  readonly config: RunnableConfig;
  readonly timeout: number | undefined;
}

/** One query on its way through core and the compressor. */
export class RetrievalCall {
  private readonly retrieval: Retrieval;
  private readonly options: RetrievalCallOptions;
  private readonly settings: RetrievalSettings;
  private readonly ownRuns: ReadonlySet<string>;
  private readonly trace: RetrievalTrace;
  private readonly ids = new Map<string, string | undefined>();
  private readonly late: AbortSignal | undefined;
  private k: number | undefined;

  constructor(
    retrieval: Retrieval,
    ownRuns: ReadonlySet<string>,
    options: RetrievalCallOptions,
    settings: RetrievalSettings,
  ) {
    this.retrieval = retrieval;
    this.settings = settings;
    this.ownRuns = ownRuns;
    this.options = options;
    this.trace = new RetrievalTrace(retrieval.run, retrieval.query, ownRuns);
    const timeout = retrieval.timeout ?? settings.timeout;
    // Core sees to the time of all but the compressor.
    if (options.compressor !== undefined && timeout !== undefined) this.late = AbortSignal.timeout(timeout);
  }

  /** What core is asked. */
  request(): { query: string; options: RetrieveOptions } {
    const { query, config, timeout } = this.retrieval;
    if (typeof query !== "string") {
      throw new SparseEncoderError(
        "INVALID_TEXT",
        `The query must be a string, received ${received(query)}.`,
      );
    }
    const own = callSettings(config.configurable);
    const { alpha, weights, ...rest } = this.settings;
    const weighing = own.alpha === undefined && own.weights === undefined ? { alpha, weights } : {};
    this.k = own.k ?? this.settings.k;
    const { compressor, fetchK } = this.options;
    const options = {
      ...rest,
      ...weighing,
      ...own,
      k: compressor === undefined ? this.k : (fetchK ?? this.k),
      filter: both(this.options.filter, own.filter),
      signal: config.signal,
      timeout: timeout ?? rest.timeout,
      context: this.armCall(),
      onEvent: (event: RetrievalEvent) => {
        this.trace.take(event);
        this.settings.onEvent?.(event);
      },
    };
    return { query, options: pickDefined(options) };
  }

  /** The documents that core found, as LangChain takes them, compressed. */
  async finish(outcome: PromiseSettledResult<RetrievalResult>): Promise<DocumentInterface[]> {
    try {
      if (outcome.status === "rejected") throw outcome.reason;
      const documents = await this.compressed(outcome.value.map((hit) => this.toDocument(hit)));
      await this.trace.end();
      return documents;
    } catch (error) {
      await this.trace.end(error);
      throw error;
    }
  }

  private armCall(): ArmCall {
    const { run, config } = this.retrieval;
    const configurable = withoutCallSettings(config.configurable);
    return {
      ids: this.ids,
      invoke: async (arm, retriever, query, signal) =>
        retriever.invoke(
          query,
          patchConfig(
            { ...config, configurable, signal },
            { runName: arm, ...(run === undefined ? {} : { callbacks: run.getChild(arm) }) },
          ),
        ),
    };
  }

  private toDocument(hit: RetrievedDocument): DocumentInterface {
    const { scoreKey } = this.options;
    // A document that retrievers alone found may have no id; what core knows it by is not one then.
    const foreign = Object.keys(hit.arms).every((arm) => this.ownRuns.has(arm));
    const document = toDocument({ ...hit, id: foreign ? this.ids.get(hit.id) : hit.id });
    if (scoreKey !== undefined) {
      const { score, fusedScore, arms } = hit;
      document.metadata[scoreKey] = { score, fusedScore, arms } satisfies DocumentScores;
    }
    return document;
  }

  private async compressed(documents: DocumentInterface[]): Promise<DocumentInterface[]> {
    const { compressor } = this.options;
    if (compressor === undefined) return documents;
    const { query, run, config } = this.retrieval;
    const work = compressor.compressDocuments(documents, query, run?.getChild("compressor"));
    const kept = await raced(work, config.signal, this.late);
    return kept.slice(0, this.k);
  }
}

/** The work, or an error as soon as one of the signals aborts. */
async function raced<Result>(
  work: Promise<Result>,
  signal: AbortSignal | undefined,
  late: AbortSignal | undefined,
): Promise<Result> {
  const signals = [signal, late].filter((one) => one !== undefined);
  const { promise, reject } = withReject();
  const stop = () =>
    reject(
      late?.aborted === true
        ? new SparseEncoderError("TIMEOUT", "The compressor took longer than the time of the call.")
        : new SparseEncoderError("ABORTED", "The call was aborted by its signal.", { cause: signal?.reason }),
    );
  for (const one of signals) {
    if (one.aborted) stop();
    one.addEventListener("abort", stop, { once: true });
  }
  try {
    return await Promise.race([work, promise]);
  } finally {
    for (const one of signals) one.removeEventListener("abort", stop);
    // Whichever lost is not wanted any more.
    work.catch(() => {});
  }
}

function withReject(): { promise: Promise<never>; reject: (error: unknown) => void } {
  let reject: (error: unknown) => void = () => {};
  const promise = new Promise<never>((_, refuse) => {
    reject = refuse;
  });
  promise.catch(() => {});
  return { promise, reject };
}

function both(one: Filter | undefined, other: Filter | undefined): Filter | undefined {
  return one === undefined || other === undefined ? (one ?? other) : { $and: [one, other] };
}

/** Without what is undefined. */
function pickDefined<Options extends object>(
  options: Options,
): { [Name in keyof Options]: Exclude<Options[Name], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as never;
}
