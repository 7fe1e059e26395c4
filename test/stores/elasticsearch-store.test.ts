import { SparseVector } from "@sparse-encoder/core";
import { ElasticsearchStore, type Filter, OpenSearchStore } from "@sparse-encoder/core/stores";
import { storeConformance } from "@sparse-encoder/core/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Random } from "../../packages/core/src/testing/random.ts";
import {
  conformanceVectors,
  randomDocument,
  randomFilter,
} from "../../packages/core/src/testing/store-documents.ts";
import { StoreOracle } from "../../packages/core/src/testing/store-oracle.ts";
import { FakeElasticsearch } from "../fakes/elasticsearch/fake-elasticsearch.ts";
import { Refusal } from "../fakes/fake-server.ts";
import { FakeOpenSearch } from "../fakes/opensearch/fake-opensearch.ts";
import { codeOf, smallVectors as vectors } from "../helpers/small-documents.ts";
import { tenantCases } from "../helpers/tenant-cases.ts";
import { clusterCases } from "./cluster-cases.ts";

let fake: FakeElasticsearch;
beforeEach(async () => {
  fake = await FakeElasticsearch.start();
});
afterEach(() => fake.stop());

const open = (options: Parameters<typeof ElasticsearchStore.open>[0] = {}) =>
  ElasticsearchStore.open({ url: fake.url, vectors, ...options });

describe.each([
  ["9.2.0", true],
  ["8.15.0", true],
  // The fake's graph finds all; what a real one misses is not its matter.
  ["9.2.0", false],
])("ElasticsearchStore on a fake of documented requests, version %s, exact: %s", (number, exact) => {
  for (const { name, run } of storeConformance((given) => {
    fake.version = { number, build_flavor: "default" };
    return open({ vectors: given, exact });
  })) {
    it(name, run);
  }
});

describe("ElasticsearchStore", () => {
  clusterCases(
    () => FakeElasticsearch.start(),
    (options) => ElasticsearchStore.open(options),
  );

  it("means by 500 random filters what they say", async () => {
    const random = new Random(77);
    const oracle = new StoreOracle();
    const documents = Array.from({ length: 60 }, (_, number) => randomDocument(random, `d${number}`));
    oracle.upsert(documents);
    await using store = await open({ vectors: conformanceVectors });
    await store.upsert(documents);
    for (let run = 0; run < 500; run++) {
      const filter: Filter = randomFilter(random, store.capabilities.filters, 3);
      const ids: string[] = [];
      for await (const { id } of store.iterate({ filter })) ids.push(id);
      expect([ids, filter]).toEqual([oracle.ids(filter), filter]);
    }
  }, 120_000);

  it("opens an index for approximate search only if it has a graph", async () => {
    await (await open({ index: "compared" })).close();
    await (await open({ index: "graph", exact: false })).close();
    const error = await open({ index: "compared", exact: false }).catch((thrown: Error) => thrown);
    expect(error).toMatchObject({
      code: "STORE_MISMATCH",
      message: expect.stringMatching(/vector_\d has index false, not true.*copyStore/),
    });
    await (await open({ index: "graph" })).close();
  });

  it("fuses by rrf as the formula says, and refuses what the engine cannot", async () => {
    await using store = await open();
    await store.upsert(
      [
        { id: "a", weight: 3, dense: [1, 0] },
        { id: "b", weight: 2, dense: [0, 1] },
        { id: "c", weight: 1, dense: [1, 1] },
      ].map(({ id, weight, dense }) => ({
        id,
        text: id,
        metadata: {},
        vectors: { sparse: SparseVector.from({ 1: weight }, 10), dense: Float32Array.from(dense) },
      })),
    );
    const sparse = { vector: "sparse", query: SparseVector.from({ 1: 1 }, 10), k: 3 };
    const dense = { vector: "dense", query: Float32Array.of(0, 1), k: 3 };
    // By sparse vectors a, b, c; by dense ones b, c, a.
    const hits = await store.searchHybrid([sparse, dense], { fusion: { native: "rrf", k: 60 }, k: 3 });
    expect(hits.map(({ id }) => id)).toEqual(["b", "a", "c"]);
    const wanted = [1 / 62 + 1 / 61, 1 / 61 + 1 / 63, 1 / 63 + 1 / 62];
    for (const [rank, { score }] of hits.entries()) expect(score).toBeCloseTo(wanted[rank]!, 6);
    for (const [searches, fusion, k] of [
      [[sparse], { native: "rrf" }, 3],
      [[sparse, { ...dense, k: 2 }], { native: "rrf" }, 2],
      [[sparse, { ...dense, weight: 2 }], { native: "rrf" }, 3],
      [[sparse, dense], { native: "rrf" }, 4],
      [[sparse, dense], { native: "minMax" }, 3],
    ] as const) {
      expect(await codeOf(store.searchHybrid([...searches], { fusion, k }))).toBe("STORE_UNSUPPORTED");
    }
    fake.failures.push(
      new Refusal(
        403,
        "current license is non-compliant for [Reciprocal Rank Fusion (RRF)]",
        "security_exception",
      ),
    );
    await expect(
      store.searchHybrid([sparse, dense], { fusion: { native: "rrf" }, k: 3 }),
    ).rejects.toMatchObject({
      code: "STORE_UNSUPPORTED",
      message: expect.stringContaining("licence"),
    });
  });

  it.each([
    [{ number: "8.14.3" }, /Elasticsearch 8\.15 or later; the server is version '8\.14\.3'/],
    [{ number: "7.17.0" }, /Elasticsearch 8\.15 or later/],
    [
      { number: "2.19.1", distribution: "opensearch" },
      /the server is opensearch 2\.19\.1\. Use OpenSearchStore/,
    ],
  ])("refuses by name a server that says it is %o", async (version, message) => {
    fake.version = version;
    // A server as old as these would refuse the client's version too, before it tells its own.
    const client = {
      transport: { request: async () => ({ version }) },
      close: async () => {},
    };
    await expect(ElasticsearchStore.open({ client, vectors })).rejects.toMatchObject({
      code: "STORE_UNSUPPORTED",
      message: expect.stringMatching(message),
    });
  });

  it("takes a serverless project, whose number says nothing", async () => {
    fake.version = { number: "8.11.0", build_flavor: "serverless" };
    await (await open()).close();
  });

  it("and OpenSearchStore refuse each other's servers by name", async () => {
    const other = await FakeOpenSearch.start();
    await expect(ElasticsearchStore.open({ url: other.url, vectors })).rejects.toMatchObject({
      code: "STORE_UNSUPPORTED",
      message: expect.stringContaining("OpenSearchStore"),
    });
    await expect(OpenSearchStore.open({ url: fake.url, vectors })).rejects.toMatchObject({
      code: "STORE_UNSUPPORTED",
      message: expect.stringContaining("ElasticsearchStore"),
    });
    await other.stop();
  });

  it("says which client a server needs that is older than the client", async () => {
    fake.version = { number: "7.17.0" };
    await expect(open({ retries: 0 })).rejects.toMatchObject({
      code: "STORE_UNSUPPORTED",
      message: expect.stringContaining("npm install @elastic/elasticsearch@8"),
    });
  });

  it("takes an API key, and says that one is wrong without it", async () => {
    fake.apiKey = "right";
    const error = await open({ auth: { apiKey: "s3cret" } }).catch((thrown: Error) => thrown);
    expect(error).toMatchObject({ code: "STORE_FAILED", message: expect.stringContaining("auth") });
    const { message, stack, cause } = error as Error;
    expect(`${message} ${stack} ${cause} ${JSON.stringify(cause)}`).not.toContain("s3cret");
    await (await open({ auth: { apiKey: "right" } })).close();
  });

  it.each([
    {},
    { username: "ada" },
    { username: "ada", password: "s3cret", apiKey: "s3cret" },
    { apiKey: 5 },
    { apiKey: "s3cret", bearer: "s3cret" },
    "s3cret",
    null,
  ])("refuses auth that is neither a user nor a key, without showing it: case %#", async (auth) => {
    const error = (await open({ auth } as never).catch((thrown: unknown) => thrown)) as Error;
    expect(error).toMatchObject({
      code: "INVALID_ARGUMENT",
      message: expect.stringContaining("{ username, password } or { apiKey }"),
    });
    expect(error.message).not.toContain("s3cret");
  });
});

describe("tenants of an ElasticsearchStore on a fake of documented requests", () => {
  for (const { name, run } of tenantCases((index, options) => open({ index, ...options }), { calls: 200 })) {
    it(name, run);
  }
});
