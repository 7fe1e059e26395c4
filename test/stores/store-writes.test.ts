import { HybridRetriever, MemoryStore, SparseEncoderError, type StoredDocument } from "@sparse-encoder/core";
import {
  copyStore,
  type MilvusConnection,
  MilvusStore,
  OpenSearchStore,
  QdrantStore,
} from "@sparse-encoder/core/stores";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type FakeServer, Refusal } from "../fakes/fake-server.ts";
import { FakeOpenSearch } from "../fakes/opensearch/fake-opensearch.ts";
import { FakeQdrant } from "../fakes/qdrant/fake-qdrant.ts";
import { smallDocument, smallVectors as vectors } from "../helpers/small-documents.ts";

const documents = (count: number): StoredDocument[] =>
  Array.from({ length: count }, (_, number) => smallDocument(`${number}`));

let fakes: { opensearch: FakeOpenSearch; qdrant: FakeQdrant };
beforeEach(async () => {
  fakes = { opensearch: await FakeOpenSearch.start(), qdrant: await FakeQdrant.start() };
});
afterEach(async () => {
  await Promise.all(Object.values(fakes).map((fake: FakeServer) => fake.stop()));
});

const openers = {
  opensearch: (options: object = {}) =>
    OpenSearchStore.open({ url: fakes.opensearch.url, vectors, refresh: true, ...options }),
  qdrant: (options: object = {}) => QdrantStore.open({ url: fakes.qdrant.url, vectors, ...options }),
};

describe.each(["opensearch", "qdrant"] as const)("requests of a store under way at once: %s", (name) => {
  /** A store whose server takes its time. */
  const slow = async (options: object = {}) => {
    const store = await openers[name](options);
    const fake = fakes[name];
    fake.mostUnderWay = 0;
    fake.delay = 40;
    return { store, fake };
  };

  it("are four for one upsert of many documents, or as many as the option says", async () => {
    const { store, fake } = await slow();
    await store.upsert(documents(4500));
    expect(fake.mostUnderWay).toBe(4);
    await store.close();
    const { store: narrow } = await slow({ writesAtOnce: 2 });
    await narrow.upsert(documents(4500));
    expect(fake.mostUnderWay).toBe(2);
    expect(await narrow.count()).toBe(4500);
    await narrow.close();
  });

  it("are four for all calls together", async () => {
    const { store, fake } = await slow();
    await Promise.all(documents(30).map((document) => store.upsert([document])));
    expect(fake.mostUnderWay).toBe(4);
    expect(await store.count()).toBe(30);
    await store.close();
  });

  it("are four for a copy, and for what a retriever adds", async () => {
    const source = new MemoryStore();
    await source.upsert(documents(120));
    const { store, fake } = await slow();
    const progress: number[] = [];
    const onProgress = ({ done }: { done: number }) => progress.push(done);
    const copied = await copyStore(source, store, { batchSize: 10, sample: 0, onProgress });
    expect(copied).toEqual({ documents: 120, copied: 120, skipped: 0 });
    expect(progress).toEqual(Array.from({ length: 12 }, (_, batch) => 10 * (batch + 1)));
    expect(fake.mostUnderWay).toBe(4);
    await store.delete({ filter: {} });

    const embed = async (texts: readonly string[]) => texts.map((text) => [text.length, 1]);
    const retriever = new HybridRetriever({ arms: { dense: { embed, store } } });
    fake.mostUnderWay = 0;
    const added: number[] = [];
    await retriever.add(
      documents(100).map(({ id }) => ({ id, text: `text ${id}` })),
      { batchSize: 10, onProgress: ({ done }) => added.push(done) },
    );
    expect(fake.mostUnderWay).toBe(4);
    expect(added).toEqual(Array.from({ length: 10 }, (_, batch) => 10 * (batch + 1)));
    expect(await store.count()).toBe(100);
    await store.close();
  });

  it("keep the order of the calls for one document, also where the first is tried again", async () => {
    await using store = await openers[name]();
    const fake = fakes[name];
    for (let round = 0; round < 3; round++) {
      fake.failures.push(503);
      const calls = [
        store.upsert([smallDocument("a", "first")]),
        store.upsert([smallDocument("a", "second"), smallDocument("b", "second")]),
        store.upsert([smallDocument("c", "other")]),
        store.delete({ ids: ["b"] }),
      ];
      await Promise.all(calls);
      const [a, b, c] = await store.get(["a", "b", "c"]);
      expect([a?.text, b?.text, c?.text]).toEqual(["second", undefined, "other"]);
      fake.failures.push(503);
      const removed = store.delete({ filter: {} });
      await Promise.all([removed, store.upsert([smallDocument("d", "behind the deletion")])]);
      expect([await removed, await store.count()]).toEqual([2, 1]);
      await store.delete({ ids: ["d"] });
    }
  }, 30_000);

  it("stop after one that fails, and the error says what was stored", async () => {
    const { store, fake } = await slow({ retries: 0, writesAtOnce: 2 });
    fake.failures.push(new Refusal(400, "no such luck"));
    const error: unknown = await store.upsert(documents(9000)).catch((thrown: unknown) => thrown);
    if (!SparseEncoderError.is(error, "STORE_FAILED")) throw error;
    expect(error.message).toContain("no such luck");
    const [, stored] = /(\d+) of 9000 documents were stored\./.exec(error.message)!;
    // Those that were under way with it have ended, and no further one was begun.
    expect(Number(stored)).toBe(1000);
    expect(await store.count()).toBe(1000);
    await store.close();
  });

  it("wait as long as the server asks for, all of them", async () => {
    const { store, fake } = await slow({ writesAtOnce: 3 });
    const times: number[] = [];
    const started = performance.now();
    // The first three are under way when it is said.
    fake.failures.push(new Refusal(429, "busy", "busy", { "retry-after": "1" }));
    const calls = documents(9).map((document) =>
      store.upsert([document]).then(() => times.push(performance.now() - started)),
    );
    await Promise.all(calls);
    expect(times.filter((time) => time < 950).length).toBe(2);
    expect(await store.count()).toBe(9);
    await store.close();
  }, 20_000);
});

describe("a Milvus that is overloaded, as its client gives it", () => {
  const success = { error_code: "Success", code: 0, reason: "" };

  /** A fake of the client whose upserts take their time, and fail at first as told. */
  function fakeClient(failures: (object | Error)[]) {
    let underWay = 0;
    const seen = { most: 0, upserts: 0 };
    let description = "";
    const answers: Record<string, (request: Record<string, unknown>) => unknown> = {
      showCollections: () => ({ status: success, data: [] }),
      createCollection: (request) => {
        description = request.description as string;
        return success;
      },
      describeCollection: () => ({ status: success, schema: { description, fields: [] } }),
      query: () => ({ status: success, data: [] }),
      upsert: async () => {
        seen.upserts++;
        seen.most = Math.max(seen.most, ++underWay);
        await new Promise((resolve) => setTimeout(resolve, 20));
        underWay--;
        const failure = failures.shift();
        if (failure instanceof Error) throw failure;
        return { status: failure ?? success, err_index: [] };
      },
    };
    const get = (_: object, call: string) => async (request: Record<string, unknown>) =>
      answers[call]?.(request) ?? success;
    return { client: new Proxy({}, { get }) as MilvusConnection, seen };
  }

  it("is asked again, by at most four requests at once", async () => {
    const { client, seen } = fakeClient([
      { error_code: "RateLimit", code: 8, reason: "request is rejected by grpc RateLimiter middleware" },
      Object.assign(new Error("8 RESOURCE_EXHAUSTED: too many"), { code: 8 }),
    ]);
    await using store = await MilvusStore.open({ client, vectors });
    await store.upsert(documents(4500));
    expect(seen).toEqual({ most: 4, upserts: 7 });
  });

  it("is not asked again about a request that is too long", async () => {
    const { client, seen } = fakeClient([
      Object.assign(new Error("8 RESOURCE_EXHAUSTED: Sent message larger than max"), { code: 8 }),
    ]);
    await using store = await MilvusStore.open({ client, vectors });
    await expect(store.upsert(documents(1))).rejects.toMatchObject({
      code: "STORE_FAILED",
      message: expect.stringContaining("0 of 1 documents were stored"),
    });
    expect(seen.upserts).toBe(1);
  });
});

it("a store without that capability gets one batch at a time", async () => {
  const store = new MemoryStore();
  let underWay = 0;
  let most = 0;
  const upsert = store.upsert.bind(store);
  store.upsert = async (...all) => {
    most = Math.max(most, ++underWay);
    await upsert(...all);
    underWay--;
  };
  const embed = async (texts: readonly string[]) => texts.map((text) => [text.length, 1]);
  const retriever = new HybridRetriever({ arms: { dense: { embed, store } } });
  await retriever.add(
    Array.from({ length: 100 }, (_, number) => ({ id: `${number}`, text: "text" })),
    { batchSize: 10 },
  );
  expect([most, await store.count()]).toEqual([1, 100]);
});
