import { CallbackManager } from "@langchain/core/callbacks/manager";
import type { DocumentInterface } from "@langchain/core/documents";
import type { BaseRetriever } from "@langchain/core/retrievers";
import { ensureConfig, type RunnableConfig } from "@langchain/core/runnables";
import type { Retrieval } from "./retrieval-call.ts";

/** Starts the run of a query, as `BaseRetriever.invoke` does. */
export async function startRun(
  retriever: BaseRetriever,
  query: string,
  options: Partial<RunnableConfig>,
  timeout: number | undefined,
): Promise<Retrieval> {
  const { runId, runName, ...config } = ensureConfig(options);
  const { callbacks, tags, metadata, verbose = false } = retriever;
  const manager = await CallbackManager.configure(
    config.callbacks,
    callbacks,
    config.tags,
    tags,
    config.metadata,
    metadata,
    { verbose },
  );
  const serialized = retriever.toJSON();
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

/** Ends the runs of queries with their outcomes. */
export async function endRuns(
  retrievals: readonly Retrieval[],
  answer: Promise<PromiseSettledResult<DocumentInterface[]>[]>,
): Promise<PromiseSettledResult<DocumentInterface[]>[]> {
  const outcomes = await answer.catch((error: unknown) =>
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

type Config = Partial<RunnableConfig>;

/** The timeout of one of several calls. The base class would make a signal of it, which cannot tell what the call waited for. */
export function timeoutOf(configs: Config | Config[], position: number): number | undefined {
  return Array.isArray(configs) ? configs[position]?.timeout : configs.timeout;
}

/** Configs without their timeouts. */
export function withoutTimeout(configs: Config | Config[]): Config | Config[] {
  const cut = ({ timeout: _, ...rest }: Config) => rest;
  return Array.isArray(configs) ? configs.map(cut) : cut(configs);
}
