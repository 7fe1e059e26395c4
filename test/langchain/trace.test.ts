import { BaseCallbackHandler } from "@langchain/core/callbacks/base";
import { Document, type DocumentInterface } from "@langchain/core/documents";
import { BaseRetriever } from "@langchain/core/retrievers";
import { BaseTracer, type Run } from "@langchain/core/tracers/base";
import { type ArmEncoder, MemoryStore, type Store } from "@sparse-encoder/core";
import { FakeDenseEmbedder, FakeSparseEncoder } from "@sparse-encoder/core/testing";
import {
  DenseEmbeddings,
  HybridRetriever,
  type HybridRetrieverInput,
  HybridVectorStore,
  retrievalEventName,
  SparseEmbeddings,
} from "@sparse-encoder/langchain";
import { beforeAll, describe, expect, it } from "vitest";
import { refused } from "./vector-store-cases.ts";

/** Keeps the trees of runs that have ended. */
class Recorder extends BaseTracer {
  override name = "recorder";
  override awaitHandlers = true;
  readonly roots: Run[] = [];
  protected async persistRun(run: Run): Promise<void> {
    this.roots.push(run);
  }
}

/** Keeps custom events. */
class Listener extends BaseCallbackHandler {
  override name = "listener";
  override awaitHandlers = true;
  readonly events: [name: string, data: Record<string, unknown>, runId: string][] = [];
  override handleCustomEvent(name: string, data: Record<string, unknown>, runId: string): void {
    this.events.push([name, data, runId]);
  }
}

class Broken extends BaseRetriever {
  override lc_namespace = ["test"];
  override async _getRelevantDocuments(): Promise<DocumentInterface[]> {
    throw new Error("out of order");
  }
}

const store: Store = new MemoryStore();
const sparse = new SparseEmbeddings({ encoder: new FakeSparseEncoder() });
const dense = new DenseEmbeddings({ encoder: new FakeDenseEmbedder() });
const arms = { sparse: { embeddings: sparse, store }, dense: { embeddings: dense, store } };
const make = (input: Partial<HybridRetrieverInput> = {}) =>
  new HybridRetriever({ arms, k: 2, ...input } as HybridRetrieverInput);
const children = (run: Run) => [...run.child_runs].sort((a, b) => (a.name < b.name ? -1 : 1));
const documentsOf = (run: Run) => run.outputs!.documents as DocumentInterface[];

beforeAll(async () => {
  const vectors = new HybridVectorStore(dense, { store, sparseEmbeddings: sparse });
  const texts = ["red apple", "red plum", "green pear"];
  await vectors.addDocuments(texts.map((pageContent) => ({ pageContent, metadata: {}, id: pageContent })));
});

describe("a trace", () => {
  it("shows a run for the retriever, one for each arm, and one for the fusion", async () => {
    const recorder = new Recorder();
    const retriever = make({ tags: ["own"], metadata: { part: "search" } });
    const runId = "0198c5f2-0000-7000-8000-000000000001";
    const documents = await retriever.invoke("red apple", {
      callbacks: [recorder],
      tags: ["call"],
      metadata: { user: "u" },
      runName: "find",
      runId,
    });
    expect(recorder.roots).toHaveLength(1);
    const [root] = recorder.roots;
    expect(root).toMatchObject({
      id: runId,
      name: "find",
      run_type: "retriever",
      inputs: { query: "red apple" },
    });
    expect(root!.tags).toEqual(expect.arrayContaining(["own", "call"]));
    expect(root!.extra!.metadata).toMatchObject({ user: "u", part: "search" });
    expect(documentsOf(root!)).toEqual(documents);
    const [denseRun, fusion, sparseRun] = children(root!);
    expect(root!.child_runs).toHaveLength(3);
    for (const [run, name] of [
      [denseRun, "dense"],
      [sparseRun, "sparse"],
    ] as const) {
      expect(run).toMatchObject({
        name,
        run_type: "retriever",
        inputs: { query: "red apple" },
        parent_run_id: runId,
      });
      expect(run!.tags).toEqual(expect.arrayContaining(["call", name]));
      expect(run!.extra!.metadata).toMatchObject({ user: "u" });
      expect(run!.error).toBeUndefined();
      expect(run!.end_time).toBeGreaterThanOrEqual(run!.start_time);
    }
    // Words shared with the query: both, one, none.
    const scores = documentsOf(sparseRun!).map(({ id, metadata }) => [id, metadata.score]);
    expect(scores).toEqual([
      ["red apple", 2],
      ["red plum", 1],
    ]);
    expect(documentsOf(denseRun!)).toHaveLength(3);
    expect(fusion).toMatchObject({ name: "fusion", run_type: "chain" });
    expect(documentsOf(fusion!)[0]).toMatchObject({ id: "red apple", pageContent: "red apple" });
  });

  it("holds nothing of the constructor's arguments", async () => {
    const recorder = new Recorder();
    await make({ filter: { secret: { $ne: "hidden" } } }).invoke("red", { callbacks: [recorder] });
    const json = JSON.stringify(recorder.roots, (name, value: unknown) =>
      name === "child_runs" || name === "outputs" ? undefined : value,
    );
    expect(json).not.toContain("hidden");
    expect(recorder.roots[0]!.serialized).toEqual({
      lc: 1,
      type: "not_implemented",
      id: ["sparse_encoder", "retrievers", "HybridRetriever"],
    });
    expect(recorder.roots[0]!.name).toBe("HybridRetriever");
  });

  it("shows the arm that failed, whether the call goes on or not", async () => {
    const recorder = new Recorder();
    const encoder = {
      encodeQuery: async () => {
        throw new Error("no model");
      },
      encodeDocument: async () => {
        throw new Error("no model");
      },
    } satisfies ArmEncoder;
    const broken = { ...arms, bad: { encoder, store }, other: { retriever: new Broken() } };
    const call = make({ arms: broken }).invoke("red", { callbacks: [recorder] });
    await refused(call, "ARM_FAILED", /The arm (bad|other) failed/);
    await make({ arms: broken, onArmError: "degrade" }).invoke("red", { callbacks: [recorder] });
    const [failed, degraded] = recorder.roots;
    expect(failed!.error).toContain("failed");
    expect(failed!.child_runs.every(({ end_time }) => end_time !== undefined)).toBe(true);
    expect(degraded!.error).toBeUndefined();
    const errors = children(degraded!).map(({ name, error }) => [name, error?.split("\n")[0]]);
    expect(errors).toEqual([
      ["bad", expect.stringContaining("no model")],
      ["dense", undefined],
      ["fusion", undefined],
      ["other", expect.stringContaining("out of order")],
      ["sparse", undefined],
    ]);
  });

  it("ends every run of a call that is aborted or too late", async () => {
    const recorder = new Recorder();
    const encoder = {
      encodeQuery: () => new Promise<never>(() => {}),
      encodeDocument: () => new Promise<never>(() => {}),
    } satisfies ArmEncoder;
    const hanging = make({ arms: { ...arms, slow: { encoder, store } } });
    await refused(hanging.invoke("red", { callbacks: [recorder], timeout: 10 }), "TIMEOUT", "10 ms");
    const [root] = recorder.roots;
    expect(root!.error).toContain("10 ms");
    const slow = root!.child_runs.find(({ name }) => name === "slow")!;
    expect([slow.error?.includes("10 ms"), slow.end_time !== undefined]).toEqual([true, true]);
  });

  it("nests a LangChain retriever, and what is below it, as the run of its arm", async () => {
    const recorder = new Recorder();
    const inner = make();
    await make({ arms: { ...arms, inner: { retriever: inner } } }).invoke("red", { callbacks: [recorder] });
    const [root] = recorder.roots;
    expect(children(root!).map(({ name }) => name)).toEqual(["dense", "fusion", "inner", "sparse"]);
    const run = root!.child_runs.find(({ name }) => name === "inner")!;
    expect(children(run).map(({ name }) => name)).toEqual(["dense", "fusion", "sparse"]);
    expect(run.tags).toContain("inner");
  });

  it("has a root for each query of a batch, with its own arms", async () => {
    const recorder = new Recorder();
    await make().batch(["red apple", "green pear"], { callbacks: [recorder] });
    expect(recorder.roots.map(({ inputs }) => inputs.query).sort()).toEqual(["green pear", "red apple"]);
    for (const root of recorder.roots) {
      expect(children(root).map(({ name }) => name)).toEqual(["dense", "fusion", "sparse"]);
      for (const child of root.child_runs) expect(child.inputs.query).toBe(root.inputs.query);
      const found = children(root).at(-1)!;
      expect(documentsOf(found)[0]!.pageContent).toBe(root.inputs.query);
    }
  });

  it("stands within the run of a chain", async () => {
    const recorder = new Recorder();
    const chain = make().pipe((documents: DocumentInterface[]) => documents.length);
    await chain.invoke("red", { callbacks: [recorder] });
    const [root] = recorder.roots;
    const run = root!.child_runs.find(({ name }) => name === "HybridRetriever")!;
    expect(children(run).map(({ name }) => name)).toEqual(["dense", "fusion", "sparse"]);
  });

  it("of many calls at once has for each its own", async () => {
    const recorder = new Recorder();
    const retriever = make();
    const queries = Array.from({ length: 50 }, (_, n) => `red ${n}`);
    await Promise.all(queries.map((query) => retriever.invoke(query, { callbacks: [recorder] })));
    expect(recorder.roots).toHaveLength(50);
    for (const root of recorder.roots) {
      expect(root.child_runs).toHaveLength(3);
      expect(root.child_runs.every(({ inputs }) => inputs.query === root.inputs.query)).toBe(true);
    }
  });

  it("fails the call where a handler says so", async () => {
    class Strict extends BaseCallbackHandler {
      override name = "strict";
      override raiseError = true;
      override awaitHandlers = true;
      override handleRetrieverStart(...[, , , , , , name]: unknown[]): void {
        if (name === "sparse") throw new Error("handler");
      }
    }
    await expect(make().invoke("red", { callbacks: [new Strict()] })).rejects.toThrow("handler");
  });

  it("is given to the compressor too", async () => {
    const recorder = new Recorder();
    let callbacks: unknown;
    const compressor = {
      compressDocuments: async (documents: DocumentInterface[], _: string, given: unknown) => {
        callbacks = given;
        return documents;
      },
    };
    await make({ compressor }).invoke("red", { callbacks: [recorder] });
    expect(callbacks).toMatchObject({ tags: ["compressor"] });
    const run = recorder.roots[0]!.child_runs.find(({ name }) => name === "compressor")!;
    expect(documentsOf(run)).toHaveLength(2);
  });
});

describe("custom events", () => {
  it("tell times, and no documents", async () => {
    const listener = new Listener();
    const runId = "0198c5f2-0000-7000-8000-000000000002";
    await make().invoke("red", { callbacks: [listener], runId });
    expect(listener.events.map(([, data]) => data.type).sort()).toEqual(["arm", "arm", "fusion", "retrieve"]);
    for (const [name, data, id] of listener.events) {
      expect([name, id]).toEqual([retrievalEventName, runId]);
      expect(data).not.toHaveProperty("results");
      const times = Object.entries(data).filter(([key]) => /milliseconds$/i.test(key));
      expect(times.length).toBeGreaterThan(0);
      expect(times.every(([, value]) => typeof value === "number")).toBe(true);
    }
  });

  it("come through streamEvents", async () => {
    const names: string[] = [];
    for await (const { event, name } of make().streamEvents("red", { version: "v2" })) {
      names.push(`${event} ${name}`);
    }
    expect(names).toEqual(
      expect.arrayContaining([
        "on_retriever_start HybridRetriever",
        "on_retriever_start sparse",
        "on_retriever_end dense",
        `on_custom_event ${retrievalEventName}`,
        "on_retriever_end HybridRetriever",
      ]),
    );
  });
});

it("answers callers that bring a run of their own", async () => {
  const documents = await make()._getRelevantDocuments("red apple");
  expect(documents[0]).toBeInstanceOf(Document);
  expect(documents[0]!.id).toBe("red apple");
});
