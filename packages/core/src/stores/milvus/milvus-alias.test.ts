import { describe, expect, it } from "vitest";
import { SparseVector } from "../../vector/index.ts";
import type { MilvusConnection } from "./milvus-client.ts";
import { MilvusStore } from "./milvus-store.ts";

const vectors = { sparse: { kind: "sparse", dimension: 10 } } as const;

type Request = Readonly<Record<string, string>>;

/** A fake of the client: it keeps names of collections and aliases, notes requests, and has no documents. */
function fakeClient() {
  const success = { error_code: "Success", code: 0, reason: "" };
  const collections = new Map<string, string>();
  const aliases = new Map<string, string>();
  const requests: [call: string, request: Request][] = [];
  const missing = (name: string) => ({
    error_code: "UnexpectedError",
    code: 1600,
    reason: `alias not found[database=default][alias=${name}]`,
  });
  const answers: Record<string, (request: Request) => object> = {
    showCollections: () => ({
      status: success,
      data: Array.from(collections.keys(), (name) => ({ name })),
    }),
    createCollection: ({ collection_name: name, description }) => {
      if (aliases.has(name!))
        return { error_code: "UnexpectedError", code: 65535, reason: "collection name conflicts" };
      collections.set(name!, description!);
      return success;
    },
    describeCollection: ({ collection_name: name }) => ({
      status: success,
      schema: { description: collections.get(name!), fields: [] },
    }),
    describeAlias: ({ alias }) =>
      aliases.has(alias!)
        ? { status: success, collection: aliases.get(alias!) }
        : { status: missing(alias!) },
    createAlias: ({ alias, collection_name: name }) => {
      aliases.set(alias!, name!);
      return success;
    },
    alterAlias: ({ alias, collection_name: name }) => {
      if (!aliases.has(alias!)) return missing(alias!);
      aliases.set(alias!, name!);
      return success;
    },
    query: () => ({ status: success, data: [] }),
    search: () => ({ status: success, results: [] }),
    upsert: () => ({ status: success, err_index: [] }),
  };
  const get = (_: object, call: string) => async (request: Request) => {
    requests.push([call, request]);
    if (call.endsWith("Alias") && request.collection_name === undefined)
      throw new Error("The `collection_name` property is missing.");
    return answers[call]?.(request) ?? success;
  };
  return { client: new Proxy({}, { get }) as MilvusConnection, requests, aliases };
}

/** A fake only: Milvus Lite has no aliases, and no other Milvus was met. */
describe("aliases of MilvusStore, on a fake of its client", () => {
  it("are made, altered, and opened by the name of what they name", async () => {
    const { client, requests, aliases } = fakeClient();
    for (const collection of ["one", "two"])
      await (await MilvusStore.open({ client, collection, vectors })).close();
    expect(await MilvusStore.switchAlias({ client, alias: "live", to: "one" })).toEqual({ from: undefined });
    await using store = await MilvusStore.open({ client, collection: "live", vectors });
    requests.length = 0;
    const sparse = SparseVector.from({ 1: 1 }, 10);
    const document = { id: "a", text: "", metadata: {}, vectors: { sparse } };
    await store.upsert([document]);
    await store.searchSparse("sparse", sparse);
    await store.count();
    for (const [call, request] of requests) {
      if (call !== "describeAlias") expect([call, request.collection_name]).toEqual([call, "one"]);
    }
    const switched = await MilvusStore.switchAlias({ client, alias: "live", to: "two", from: "one" });
    expect([switched, aliases.get("live")]).toEqual([{ from: "one" }, "two"]);
    await expect(store.upsert([document])).rejects.toMatchObject({
      code: "STORE_MISMATCH",
      message: expect.stringMatching(/'live' names 'two' by now.*'one'/),
    });
    await store.searchSparse("sparse", sparse);
    expect(requests.at(-1)![1].collection_name).toBe("one");
  });

  it("are refused where they cannot be", async () => {
    const { client } = fakeClient();
    for (const collection of ["one", "two"])
      await (await MilvusStore.open({ client, collection, vectors })).close();
    const codeOf = (target: { alias: string; to: string; from?: string }) =>
      MilvusStore.switchAlias({ client, ...target }).then(
        () => undefined,
        ({ code }: { code: string }) => code,
      );
    expect(await codeOf({ alias: "one", to: "two" })).toBe("STORE_MISMATCH");
    expect(await codeOf({ alias: "live", to: "three" })).toBe("INVALID_ARGUMENT");
    expect(await codeOf({ alias: "live", to: "live" })).toBe("INVALID_ARGUMENT");
    expect(await codeOf({ alias: "a-b", to: "one" })).toBe("INVALID_ARGUMENT");
    expect(await codeOf({ alias: "live", to: "one", from: "two" })).toBe("STORE_MISMATCH");
    expect(await codeOf({ alias: "live", to: "one" })).toBeUndefined();
  });
});
