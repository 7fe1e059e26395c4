import { MemoryStore, type SparseVector, type Store, type StoredDocument } from "@sparse-encoder/core";
import { OpenSearchStore } from "@sparse-encoder/core/stores";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Random } from "../../packages/core/src/testing/random.ts";
import { NodeKills } from "./node-kills.ts";
import { randomCollection, collectionVectors as vectors } from "./random-collection.ts";
import { expectSameRanking } from "./same-ranking.ts";
import { missingForOpenSearch, OpenSearchCluster } from "./servers/opensearch-server.ts";

/** The clusters of these tests are their own, so a server in OPENSEARCH_URL changes nothing. */
const missing = await missingForOpenSearch();
const because = missing === undefined ? "" : ` (${missing})`;

/** Kills of a node during writes, and as many during searches. `pnpm test:kills` takes 20. */
const kills = Number(process.env.SPARSE_ENCODER_KILLS ?? 2);
const seed = Number(process.env.SPARSE_ENCODER_SEED ?? Date.now() % 2 ** 31);

/** A test ends by itself when nothing changes any more, so this only has to be longer than any run takes. */
const longest = 10_000_000;

const count = 11_429;
const batchSize = 50;
const clusterOptions = { heap: "320m" };

describe.skipIf(missing !== undefined)(`three OpenSearch nodes, killed at random${because}`, () => {
  const documents = [...randomCollection(count)];
  const oracle = new MemoryStore({ vectors });
  const random = new Random(seed);
  let cluster: OpenSearchCluster;
  let store: OpenSearchStore;
  beforeAll(async () => {
    await oracle.upsert(documents);
    cluster = await OpenSearchCluster.start(3, clusterOptions);
    store = await OpenSearchStore.open({
      url: cluster.urls,
      vectors,
      index: "kills",
      refresh: true,
      timeout: 20_000,
      retries: 6,
    });
  }, 600_000);
  afterAll(async () => {
    await store?.close();
    await cluster?.stop();
  });

  it("lose nothing that was acknowledged", { timeout: longest }, async () => {
    const acknowledged = new Set<string>();
    const run = new NodeKills(cluster, "writes", kills, random);
    // Spread over the kills; documents that are there already are written again meanwhile.
    const perKill = Math.ceil(count / kills);
    let next = 0;
    const nextBatch = (): readonly StoredDocument[] => {
      if (next < Math.min(count, perKill * (run.killed + 1))) {
        next += batchSize;
        return documents.slice(next - batchSize, next);
      }
      const start = random.below(Math.min(next, count));
      return documents.slice(start, start + batchSize);
    };
    await run.during(2, async () => {
      const batch = nextBatch();
      await run.attempt(() => store.upsert(batch));
      for (const { id } of batch) acknowledged.add(id);
    });
    const ids = [...acknowledged];
    const [stored, wanted] = await Promise.all([store.get(ids), oracle.get(ids)]);
    const lost = ids.filter((_, position) => stored[position] === undefined);
    run.report({ "documents acknowledged": ids.length, "documents lost": lost.length });
    expect(lost).toEqual([]);
    for (const [position, document] of stored.entries()) expect(document).toEqual(wanted[position]);
    expect(ids.length).toBeGreaterThan(0.5 * count);
    // The same client goes on, and what failed is whole once it is made again.
    await store.upsert(documents);
    expect(await store.count()).toBe(count);
  });

  it("rank as memory does, or say that they cannot", { timeout: longest }, async () => {
    await store.upsert(documents);
    const questions = documents.slice(0, 40).map(({ vectors: { sparse, dense } }) => ({
      sparse: (sparse as SparseVector).topDims(20),
      dense: dense as Float32Array,
    }));
    const ask = (one: Store, { sparse, dense }: (typeof questions)[number]) =>
      Promise.all([
        one.searchSparse("sparse", sparse, { k: 20 }),
        one.searchDense("dense", dense, { k: 20 }),
        one.searchSparse("sparse", sparse, { k: 20, filter: { tags: "t3" } }),
      ]);
    const wanted = await Promise.all(questions.map((question) => ask(oracle, question)));
    const run = new NodeKills(cluster, "searches", kills, random);
    await run.during(2, async () => {
      const number = random.below(questions.length);
      const found = await run.attempt(() => ask(store, questions[number]!));
      for (const [which, hits] of found.entries()) expectSameRanking(hits, wanted[number]![which]!);
    });
    run.report({ "rankings compared": 3 * run.answers });
    expect(run.answers).toBeGreaterThan(10 * kills);
  });
});

describe.skipIf(missing !== undefined)(`OpenSearch with one node of three left${because}`, () => {
  let cluster: OpenSearchCluster;
  beforeAll(async () => {
    cluster = await OpenSearchCluster.start(3, clusterOptions);
  }, 600_000);
  afterAll(() => cluster?.stop());

  it("is said to have no quorum, and works again when it has one", { timeout: longest }, async () => {
    const [document] = [...randomCollection(1)] as [StoredDocument];
    const open = (index: string) =>
      OpenSearchStore.open({ url: cluster.url, vectors, index, refresh: true, retries: 0, timeout: 60_000 });
    await using store = await open("quorum");
    await store.upsert([document]);
    await cluster.health(3, "green");
    await Promise.all([cluster.kill(1), cluster.kill(2)]);
    const opening = (index: string) => messageOf(async () => (await open(index)).close());
    // The node that is left notices after some seconds.
    await expect.poll(() => opening("quorum"), { timeout: 300_000, interval: 500 }).toContain("no quorum");
    expect(await opening("another")).toContain("no quorum");
    // The node waits for the others with a write.
    expect(await messageOf(() => store.upsert([document]))).toMatch(/no quorum|lost nodes/);
    // It may still have the document; an answer is a whole one, or there is none.
    const query = document.vectors.sparse as SparseVector;
    const found = await store.searchSparse("sparse", query).then((hits) => hits.length, nameOf);
    const counted = await store.count().catch(nameOf);
    const read = await store.get([document.id]).then(([one]) => one?.id, nameOf);
    expect([1, "STORE_FAILED"]).toContain(found);
    expect([1, "STORE_FAILED"]).toContain(counted);
    expect([document.id, "STORE_FAILED"]).toContain(read);
    await Promise.all([cluster.startNode(1), cluster.startNode(2)]);
    await cluster.health(3, "green");
    await (await open("quorum")).close();
    await store.upsert([document]);
    expect(await store.count()).toBe(1);
  });
});

/** What a call says when it fails, as it must be said; or that it did not. */
async function messageOf(call: () => Promise<unknown>): Promise<string> {
  try {
    await call();
    return "done";
  } catch (error) {
    const { message } = error as Error;
    expect(nameOf(error)).toBe("STORE_FAILED");
    expect(message).not.toContain("Response Error");
    return message;
  }
}

function nameOf(error: unknown): string {
  return (error as { code?: string }).code ?? String(error);
}
