import { setTimeout as sleep } from "node:timers/promises";
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

/** Kills of a node during writes, and as many during searches; a full run takes 20 and some minutes. */
const kills = Number(process.env.SPARSE_ENCODER_KILLS ?? 2);

/** Milliseconds that a test with kills may take: nodes start slowly on a busy machine. */
const killTime = 120_000 + 100_000 * kills;

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

describe.skipIf(url === undefined)(`three OpenSearch nodes, killed in turn${because(reason)}`, () => {
  let cluster: OpenSearchCluster;
  let store: OpenSearchStore;
  beforeAll(async () => {
    cluster = await OpenSearchCluster.start(3);
    store = await OpenSearchStore.open({
      url: cluster.urls,
      vectors,
      index: "faults",
      refresh: true,
      timeout: 10_000,
      retries: 6,
    });
  }, 300_000);
  afterAll(async () => {
    await store?.close();
    await cluster?.stop();
  });

  /** Kills the nodes one by one and starts each again, while `work` runs. */
  async function withKills(work: (isOver: () => boolean) => Promise<void>): Promise<void> {
    let over = false;
    const working = work(() => over);
    working.catch(() => {});
    for (let kill = 0; kill < kills; kill++) {
      await sleep(500);
      const node = kill % 3;
      await cluster.kill(node);
      await sleep(1500);
      await cluster.startNode(node);
      await cluster.health(3, "green", (node + 1) % 3);
    }
    over = true;
    await working;
  }

  it(
    "lose nothing that was acknowledged",
    async () => {
      const acknowledged = new Set<number>();
      let next = 0;
      await withKills(async (isOver) => {
        const lane = async () => {
          while (!isOver()) {
            const numbers = Array.from({ length: 20 }, () => next++);
            try {
              await store.upsert(numbers.map(documentOf));
              for (const number of numbers) acknowledged.add(number);
            } catch (error) {
              expect(error).toMatchObject({
                code: "STORE_FAILED",
                message: expect.stringContaining("opensearch"),
              });
            }
          }
        };
        await Promise.all([lane(), lane()]);
      });
      expect(acknowledged.size).toBeGreaterThan(100);
      const numbers = [...acknowledged];
      const stored = await store.get(numbers.map((number) => `d${number}`));
      expect(stored).toEqual(numbers.map(documentOf));
    },
    killTime,
  );

  it(
    "rank rightly or say that they cannot",
    async () => {
      const query = SparseVector.from({ 3: 1, 21: 0.3 }, 100);
      const wanted = await store.searchSparse("sparse", query, { k: 20 });
      const wantedDense = await store.searchDense("dense", Float32Array.of(1, 0.01), { k: 20 });
      let answers = 0;
      await withKills(async (isOver) => {
        while (!isOver()) {
          try {
            expect(await store.searchSparse("sparse", query, { k: 20 })).toEqual(wanted);
            expect(await store.searchDense("dense", Float32Array.of(1, 0.01), { k: 20 })).toEqual(
              wantedDense,
            );
            answers++;
          } catch (error) {
            expect(error).toMatchObject({
              code: "STORE_FAILED",
              message: expect.stringContaining("opensearch"),
            });
          }
          await sleep(20);
        }
      });
      expect(answers).toBeGreaterThan(10);
    },
    killTime,
  );
});

describe.skipIf(url === undefined)(`an OpenSearch without plugins${because(reason)}`, () => {
  let cluster: OpenSearchCluster;
  beforeAll(async () => {
    cluster = await OpenSearchCluster.start(1, false);
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
