import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import {
  ElasticsearchStore,
  MilvusStore,
  OpenSearchStore,
  PostgresStore,
  QdrantStore,
} from "@sparse-encoder/core/stores";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FakeElasticsearch } from "../fakes/elasticsearch/fake-elasticsearch.ts";
import { Refusal } from "../fakes/fake-server.ts";
import { FakeOpenSearch } from "../fakes/opensearch/fake-opensearch.ts";
import { FakeQdrant } from "../fakes/qdrant/fake-qdrant.ts";
import { authority, TlsFront } from "../fakes/tls-front.ts";

const vectors = {
  sparse: { kind: "sparse", dimension: 10 },
  dense: { kind: "dense", dimension: 2 },
} as const;

let qdrant: FakeQdrant;
let opensearch: FakeOpenSearch;
const fronts: TlsFront[] = [];
beforeEach(async () => {
  qdrant = await FakeQdrant.start();
  opensearch = await FakeOpenSearch.start();
});
afterEach(async () => {
  for (const front of fronts.splice(0)) await front.stop();
  await Promise.all([qdrant.stop(), opensearch.stop()]);
});

const openQdrant = () => QdrantStore.open({ url: qdrant.url, vectors, retries: 0 });
const openOpenSearch = () => OpenSearchStore.open({ url: opensearch.url, vectors, retries: 0 });

describe("a server of a version that a store does not know", () => {
  it.each(["1.9.0", "0.11.0", "1.15.9"])("is refused by name: Qdrant %s", async (version) => {
    qdrant.version = version;
    await expect(openQdrant()).rejects.toMatchObject({
      code: "STORE_UNSUPPORTED",
      message: expect.stringMatching(new RegExp(`Qdrant 1\\.16 or later; the server is version .${version}`)),
    });
  });

  it.each(["1.16.0", "1.20.1", "2.0.0", "dev"])("is not Qdrant %s", async (version) => {
    qdrant.version = version;
    await (await openQdrant()).close();
  });

  it.each([
    [{ number: "2.9.0", distribution: "opensearch" }, "OpenSearch 2.12 or later"],
    [{ number: "1.3.2", distribution: "opensearch" }, "OpenSearch 2.12 or later"],
    [{ number: "8.15.0", build_flavor: "default" }, "version 8.15.0, such as Elasticsearch"],
  ])("is refused by name: %o", async (version, message) => {
    opensearch.version = version;
    await expect(openOpenSearch()).rejects.toMatchObject({
      code: "STORE_UNSUPPORTED",
      message: expect.stringContaining(message),
    });
  });

  it("is refused by name: Milvus 2.3", async () => {
    const client = { getVersion: async () => ({ version: "v2.3.1" }), closeConnection: async () => {} };
    await expect(MilvusStore.open({ client: client as never, vectors })).rejects.toMatchObject({
      code: "STORE_UNSUPPORTED",
      message: expect.stringContaining("Milvus 2.5 or later"),
    });
  });

  it("is let pass where a user may not ask", async () => {
    qdrant.failures.push(403);
    opensearch.failures.push(403);
    await (await openQdrant()).close();
    await (await openOpenSearch()).close();
  });
});

describe("an OpenSearch", () => {
  it.each([
    "No handler for type [knn_vector] declared on field [vector_1]",
    "unknown query [neural_sparse] did you mean [nested]?",
  ])("without a plugin is refused: %s", async (reason) => {
    // It tells its version and that there is no index; then one request is refused.
    const refusal = new Refusal(400, reason, "parsing_exception");
    const version = { number: "2.19.1", distribution: "opensearch" };
    const refuse = async () =>
      Promise.reject(Object.assign(new Error(reason), { body: { error: { reason } } }));
    const client = {
      info: async () => ({ body: { version } }),
      indices: {
        getMapping: async () => Promise.reject(Object.assign(new Error("none"), { statusCode: 404 })),
        create: refuse,
      },
    };
    await expect(OpenSearchStore.open({ client: client as never, vectors })).rejects.toMatchObject({
      code: "STORE_UNSUPPORTED",
      message: expect.stringContaining("opensearch-neural-search"),
    });
    await using store = await openOpenSearch();
    opensearch.failures.push(refusal);
    await expect(store.count()).rejects.toMatchObject({
      code: "STORE_FAILED",
      message: expect.stringContaining("lacks a plugin"),
    });
  });

  it("with a mapping that somebody else changed is refused", async () => {
    await (await openOpenSearch()).close();
    const index = opensearch.indexes.get("documents")!;
    for (const [name, changed] of [
      ["vector_1", { type: "knn_vector", dimension: 3 }],
      ["vector_0", { type: "keyword" }],
      ["terms", { type: "text" }],
      ["key", undefined],
    ] as const) {
      const properties = { ...index.properties, [name]: changed } as typeof index.properties;
      opensearch.indexes.set("documents", { ...index, properties });
      await expect(openOpenSearch()).rejects.toMatchObject({
        code: "STORE_MISMATCH",
        message: expect.stringContaining(`the field ${name} has`),
      });
    }
    opensearch.indexes.set("documents", index);
    await (await openOpenSearch()).close();
  });

  it.each([
    "blocked by: [SERVICE_UNAVAILABLE/2/no cluster-manager];",
    "cluster_manager_not_discovered_exception",
    "blocked by: [SERVICE_UNAVAILABLE/1/state not recovered / initialized];",
  ])("without a quorum is told of: %s", async (reason) => {
    await using store = await openOpenSearch();
    opensearch.failures.push(new Refusal(503, reason, "cluster_block_exception"));
    await expect(store.count()).rejects.toMatchObject({
      code: "STORE_FAILED",
      message: expect.stringContaining("no quorum"),
    });
  });
});

it("a node without a quorum that tells its version with the status 503 is told of", async () => {
  // What OpenSearch 2.19.1 answers to GET / before it has an elected manager.
  const body = { name: "n", cluster_uuid: "_na_", version: { number: "2.19.1", distribution: "opensearch" } };
  const server = createServer((_, response) => {
    response.writeHead(503, { "content-type": "application/json" }).end(JSON.stringify(body));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  try {
    const options = { url: `http://127.0.0.1:${port}`, vectors, retries: 0 };
    await expect(OpenSearchStore.open(options)).rejects.toMatchObject({
      code: "STORE_FAILED",
      message: expect.stringContaining("no quorum"),
    });
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

it.each([
  ["nothing", ""],
  ["a text", "Service Unavailable"],
  ["an empty object", "{}"],
])("an OpenSearch behind a proxy that answers 503 with %s is told of by the status", async (_, body) => {
  const server = createServer((_, response) => {
    response.writeHead(503, { "content-type": "application/json" }).end(body);
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  try {
    const error = await OpenSearchStore.open({
      url: `http://127.0.0.1:${port}`,
      vectors,
      retries: 0,
    }).catch((thrown: Error) => thrown);
    expect(error).toMatchObject({ code: "STORE_FAILED", message: expect.stringMatching(/503|Service/) });
    expect((error as Error).message).not.toContain("Response Error");
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

describe("a server with a certificate of a private authority", () => {
  const frontOf = async (port: number, certificate: "right" | "wrong", asksFirst = false) => {
    const front = await TlsFront.start(port, certificate, asksFirst);
    fronts.push(front);
    return front.port;
  };
  const untrusted = { code: "STORE_FAILED", message: expect.stringContaining("certificate is not trusted") };
  const secret = "s3cret";
  /** What an error says, without a password in any part of it. */
  const errorOf = async (opening: Promise<unknown>) => {
    const error = (await opening.catch((thrown: unknown) => thrown)) as Error;
    expect(
      `${error.message} ${error.stack} ${String(error.cause)} ${JSON.stringify(error.cause)}`,
    ).not.toContain(secret);
    return error;
  };

  it("is refused by OpenSearchStore, which says how to trust it", async () => {
    const auth = { username: "admin", password: secret };
    const open = async (port: number, tls?: { ca: string }) =>
      OpenSearchStore.open({ url: `https://127.0.0.1:${port}`, auth, tls, vectors, retries: 2 });
    const right = await frontOf(opensearch.port, "right");
    const error = await errorOf(open(right));
    expect(error).toMatchObject(untrusted);
    expect(error.message).toContain("tls: { ca }");
    await (await open(right, { ca: authority })).close();
    const wrong = await errorOf(open(await frontOf(opensearch.port, "wrong"), { ca: authority }));
    expect(wrong).toMatchObject({
      code: "STORE_FAILED",
      message: expect.stringContaining("for another name"),
    });
  });

  it("is refused by ElasticsearchStore, which says how to trust it", async () => {
    const elasticsearch = await FakeElasticsearch.start();
    const auth = { username: "admin", password: secret };
    const open = async (port: number, tls?: { ca: string }) =>
      ElasticsearchStore.open({ url: `https://127.0.0.1:${port}`, auth, tls, vectors, retries: 2 });
    const right = await frontOf(elasticsearch.port, "right");
    const error = await errorOf(open(right));
    expect(error).toMatchObject(untrusted);
    expect(error.message).toContain("tls: { ca }");
    await (await open(right, { ca: authority })).close();
    const wrong = await errorOf(open(await frontOf(elasticsearch.port, "wrong"), { ca: authority }));
    expect(wrong).toMatchObject({
      code: "STORE_FAILED",
      message: expect.stringContaining("for another name"),
    });
    await elasticsearch.stop();
  });

  it("is refused by QdrantStore, which says how to trust it", async () => {
    const port = await frontOf(qdrant.port, "right");
    const open = QdrantStore.open({ url: `https://127.0.0.1:${port}`, apiKey: secret, vectors, retries: 2 });
    const error = await errorOf(open);
    expect(error).toMatchObject(untrusted);
    expect(error.message).toContain("NODE_EXTRA_CA_CERTS");
  });

  it("is refused by PostgresStore, which says how to trust it", async () => {
    const port = await frontOf(qdrant.port, "right", true);
    const url = `postgres://ada:${secret}@127.0.0.1:${port}/search`;
    const error = await errorOf(PostgresStore.open({ url, tls: true, vectors, retries: 0 }));
    expect(error).toMatchObject(untrusted);
  });

  it("is refused by MilvusStore, which says how to trust it", async () => {
    const port = await frontOf(qdrant.port, "right");
    const options = {
      address: `127.0.0.1:${port}`,
      token: `ada:${secret}`,
      tls: true,
      retries: 0,
      timeout: 3000,
    };
    const error = await errorOf(MilvusStore.open({ ...options, vectors }));
    expect(error).toMatchObject(untrusted);
  }, 30_000);
});
