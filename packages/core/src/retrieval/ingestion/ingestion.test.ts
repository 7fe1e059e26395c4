import { describe, expect, it, vi } from "vitest";
import { FakeStore } from "../../../../../test/fakes/fake-store.ts";
import { SparseEncoderError, type SparseEncoderErrorCode } from "../../errors.ts";
import { HybridRetriever } from "../hybrid-retriever.ts";
import type { RetrievalEvent } from "../retrieval-event.ts";
import { IngestionError } from "./failure.ts";
import type { NewDocument } from "./new-document.ts";

const embedLengths = async (texts: readonly string[]) => texts.map((text) => [text.length, 1]);

function numbered(count: number): NewDocument[] {
  return Array.from({ length: count }, (_, number) => ({ id: `${number}`, text: `text ${number}` }));
}

function setUp(
  embed: (texts: string[], options: { signal: AbortSignal }) => Promise<number[][]> = embedLengths,
) {
  const store = new FakeStore();
  const spy = vi.fn(embed);
  return { store, embed: spy, retriever: new HybridRetriever({ arms: { dense: { embed: spy, store } } }) };
}

async function failure(promise: Promise<unknown>): Promise<IngestionError> {
  const error = await promise.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  if (!(error instanceof IngestionError)) throw new Error(`expected an IngestionError, got ${String(error)}`);
  expect(SparseEncoderError.is(error)).toBe(true);
  return error;
}

async function refused(promise: Promise<unknown>, code: SparseEncoderErrorCode, message: string, stored = 0) {
  const error = await failure(promise);
  expect(error.code, error.message).toBe(code);
  expect(error.message).toContain(message);
  expect(error.stored).toBe(stored);
}

const never = () => new Promise<never>(() => {});
const tick = (milliseconds = 1) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds));

describe("add", () => {
  it.each([0, 1, 2, 3, 4, 7])("stores %i documents in batches of 3, from any source", async (count) => {
    const sizes = Array.from({ length: Math.ceil(count / 3) }, (_, batch) => Math.min(3, count - 3 * batch));
    const sources = {
      array: numbered(count),
      iterable: new Set(numbered(count)),
      stream: (async function* () {
        yield* numbered(count);
      })(),
    };
    for (const [kind, source] of Object.entries(sources)) {
      const { store, embed, retriever } = setUp();
      const progress: unknown[] = [];
      const added = await retriever.add(source, { batchSize: 3, onProgress: (one) => progress.push(one) });
      expect(added).toBe(count);
      expect([...store.documents.keys()]).toEqual(numbered(count).map(({ id }) => id));
      expect(store.upserts).toEqual(sizes);
      expect(embed).toHaveBeenCalledTimes(sizes.length);
      const total = kind === "array" ? count : undefined;
      expect(progress).toEqual(sizes.map((size, batch) => ({ done: 3 * batch + size, total })));
    }
  });

  it("takes vectors that are known, and encodes the rest", async () => {
    const { store, embed, retriever } = setUp();
    const dense = Float32Array.of(9, 9);
    await retriever.add([
      { id: "a", text: "four", vectors: { dense } },
      { id: "b", text: "fives" },
      { id: "c", text: "sixsix", vectors: {} },
    ]);
    expect(embed.mock.calls.map(([texts]) => texts)).toEqual([["fives", "sixsix"]]);
    expect([...store.documents.values()].map(({ vectors }) => vectors.dense)).toEqual([
      dense,
      Float32Array.of(5, 1),
      Float32Array.of(6, 1),
    ]);
    await retriever.add([{ id: "a", text: "four", vectors: { dense } }]);
    expect(embed).toHaveBeenCalledTimes(1);
    const wrong = [{ id: "d", text: "d", vectors: { sparse: dense } }];
    const refusal = "has a vector 'sparse', but the vectors of this retriever are dense";
    const error = await retriever.add(wrong).catch((cause: unknown) => cause);
    expect(SparseEncoderError.is(error, "INVALID_DOCUMENT") && error.message).toContain(refusal);
  });

  it("upserts arms that share a store together, and encodes once for arms that share an encoder", async () => {
    const [one, two] = [new FakeStore(), new FakeStore()];
    const embed = vi.fn(embedLengths);
    const other = vi.fn(async (texts: string[]) => texts.map(() => [1, 2, 3]));
    const retriever = new HybridRetriever({
      arms: {
        all: { embed, store: one, vector: "lengths" },
        recent: { embed, store: one, vector: "lengths", filter: { recent: true } },
        other: { embed: other, store: one },
        elsewhere: { embed, store: two },
        list: { retrieve: async () => [[]] },
      },
    });
    await retriever.add([{ id: "a", text: "four", metadata: { recent: true } }]);
    expect(one.documents.get("a")).toEqual({
      id: "a",
      text: "four",
      metadata: { recent: true },
      vectors: { lengths: Float32Array.of(4, 1), other: Float32Array.of(1, 2, 3) },
    });
    expect(two.documents.get("a")!.vectors).toEqual({ elsewhere: Float32Array.of(4, 1) });
    expect([one.calls, two.calls]).toEqual([["upsert"], ["upsert"]]);
    expect(embed).toHaveBeenCalledTimes(1);
    expect(embed.mock.calls[0]).toEqual([["four"], { kind: "document", signal: expect.any(AbortSignal) }]);
  });

  it("stores a document without the vector that is all zeros", async () => {
    const { store, retriever } = setUp(async (texts) => texts.map((text) => [text.length, 0]));
    await retriever.add([
      { id: "a", text: "" },
      { id: "b", text: "b" },
    ]);
    expect([...store.documents.values()].map(({ vectors }) => Object.keys(vectors))).toEqual([[], ["dense"]]);
  });

  it("stores vectors that are at hand, and encodes the rest", async () => {
    const store = new FakeStore();
    const embed = vi.fn(embedLengths);
    const retriever = new HybridRetriever({ arms: { dense: { embed, store }, other: { embed, store } } });
    const given = Float32Array.of(7, 7);
    await retriever.add([
      { id: "a", text: "a", vectors: { dense: given, other: given } },
      { id: "b", text: "bb", vectors: { dense: given } },
      { id: "c", text: "ccc", encodedText: "title ccc" },
      { id: "d", text: "d", vectors: { dense: Float32Array.of(0, 0), other: given } },
    ]);
    expect(embed.mock.calls.map(([texts]) => texts)).toEqual([["bb", "title ccc"]]);
    expect(Array.from(store.documents.values(), ({ vectors }) => vectors)).toEqual([
      { dense: given, other: given },
      { dense: given, other: Float32Array.of(2, 1) },
      { dense: Float32Array.of(9, 1), other: Float32Array.of(9, 1) },
      { other: given },
    ]);
    expect(store.documents.get("c")!.text).toBe("ccc");
    for (const wrong of [{ encodedText: 5 }, { vectors: "dense" }, { vectors: { unknown: given } }]) {
      await expect(retriever.add([{ id: "a", text: "a", ...wrong } as never])).rejects.toMatchObject({
        code: "INVALID_DOCUMENT",
      });
    }
  });

  it("replaces documents by id, so that it can be called again", async () => {
    const { store, retriever } = setUp();
    await retriever.add(numbered(5), { batchSize: 2 });
    await retriever.add(numbered(5), { batchSize: 3 });
    await retriever.add([{ id: "3", text: "new" }]);
    expect(store.documents.size).toBe(5);
    expect(store.documents.get("3")!.text).toBe("new");
  });

  it("encodes the next two batches while one is stored, and reads no further", async () => {
    const log: string[] = [];
    const { store, retriever } = setUp(async (texts) => {
      log.push(`encode ${texts.length}`);
      return embedLengths(texts);
    });
    let open: () => void = () => {};
    let gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    store.before = async () => {
      log.push("store");
      await gate;
      log.push("stored");
    };
    let read = 0;
    const added = retriever.add(
      (async function* () {
        for (const document of numbered(100)) {
          read++;
          yield document;
        }
      })(),
      { batchSize: 10 },
    );
    await tick(20);
    expect(log).toEqual(["encode 10", "encode 10", "store", "encode 10"]);
    expect(read).toBe(30);
    open();
    gate = Promise.resolve();
    expect(await added).toBe(100);
    expect(log.filter((entry) => entry === "stored")).toHaveLength(10);
  });

  it("says how many documents are stored when the encoder fails, and goes on from there", async () => {
    let left = 2;
    const cause = new Error("out of quota");
    const { store, embed, retriever } = setUp(async (texts) => {
      if (left-- === 0) throw cause;
      return embedLengths(texts);
    });
    store.before = () => tick(5);
    const error = await failure(retriever.add(numbered(10), { batchSize: 3 }));
    expect(error.code).toBe("ARM_FAILED");
    expect(error.cause).toBe(cause);
    expect(error.stored).toBe(6);
    expect(error.message).toContain("The first 6 documents of the source are stored");
    expect(error.message).toContain("skip: 6");
    expect(store.documents.size).toBe(6);
    embed.mockImplementation(embedLengths);
    const progress: unknown[] = [];
    expect(
      await retriever.add(numbered(10), {
        batchSize: 3,
        skip: error.stored,
        onProgress: (one) => progress.push(one),
      }),
    ).toBe(4);
    expect(store.documents.size).toBe(10);
    expect(progress).toEqual([
      { done: 9, total: 10 },
      { done: 10, total: 10 },
    ]);
  });

  it("says the same when the store fails: only what it acknowledged counts", async () => {
    const { store, retriever } = setUp();
    let left = 1;
    store.before = () => {
      if (left-- === 0) throw new Error("disk full");
    };
    await refused(
      retriever.add(new Set(numbered(10)), { batchSize: 4 }),
      "STORE_FAILED",
      "The store fake failed: disk full",
      4,
    );
    store.before = () => {
      throw new SparseEncoderError("STORE_LOCKED", "Another process writes.");
    };
    await refused(retriever.add(numbered(10)), "STORE_LOCKED", "Another process writes.", 0);
  });

  it("counts a batch only when all stores have it", async () => {
    const [one, two] = [new FakeStore(), new FakeStore()];
    two.before = () => {
      throw new Error("down");
    };
    const retriever = new HybridRetriever({
      arms: { one: { embed: embedLengths, store: one }, two: { embed: embedLengths, store: two } },
    });
    await refused(retriever.add(numbered(3)), "STORE_FAILED", "down", 0);
  });

  it("passes on the failure of a source and closes the source when something else fails", async () => {
    const { store, retriever } = setUp();
    const broken = async function* () {
      yield* numbered(5);
      throw new Error("connection lost");
    };
    await refused(
      retriever.add(broken(), { batchSize: 2 }),
      "INVALID_ARGUMENT",
      "The source of documents failed: connection lost",
      4,
    );
    let closed = false;
    const endless = function* () {
      try {
        for (let number = 0; ; number++) yield { id: `${number}`, text: "" };
      } finally {
        closed = true;
      }
    };
    store.before = () => {
      throw new Error("disk full");
    };
    await refused(retriever.add(endless(), { batchSize: 2 }), "STORE_FAILED", "disk full", 0);
    expect(closed).toBe(true);
  });

  it("stops when aborted, even if encoder, store or source hangs", async () => {
    const hanging: [Promise<number>, AbortController, number][] = [];
    {
      const { retriever } = setUp(never);
      const controller = new AbortController();
      hanging.push([retriever.add(numbered(3), { signal: controller.signal }), controller, 0]);
    }
    {
      const { store, retriever } = setUp();
      let left = 1;
      store.before = () => (left-- === 0 ? never() : undefined);
      const controller = new AbortController();
      hanging.push([retriever.add(numbered(9), { batchSize: 3, signal: controller.signal }), controller, 3]);
    }
    {
      const { retriever } = setUp();
      const source = {
        [Symbol.asyncIterator]: () => ({ next: never, return: never }),
      };
      const controller = new AbortController();
      hanging.push([retriever.add(source, { signal: controller.signal }), controller, 0]);
    }
    await tick(10);
    for (const [added, controller, stored] of hanging) {
      controller.abort(new Error("enough"));
      const error = await failure(added);
      expect([error.code, error.name, error.stored]).toEqual(["ABORTED", "AbortError", stored]);
      expect((error.cause as Error).message).toBe("enough");
    }
    const { store, retriever } = setUp();
    await refused(retriever.add(numbered(3), { signal: AbortSignal.abort() }), "ABORTED", "aborted", 0);
    expect(store.calls).toEqual([]);
  });

  it("refuses bad documents of an array before anything is stored", async () => {
    const good = { id: "a", text: "a" };
    const bad: [unknown, string][] = [
      [
        { id: "", text: "" },
        "The id of document 1 must be a well-formed string of 1 to 1024 characters, received ''",
      ],
      [{ id: "x".repeat(10_000), text: "" }, "The id of document 1 must be"],
      [{ id: "\ud800", text: "" }, "The id of document 1 must be"],
      [
        { id: 7, text: "" },
        "The id of document 1 must be a well-formed string of 1 to 1024 characters, received 7",
      ],
      [{ id: "b" }, "The text of document 1 ('b') must be a string, received undefined"],
      [{ id: "b", text: "b", metadata: [] }, "The metadata of document 1 ('b') must be an object"],
      [{ id: "b", text: "b", metadata: null }, "The metadata of document 1"],
      [{ id: "a", text: "b" }, "Documents 0 and 1 have the same id, 'a'"],
      [undefined, "The id of document 1 must be"],
    ];
    for (const [document, message] of bad) {
      const { store, retriever } = setUp();
      const error = await retriever
        .add([good, document as NewDocument], { batchSize: 1 })
        .catch((cause) => cause);
      expect(SparseEncoderError.is(error, "INVALID_DOCUMENT"), String(error)).toBe(true);
      expect(error.message).toContain(message);
      expect(store.calls).toEqual([]);
    }
  });

  it("finds bad documents of a stream batch by batch, and takes ids of any script", async () => {
    const { store, retriever } = setUp();
    const ids = ["é", "日本", "🙂", "__proto__", "constructor", "x".repeat(1024)];
    await retriever.add(ids.map((id) => ({ id, text: id })));
    expect([...store.documents.keys()]).toEqual(ids);
    const stream = new Set([...numbered(4), { id: "", text: "" }]);
    await refused(retriever.add(stream, { batchSize: 2 }), "INVALID_DOCUMENT", "The id of document 4", 4);
    await refused(
      retriever.add(new Set([...numbered(2), { id: "1", text: "again" }]), { batchSize: 3 }),
      "INVALID_DOCUMENT",
      "Documents 1 and 2 have the same id",
    );
    await retriever.add(new Set([...numbered(2), { id: "1", text: "again" }]), { batchSize: 2 });
    expect(store.documents.get("1")!.text).toBe("again");
  });

  it("refuses options and sources that are none", async () => {
    const { retriever } = setUp();
    const add = (source: unknown, options?: object) => retriever.add(source as NewDocument[], options);
    await expect(add("ab")).rejects.toThrow(
      "expected an array or another iterable of documents, received 'ab'",
    );
    await expect(add(undefined)).rejects.toThrow("expected an array");
    await expect(add([], { batchSize: 0 })).rejects.toThrow("batchSize must be");
    await expect(add([], { skip: -1 })).rejects.toThrow("skip must be");
    await expect(add([], { chunkSize: 1 })).rejects.toThrow(
      "Valid options: batchSize, skip, countDocuments, signal, onProgress",
    );
    await expect(add([], { onProgress: 1 })).rejects.toThrow("onProgress must be a function");
    const lists = new HybridRetriever({ arms: { list: { retrieve: async () => [[]] } } });
    await expect(lists.add([])).rejects.toThrow("no arm of this retriever has a store");
  });

  it("passes on what callbacks throw, as it is", async () => {
    const { retriever } = setUp();
    const onProgress = () => {
      throw new TypeError("listener");
    };
    await expect(retriever.add(numbered(3), { onProgress })).rejects.toThrow(TypeError);
  });

  it("tells of each batch", async () => {
    const events: RetrievalEvent[] = [];
    const retriever = new HybridRetriever({
      arms: { dense: { embed: embedLengths, store: new FakeStore() } },
      onEvent: (event) => events.push(event),
    });
    await retriever.add(numbered(5), { batchSize: 3 });
    expect(events).toEqual([
      {
        type: "batch",
        documents: 3,
        stored: 3,
        encodeMilliseconds: expect.any(Number),
        upsertMilliseconds: expect.any(Number),
      },
      {
        type: "batch",
        documents: 2,
        stored: 5,
        encodeMilliseconds: expect.any(Number),
        upsertMilliseconds: expect.any(Number),
      },
    ]);
  });
});
