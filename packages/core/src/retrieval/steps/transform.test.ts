import { describe, expect, it, vi } from "vitest";
import { SparseEncoderError } from "../../errors.ts";
import { HybridRetriever } from "../hybrid-retriever.ts";
import type { RetrievalEvent } from "../retrieval-event.ts";
import type { RetrievalSettings, Transform } from "../retrieval-settings.ts";

const hits = ["a", "b", "c", "d"].map((id, place) => ({ id, text: `text ${id}`, score: 9 - place }));

function retriever(settings: RetrievalSettings) {
  return new HybridRetriever({
    arms: { list: { retrieve: async () => [hits] } },
    fusion: "max",
    ...settings,
  });
}

const ids = (documents: readonly { id: string }[]) => documents.map(({ id }) => id);
const never = () => new Promise<never>(() => {});

describe("transform", () => {
  it("is given the best documents, and its result is cut to k", async () => {
    const seen: unknown[] = [];
    const reverse: Transform = async (query, documents, { context }) => {
      seen.push([query, ids(documents), context]);
      return documents.toReversed();
    };
    expect(ids(await retriever({ k: 2, transform: reverse }).retrieve("q", { context: 1 }))).toEqual([
      "b",
      "a",
    ]);
    expect(ids(await retriever({ k: 1, transform: reverse, transformK: 3 }).retrieve("q"))).toEqual(["c"]);
    expect(seen).toEqual([
      ["q", ["a", "b"], 1],
      ["q", ["a", "b", "c"], undefined],
    ]);
    const call = retriever({ k: 2, transform: reverse });
    expect(ids(await call.retrieve("q", { transform: false }))).toEqual(["a", "b"]);
  });

  it("may change texts, leave out documents and add some; without k nothing is cut", async () => {
    const split: Transform = (_, documents) =>
      documents.slice(1).flatMap((document) => [
        { ...document, text: "first half" },
        { ...document, id: `${document.id}2`, text: "second half" },
      ]);
    const found = await retriever({ transform: split }).retrieve("q");
    expect(ids(found)).toEqual(["b", "b2", "c", "c2", "d", "d2"]);
    expect(found[0]).toMatchObject({ text: "first half", arms: { list: { rank: 2 } } });
  });

  it("comes after reranking and minScore, and is told of as an event by its name", async () => {
    const events: RetrievalEvent[] = [];
    const keepAll: Transform = (_, documents) => documents;
    await retriever({
      rerank: (_, candidates) => candidates.map((_candidate, place) => place),
      minScore: 2,
      transform: keepAll,
      onEvent: (event) => events.push(event),
    }).retrieve("q");
    expect(events.map(({ type }) => type)).toEqual([
      "armStart",
      "arm",
      "fusion",
      "rerank",
      "transform",
      "retrieve",
    ]);
    expect(events[4]).toMatchObject({
      name: "keepAll",
      candidates: 2,
      results: [
        [
          { id: "d", score: 3 },
          { id: "c", score: 2 },
        ],
      ],
      milliseconds: expect.any(Number),
    });
  });

  it("ends with the time and the signal of the call, and fails the call with its own error", async () => {
    const compressor: Transform = () => never();
    await expect(retriever({ transform: compressor, timeout: 5 }).retrieve("q")).rejects.toMatchObject({
      code: "TIMEOUT",
      message: "retrieve took longer than its 5 ms. The call was waiting for the compressor.",
    });
    const controller = new AbortController();
    const signals: AbortSignal[] = [];
    const transform: Transform = (_, _documents, { signal }) => {
      signals.push(signal);
      controller.abort();
      return never();
    };
    const call = retriever({ transform }).retrieve("q", { signal: controller.signal });
    await expect(call).rejects.toMatchObject({ code: "ABORTED" });
    expect(signals[0]!.aborted).toBe(true);
    const failure = new TypeError("broken");
    const broken: Transform = vi.fn(() => {
      throw failure;
    });
    await expect(retriever({ transform: broken }).retrieve("q")).rejects.toBe(failure);
  });

  it("is refused if it is not a function, or gives what are not documents", async () => {
    expect(() => retriever({ transform: 5 as never })).toThrow("transform must be a function, received 5");
    expect(() => retriever({ transformK: 0 })).toThrow("transformK must be a whole number");
    for (const result of [undefined, [5], [{ id: "a" }]]) {
      const error = await retriever({ transform: (() => result) as never })
        .retrieve("q")
        .catch((thrown: unknown) => thrown);
      expect(SparseEncoderError.is(error, "INVALID_ARGUMENT"), String(error)).toBe(true);
    }
  });
});
