import type { CallbackManagerForRetrieverRun } from "@langchain/core/callbacks/manager";
import type { DocumentInterface } from "@langchain/core/documents";
import { patchConfig, type RunnableConfig } from "@langchain/core/runnables";
import {
  type Filter,
  type RetrievalResult,
  type RetrievalSettings,
  type RetrievedDocument,
  type RetrieveRequest,
  SparseEncoderError,
} from "@sparse-encoder/core";
import { type DocumentFilter, jsonFilter, received } from "@sparse-encoder/core/internal";
import { compressBy, type DocumentCompressor } from "../compressor.ts";
import { toDocument } from "../document-mapping.ts";
import { callSettings, withoutCallSettings } from "./call-settings.ts";
import { RetrievalTrace } from "./retrieval-trace.ts";
import type { ArmCall } from "./retriever-arm.ts";

/** Why a document stands where it does. */
export type DocumentScores = Pick<RetrievedDocument, "score" | "fusedScore" | "arms">;

/** What a retriever does beside core's settings. */
export interface RetrievalCallOptions {
  /** Only documents whose metadata pass this filter and the filter of a call. Values may be dates. */
  readonly filter?: DocumentFilter | undefined;
  /** Name of a metadata entry that is added to the documents found: a {@link DocumentScores}. Default: none is added. */
  readonly scoreKey?: string | undefined;
  /** Reranks or shortens the documents found; it gets copies. Its result is cut to k where k is set. */
  readonly compressor?: DocumentCompressor | undefined;
  /** Documents that the compressor is given. Default: k. */
  readonly fetchK?: number | undefined;
}

/** A query on its way. */
export interface Retrieval {
  readonly query: string;
  readonly run: CallbackManagerForRetrieverRun | undefined;
  readonly config: RunnableConfig;
  readonly timeout: number | undefined;
}

/** One query on its way through core. */
export class RetrievalCall {
  private readonly retrieval: Retrieval;
  private readonly options: RetrievalCallOptions;
  private readonly settings: RetrievalSettings;
  private readonly trace: RetrievalTrace;

  /**
   * @param armsWithRuns arms that make runs of their own
   * @param settings what core is told with each call
   */
  constructor(
    retrieval: Retrieval,
    armsWithRuns: ReadonlySet<string>,
    options: RetrievalCallOptions,
    settings: RetrievalSettings,
  ) {
    this.retrieval = retrieval;
    this.settings = settings;
    this.options = options;
    this.trace = new RetrievalTrace(retrieval.run, retrieval.query, armsWithRuns);
  }

  /** What core is asked. */
  request(): RetrieveRequest {
    const { query, run, config, timeout } = this.retrieval;
    const { compressor, fetchK } = this.options;
    if (typeof query !== "string") {
      throw new SparseEncoderError(
        "INVALID_TEXT",
        `The query must be a string, received ${received(query)}.`,
      );
    }
    const { filter, ...own } = callSettings(config.configurable);
    const { alpha, weights, onEvent, ...settings } = this.settings;
    const weighing = own.alpha === undefined && own.weights === undefined ? { alpha, weights } : {};
    const options = {
      ...settings,
      ...weighing,
      ...own,
      transform: compressor && compressBy(compressor, run, (hit) => this.toDocument(hit)),
      transformK: fetchK,
      filter: join(jsonFilter(this.options.filter), jsonFilter(filter)),
      signal: config.signal,
      timeout: timeout ?? settings.timeout,
      context: this.armCall(),
      wording: { call: "invoke" },
      onEvent: (event: Parameters<RetrievalTrace["take"]>[0]) => {
        this.trace.take(event);
        onEvent?.(event);
      },
    };
    return { query, options };
  }

  /** The documents that core found, as LangChain takes them. */
  async finish(outcome: PromiseSettledResult<RetrievalResult>): Promise<DocumentInterface[]> {
    try {
      if (outcome.status === "rejected") throw outcome.reason;
      const { compressor } = this.options;
      const documents = outcome.value.map((hit) =>
        compressor === undefined ? this.toDocument(hit) : (hit.payload as DocumentInterface),
      );
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
    const document = toDocument({ ...hit, id: hit.anonymous === true ? undefined : hit.id });
    if (scoreKey !== undefined) {
      const { score, fusedScore, arms } = hit;
      document.metadata[scoreKey] = { score, fusedScore, arms } satisfies DocumentScores;
    }
    return document;
  }
}

function join(one: Filter | undefined, other: Filter | undefined): Filter | undefined {
  return one === undefined || other === undefined ? (one ?? other) : { $and: [one, other] };
}
