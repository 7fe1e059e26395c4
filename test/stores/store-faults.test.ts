import type { Store } from "@sparse-encoder/core";
import { ElasticsearchStore, OpenSearchStore, QdrantStore } from "@sparse-encoder/core/stores";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FakeElasticsearch } from "../fakes/elasticsearch/fake-elasticsearch.ts";
import { Refusal } from "../fakes/fake-server.ts";
import { FakeOpenSearch } from "../fakes/opensearch/fake-opensearch.ts";
import { FakeQdrant } from "../fakes/qdrant/fake-qdrant.ts";
import { ingestion, networkCases, vectors } from "../helpers/network-cases.ts";

describe("a faulty network before a fake of Qdrant", () => {
  let fake: FakeQdrant;
  beforeAll(async () => {
    fake = await FakeQdrant.start();
  });
  afterAll(() => fake.stop());
  networkCases(
    "qdrant",
    () => fake.port,
    (port, { name, ...options }) =>
      QdrantStore.open({ url: `http://127.0.0.1:${port}`, vectors, collection: name, ...options }),
  );
});

describe("a faulty network before a fake of OpenSearch", () => {
  let fake: FakeOpenSearch;
  beforeAll(async () => {
    fake = await FakeOpenSearch.start();
  });
  afterAll(() => fake.stop());
  networkCases(
    "opensearch",
    () => fake.port,
    (port, { name, ...options }) =>
      OpenSearchStore.open({ url: `http://127.0.0.1:${port}`, vectors, index: name, ...options }),
  );
});

describe("a faulty network before a fake of Elasticsearch", () => {
  let fake: FakeElasticsearch;
  beforeAll(async () => {
    fake = await FakeElasticsearch.start();
  });
  afterAll(() => fake.stop());
  networkCases(
    "elasticsearch",
    () => fake.port,
    (port, { name, ...options }) =>
      ElasticsearchStore.open({ url: `http://127.0.0.1:${port}`, vectors, index: name, ...options }),
  );
});

/** Answers of servers that take no writes, as they are documented or were reported, and what the error must say. */
const refusals = {
  qdrant: [
    {
      when: "its disk is full",
      answer: new Refusal(
        500,
        "Service internal error: No space left on device: WAL buffer size exceeds available disk space",
      ),
      says: "disk is full",
    },
    {
      when: "the key may only read",
      answer: new Refusal(403, "Forbidden: Write access to this collection is required"),
      says: "apiKey",
    },
  ],
  opensearch: [
    {
      when: "the disk of a node is full",
      answer: new Refusal(
        429,
        "index [documents] blocked by: [TOO_MANY_REQUESTS/12/disk usage exceeded flood-stage watermark, index has read-only-allow-delete block];",
        "cluster_block_exception",
      ),
      says: "disk of a node is full",
    },
    {
      when: "the index takes no writes",
      answer: new Refusal(
        403,
        "index [documents] blocked by: [FORBIDDEN/8/index write (api)];",
        "cluster_block_exception",
      ),
      says: "lift its block",
    },
  ],
};

describe("a server that takes no writes", () => {
  it.each(refusals.qdrant)("is told of by the qdrant store when $when", async ({ answer, says }) => {
    const fake = await FakeQdrant.start();
    await using store = await QdrantStore.open({ url: fake.url, vectors, retries: 0 });
    await expectRefusal(store, () => fake.failures.push(answer), "qdrant", says);
    await fake.stop();
  });

  it.each(refusals.opensearch)("is told of by the opensearch store when $when", async ({ answer, says }) => {
    const fake = await FakeOpenSearch.start();
    await using store = await OpenSearchStore.open({ url: fake.url, vectors, retries: 0 });
    await expectRefusal(store, () => fake.failures.push(answer), "opensearch", says);
    // A bulk is answered with success, and its items say no.
    await expectRefusal(store, () => fake.itemFailures.push({ 0: answer }), "opensearch", says);
    await fake.stop();
  });
});

// Both engines refuse with the same words.
describe("an Elasticsearch that takes no writes", () => {
  it.each(refusals.opensearch)("is told of when $when", async ({ answer, says }) => {
    const fake = await FakeElasticsearch.start();
    await using store = await ElasticsearchStore.open({ url: fake.url, vectors, retries: 0 });
    await expectRefusal(store, () => fake.failures.push(answer), "elasticsearch", says);
    await expectRefusal(store, () => fake.itemFailures.push({ 0: answer }), "elasticsearch", says);
    await fake.stop();
  });
});

/** Reads go on, and so do writes once the cause is gone. */
async function expectRefusal(store: Store, refuse: () => void, name: string, says: string): Promise<void> {
  refuse();
  await expect(store.upsert(ingestion(1, 3))).rejects.toMatchObject({
    code: "STORE_FAILED",
    message: expect.stringMatching(new RegExp(`^The ${name} store failed.*${says}`)),
  });
  await store.delete({ filter: {} });
  expect(await store.count()).toBe(0);
  await store.upsert(ingestion(1, 3));
  expect(await store.count()).toBe(3);
  await store.delete({ filter: {} });
}
