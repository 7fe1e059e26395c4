import { SparseVector, type StoredDocument } from "@sparse-encoder/core";
import { OpenSearchStore } from "@sparse-encoder/core/stores";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { networkCases, vectors } from "../helpers/network-cases.ts";
import { because } from "./engines.ts";
import { OpenSearchCluster } from "./servers/opensearch-server.ts";

const { opensearch, missing } = inject("servers");
/** These tests kill nodes and change settings, so the server must be of this run. */
const url = opensearch?.isOwn === true ? opensearch.url : undefined;
const reason = opensearch?.isOwn === false ? "not on a server of others" : missing.opensearch;

function documentOf(number: number): StoredDocument {
  return {
    id: `d${number}`,
    text: `text ${number}`,
    metadata: { number },
    vectors: {
      sparse: SparseVector.from({ [number % 100]: 1 + number / 1000, [(number * 7) % 100]: 0.5 }, 100),
      dense: Float32Array.of(1, number),
    },
  };
}

describe.skipIf(url === undefined)(`an OpenSearch without plugins${because(reason)}`, () => {
  let cluster: OpenSearchCluster;
  beforeAll(async () => {
    cluster = await OpenSearchCluster.start(1, { withPlugins: false });
  }, 300_000);
  afterAll(() => cluster?.stop());

  it.each([
    ["sparse", { sparse: vectors.sparse }, "neural_sparse"],
    ["dense", { dense: vectors.dense }, "knn_vector"],
  ])("is refused for %s vectors", async (index, own, missing) => {
    await expect(OpenSearchStore.open({ url: cluster.url, vectors: own, index })).rejects.toMatchObject({
      code: "STORE_UNSUPPORTED",
      message: expect.stringContaining(missing),
    });
  });
});

describe.skipIf(url === undefined)(`OpenSearch under pressure${because(reason)}`, () => {
  const admin = async (method: string, at: string, body: object) => {
    const answer = await fetch(`${url}${at}`, {
      method,
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    expect([at, answer.ok]).toEqual([at, true]);
  };

  it("says that an index takes no writes, and goes on when it does again", async () => {
    await using store = await OpenSearchStore.open({ url: url!, vectors, index: "blocked", refresh: true });
    await store.upsert([documentOf(1)]);
    await admin("PUT", "/blocked/_settings", { "index.blocks.write": true });
    await expect(store.upsert([documentOf(2)])).rejects.toMatchObject({
      code: "STORE_FAILED",
      message: expect.stringContaining("lift its block"),
    });
    expect(await store.count()).toBe(1);
    await admin("PUT", "/blocked/_settings", { "index.blocks.write": null });
    await store.upsert([documentOf(2)]);
    expect(await store.count()).toBe(2);
  });

  it("says that a disk is full where its watermark is passed", async () => {
    await using store = await OpenSearchStore.open({ url: url!, vectors, index: "full", refresh: true });
    await admin("PUT", "/full/_settings", { "index.blocks.read_only_allow_delete": true });
    await expect(store.upsert([documentOf(1)])).rejects.toMatchObject({
      code: "STORE_FAILED",
      message: expect.stringMatching(/block|disk/),
    });
    await admin("PUT", "/full/_settings", { "index.blocks.read_only_allow_delete": null });
    await store.upsert([documentOf(1)]);
  });

  it("refuses an index of others and one with other mappings", async () => {
    await admin("PUT", "/foreign", { mappings: { properties: { text: { type: "text" } } } });
    await expect(OpenSearchStore.open({ url: url!, index: "foreign" })).rejects.toMatchObject({
      code: "STORE_MISMATCH",
    });
    await (await OpenSearchStore.open({ url: url!, index: "mine", vectors, model: "one" })).close();
    await expect(OpenSearchStore.open({ url: url!, index: "mine", model: "two" })).rejects.toMatchObject({
      code: "STORE_MISMATCH",
    });
  });
});

describe.skipIf(url === undefined)(`a faulty network before OpenSearch${because(reason)}`, () => {
  networkCases(
    "opensearch",
    () => Number(new URL(url!).port),
    (port, { name, ...options }) =>
      OpenSearchStore.open({
        url: `http://127.0.0.1:${port}`,
        vectors,
        index: name,
        refresh: true,
        ...options,
      }),
  );
});
