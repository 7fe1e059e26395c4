import { describe, expect, it } from "vitest";
import { SparseVector } from "../../vector/index.ts";
import type { MilvusConnection } from "./milvus-client.ts";
import { MilvusStore } from "./milvus-store.ts";

const vectors = {
  sparse: { kind: "sparse", dimension: 10 },
  dense: { kind: "dense", dimension: 2 },
} as const;

type Request = Readonly<Record<string, unknown>>;

/**
 * A fake of the client: notes requests, and answers them as a server without documents.
 * @param keepsPartitions false for one that answers about partitions as Milvus Lite does
 */
function fakeClient(keepsPartitions: boolean) {
  const requests: [call: string, request: Request][] = [];
  const partitions = new Set<unknown>();
  let description = "";
  const success = { error_code: "Success", code: 0, reason: "" };
  const answers: Record<string, (request: Request) => object> = {
    getVersion: () => (keepsPartitions ? { status: success, version: "2.6.0" } : {}),
    showCollections: () => ({ status: success, data: [] }),
    createCollection: (request) => {
      description = request.description as string;
      return success;
    },
    describeCollection: () => ({ status: success, schema: { description, fields: [] } }),
    hasPartition: ({ partition_name: name }) =>
      keepsPartitions ? { status: success, value: partitions.has(name) } : {},
    createPartition: ({ partition_name: name }) => {
      partitions.add(name);
      return keepsPartitions ? success : {};
    },
    query: ({ output_fields: fields }) => ({
      status: success,
      data:
        (fields as string[])[0] === "count(*)"
          ? [{ "count(*)": "1" }]
          : [{ key: "61", text: "", metadata: {}, present: "00" }],
    }),
    search: () => ({ status: success, results: [] }),
    hybridSearch: () => ({ status: success, results: [] }),
    upsert: () => ({ status: success, err_index: [] }),
  };
  const client = new Proxy(
    {},
    {
      get: (_, call: string) => async (request: Request) => {
        requests.push([call, request]);
        return answers[call]?.(request) ?? success;
      },
    },
  ) as MilvusConnection;
  return { client, requests };
}

describe("the option partition", () => {
  it("makes the partition before it is loaded, and names it in all that reads, writes and searches", async () => {
    const { client, requests } = fakeClient(true);
    await using store = await MilvusStore.open({ client, vectors, partition: "tenant_1" });
    const calls = requests.map(([call]) => call);
    expect(calls.indexOf("createPartition")).toBeGreaterThan(calls.indexOf("createCollection"));
    expect(calls.indexOf("createPartition")).toBeLessThan(calls.indexOf("loadCollectionSync"));
    requests.length = 0;
    const sparse = SparseVector.from({ 1: 1 }, 10);
    await store.upsert([{ id: "a", text: "", metadata: {}, vectors: { sparse } }]);
    await store.count();
    await store.delete({ ids: ["a"] });
    await store.searchSparse("sparse", sparse);
    await store.searchDense("dense", Float32Array.of(1, 0));
    await store.searchHybrid([{ vector: "sparse", query: sparse }], { fusion: { native: "rrf" } });
    expect(requests.map(([call]) => call)).toEqual([
      "upsert",
      "query",
      "query",
      "delete",
      "search",
      "search",
      "hybridSearch",
    ]);
    for (const [call, request] of requests) {
      const named =
        call === "upsert" || call === "delete"
          ? { partition_name: "tenant_1" }
          : { partition_names: ["tenant_1"] };
      expect([call, request]).toEqual([call, expect.objectContaining(named)]);
    }
    // Opened again, it is there.
    const again = await MilvusStore.open({ client, vectors, partition: "tenant_1" });
    expect(requests.filter(([call]) => call === "createPartition")).toEqual([]);
    await again.close();
  });

  it("names none where it is not given", async () => {
    const { client, requests } = fakeClient(true);
    await using store = await MilvusStore.open({ client, vectors });
    await store.count();
    expect(requests.flatMap(([, request]) => Object.keys(request ?? {})).join()).not.toContain("partition");
  });

  it("is refused where a server has no partitions, and if it is not a name", async () => {
    const { client } = fakeClient(false);
    await expect(MilvusStore.open({ client, vectors, partition: "tenant_1" })).rejects.toMatchObject({
      code: "STORE_UNSUPPORTED",
      message: expect.stringContaining("no partitions"),
    });
    for (const partition of ["", "a b", "1a", 'x"', 7 as unknown as string]) {
      await expect(MilvusStore.open({ client, vectors, partition })).rejects.toMatchObject({
        code: "INVALID_ARGUMENT",
      });
    }
  });
});

describe("the option tenant", () => {
  it("makes the tenant the partition key, and is a condition of all that reads, searches and deletes", async () => {
    const { client, requests } = fakeClient(true);
    await using store = await MilvusStore.open({ client, vectors, tenant: 'A" or "' });
    const [, made] = requests.find(([call]) => call === "createCollection")!;
    const keys = (made.fields as Request[]).filter((field) => field.is_partition_key === true);
    expect(keys).toMatchObject([{ name: "tenant", data_type: "VarChar" }]);
    expect(JSON.parse(made.description as string)).toMatchObject({ sparseEncoder: 3, tenants: true });
    requests.length = 0;
    const sparse = SparseVector.from({ 1: 1 }, 10);
    const filter = { $or: [{ tenant: "other" }, { key: "x" }] };
    await store.upsert([{ id: "a", text: "", metadata: {}, vectors: { sparse } }]);
    await store.count();
    await store.count({ filter });
    await store.delete({ ids: ["a"] });
    await store.get(["a"]);
    await store.searchSparse("sparse", sparse, { filter });
    await store.searchDense("dense", Float32Array.of(1, 0));
    await store.searchHybrid([{ vector: "sparse", query: sparse, filter }], { fusion: { native: "rrf" } });
    await store.countDims("sparse", [1]);
    const key = "t-_41_22_20or_20_22";
    for (const [call, request] of requests) {
      if (call === "upsert") {
        expect(request.data).toMatchObject([{ key: `${key}/61`, tenant: key, id: "a" }]);
        continue;
      }
      const data = call === "hybridSearch" ? (request.data as Request[]) : [request];
      for (const part of data) {
        const expression = (part.filter ?? part.expr) as string;
        // All else is behind the condition, in parentheses that end with the expression.
        expect(expression).toMatch(new RegExp(`^tenant == "${key}" and \\(.*\\)$`));
        let depth = 0;
        for (const character of expression.slice(expression.indexOf("("), -1)) {
          depth += character === "(" ? 1 : character === ")" ? -1 : 0;
          expect(depth).toBeGreaterThan(0);
        }
      }
      expect(JSON.stringify(request)).not.toContain("partition");
    }
    expect(requests.length).toBe(11);
  });

  it("is a field like others where a server has no partitions", async () => {
    const { client, requests } = fakeClient(false);
    await using store = await MilvusStore.open({ client, vectors, tenant: "acme" });
    const [, made] = requests.find(([call]) => call === "createCollection")!;
    expect((made.fields as Request[]).filter((field) => field.is_partition_key === true)).toEqual([]);
    expect(store.tenant).toBe("acme");
  });

  it("is refused together with partition", async () => {
    const { client } = fakeClient(true);
    const call = MilvusStore.open({ client, vectors, partition: "one", tenant: "one" });
    await expect(call).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      message: expect.stringContaining("partition and tenant"),
    });
  });
});
