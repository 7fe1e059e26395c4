import { dispatchCustomEvent } from "@langchain/core/callbacks/dispatch";
import type { CallbackManagerForRetrieverRun } from "@langchain/core/callbacks/manager";
import { Document } from "@langchain/core/documents";
import type { FoundDocument, RetrievalEvent } from "@sparse-encoder/core";

/** Name of the custom events with the times of a retrieval. */
export const retrievalEventName = "hybrid_retrieval";

/**
 * Shows one retrieval in a trace: below its run one child run per arm, one for the fusion, one for a compressor, and custom
 * events with times. Callbacks are awaited only in {@link RetrievalTrace.end}, so that the retrieval does not wait for them.
 */
export class RetrievalTrace {
  private readonly run: CallbackManagerForRetrieverRun | undefined;
  private readonly query: string;
  private readonly armsWithRuns: ReadonlySet<string>;
  private readonly children = new Map<string, Promise<CallbackManagerForRetrieverRun>>();
  private readonly pending: Promise<unknown>[] = [];

  /**
   * @param run the run of the retrieval; undefined if nobody listens
   * @param armsWithRuns arms that make runs of their own
   */
  constructor(
    run: CallbackManagerForRetrieverRun | undefined,
    query: string,
    armsWithRuns: ReadonlySet<string>,
  ) {
    this.run = run;
    this.query = query;
    this.armsWithRuns = armsWithRuns;
  }

  /** Takes an event of core. */
  take(event: RetrievalEvent): void {
    const { run } = this;
    if (run === undefined) return;
    switch (event.type) {
      case "armStart":
        if (!this.armsWithRuns.has(event.arm)) this.startArm(run, event.arm);
        return;
      case "arm":
        this.endArm(event.arm, (child) => child.handleRetrieverEnd(event.results.flat().map(shown)));
        break;
      case "armFailed":
        this.endArm(event.arm, (child) => child.handleRetrieverError(event.error));
        break;
      case "fusion":
        this.wait(this.showStep(run, "fusion", event.results.flat()));
        break;
      case "transform":
        this.wait(this.showStep(run, event.name, event.results.flat()));
    }
    const child = run.getChild();
    this.wait(dispatchCustomEvent(retrievalEventName, timesOf(event), { callbacks: child }));
  }

  /** Ends all open runs with the error of the retrieval, and waits for all callbacks. */
  async end(error?: unknown): Promise<void> {
    for (const arm of this.children.keys()) {
      this.endArm(arm, (child) => child.handleRetrieverError(error));
    }
    await Promise.all(this.pending);
  }

  private startArm(run: CallbackManagerForRetrieverRun, arm: string): void {
    const child = run
      .getChild(arm)
      .handleRetrieverStart(serialized(arm), this.query, undefined, undefined, undefined, undefined, arm);
    this.children.set(arm, child);
    this.wait(child);
  }

  private endArm(arm: string, end: (child: CallbackManagerForRetrieverRun) => Promise<unknown>): void {
    const child = this.children.get(arm);
    if (child === undefined) return;
    this.children.delete(arm);
    this.wait(child.then(end));
  }

  private async showStep(
    run: CallbackManagerForRetrieverRun,
    name: string,
    documents: readonly FoundDocument[],
  ): Promise<void> {
    const inputs = { query: this.query };
    const child = await run
      .getChild(name)
      .handleChainStart(serialized(name), inputs, undefined, undefined, undefined, undefined, name);
    await child.handleChainEnd({ documents: documents.map(shown) });
  }

  private wait(callback: Promise<unknown>): void {
    this.pending.push(callback);
    // A failure is thrown in `end`.
    callback.catch(() => {});
  }
}

function serialized(name: string): { lc: number; type: "not_implemented"; id: string[] } {
  return { lc: 1, type: "not_implemented", id: ["sparse_encoder", "retrieval", name] };
}

/** A hit in a trace. */
function shown({ id, text, metadata, score }: FoundDocument): Document {
  return new Document({
    pageContent: text ?? "",
    metadata: { ...metadata, score },
    ...(id === undefined ? {} : { id }),
  });
}

/** An event without documents. */
function timesOf(event: RetrievalEvent): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(event).flatMap(([name, value]) => {
      if (name === "results") return [];
      return [[name, value instanceof Error ? value.message : (value as unknown)]];
    }),
  );
}
