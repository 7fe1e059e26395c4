import { describe, expect, it } from "vitest";
import { SparseVector } from "../../vector/index.ts";
import type { MilvusConnection } from "./milvus-client.ts";
import { MilvusStore } from "./milvus-store.ts";

const vectors = { sparse: { kind: "sparse", dimension: 10 } } as const;

/** A fake of the client: counts what it is asked, and cannot be reached until `heal` is called. */
async function open() {
  let description = "";
  let broken = false;
  let requests = 0;
  const answers: Record<string, (request: Readonly<Record<string, unknown>>) => object> = {
    showCollections: () => ({ data: [] }),
    createCollection: (request) => {
      description = request.description as string;
      return {};
    },
    describeCollection: () => ({ schema: { description, fields: [] } }),
    query: () => ({ data: Array.from({ length: 500 }, (_, number) => ({ key: `${number}` })) }),
  };
  const client = new Proxy(
    {},
    {
      get: (_, call: string) => async (request: Readonly<Record<string, unknown>>) => {
        if (broken) {
          requests++;
          controller.abort();
          await new Promise((resolve) => setImmediate(resolve));
        }
        return answers[call]?.(request) ?? {};
      },
    },
  ) as MilvusConnection;
  const controller = new AbortController();
  const store = await MilvusStore.open({ client, vectors });
  broken = true;
  return { store, signal: controller.signal, requestCount: () => requests };
}

const ids = Array.from({ length: 2000 }, (_, number) => `${number}`);

describe("a signal that aborts during the first request of a call", () => {
  it.each<[string, (store: MilvusStore, signal: AbortSignal) => Promise<unknown>]>([
    ["get", (store, signal) => store.get(ids, { signal })],
    ["delete", (store, signal) => store.delete({ ids }, { signal })],
    ["count", (store, signal) => store.count({ signal })],
    [
      "searchSparse",
      (store, signal) => store.searchSparse("sparse", SparseVector.from({ 1: 1 }, 10), { signal }),
    ],
  ])("is the last that %s makes", async (_, call) => {
    const { store, signal, requestCount } = await open();
    await expect(call(store, signal)).rejects.toMatchObject({ code: "ABORTED" });
    await store.close();
    expect(requestCount()).toBeLessThanOrEqual(2);
  });
});
