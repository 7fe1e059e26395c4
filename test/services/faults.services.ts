import { setTimeout as sleep } from "node:timers/promises";
import {
  MilvusStore,
  PostgresStore,
  SparseEncoderError,
  SparseVector,
  type StoredDocument,
} from "@sparse-encoder/core";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { FaultyProxy, type ProxyFaults } from "./faulty-proxy.ts";
import { PostgresServer } from "./postgres-server.ts";

const vectors = {
  sparse: { kind: "sparse", dimension: 100 },
  dense: { kind: "dense", dimension: 2 },
} as const;

function ingestion(number: number, size = 40): StoredDocument[] {
  return Array.from({ length: size }, (_, n) => ({
    id: `${number}-${n}`,
    text: `text ${n} of ${number}`.repeat(20),
    metadata: { number },
    vectors: { sparse: SparseVector.from({ [n]: 1 }, 100), dense: Float32Array.of(1, n) },
  }));
}

describe("a Postgres server that is killed and restarted in the middle of 100 ingestions", () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await PostgresServer.start(inject("packages"));
  });
  afterAll(() => server.stop());

  it.each([0, 8])(
    "keeps what was acknowledged, and all or none of each call, with %i retries",
    async (retries) => {
      const options = { url: server.url, vectors, table: `with_${retries}`, retries };
      const store = await PostgresStore.open(options);
      const acknowledged = new Set<number>();
      const failures: unknown[] = [];
      let next = 0;
      const work = async () => {
        while (next < 100) {
          const number = next++;
          await store.upsert(ingestion(number)).then(
            () => acknowledged.add(number),
            (error: unknown) => failures.push(error),
          );
          await sleep(20);
        }
      };
      const killing = (async () => {
        for (let kill = 0; kill < 3; kill++) {
          await sleep(100);
          await server.kill();
          await server.start();
        }
      })();
      await Promise.all([work(), work(), work(), killing]);
      for (const error of failures) {
        expect(error).toMatchObject({ code: "STORE_FAILED", message: expect.stringContaining("postgres") });
      }
      // Without another try the kills must be felt, or nothing was shown.
      expect(failures.length > 0).toBe(retries === 0);
      await using fresh = await PostgresStore.open({ ...options, retries: 5 });
      for (let number = 0; number < 100; number++) {
        const stored = await fresh.count({ filter: { number } });
        if (acknowledged.has(number)) expect(stored).toBe(40);
        else expect([0, 40]).toContain(stored);
      }
      for (let number = 0; number < 100; number++) await fresh.upsert(ingestion(number));
      expect(await fresh.count()).toBe(4000);
      await store.close();
    },
  );
});

describe.each(["postgres", "milvus"] as const)("a faulty network before %s", (engine) => {
  let proxy: FaultyProxy;
  const target = inject(engine);
  const port = Number(/:(\d+)(?:\/|$)/.exec(target)![1]);
  beforeAll(async () => {
    proxy = await FaultyProxy.start(port);
  });
  afterAll(() => proxy.stop());

  const open = (retries: number, name: string) => {
    const through = target.replace(`:${port}`, `:${proxy.port}`);
    return engine === "postgres"
      ? PostgresStore.open({ url: through, vectors, table: name, retries, connections: 2 })
      : MilvusStore.open({ address: through, vectors, collection: name, retries, timeout: 5000 });
  };

  it("changes nothing by delays and small pieces", async () => {
    proxy.faults = [{ delay: 1, pieces: 1000 }];
    await using store = await open(0, "slow");
    await store.upsert(ingestion(1, 20));
    expect(await store.count()).toBe(20);
    expect(await store.searchSparse("sparse", SparseVector.from({ 3: 2 }, 100))).toMatchObject([
      { id: "1-3", score: 2 },
    ]);
  });

  it("keeps what was acknowledged when connections are cut, and gives no part of an answer", async () => {
    proxy.faults = [{}];
    await (await open(0, "cut")).close();
    const cuts: ProxyFaults[] = [500, 2000, 5000, 9000, 20_000, 40_000].flatMap((bytes) => [
      { cutAfterSent: bytes },
      { cutAfterReceived: bytes },
    ]);
    let failed = 0;
    for (const [number, cut] of cuts.entries()) {
      proxy.faults = [cut];
      proxy.disconnect();
      const documents = ingestion(number, 100);
      const outcome = await (async () => {
        await using store = await open(0, "cut");
        await store.upsert(documents);
        const found = await store.get(documents.map(({ id }) => id));
        // The answer is whole, or there is none.
        expect(found.map((document) => document?.id)).toEqual(documents.map(({ id }) => id));
      })().catch((error: unknown) => error);
      if (outcome !== undefined) {
        if (!SparseEncoderError.is(outcome, "STORE_FAILED")) throw outcome;
        failed++;
      }
      proxy.faults = [{}];
      proxy.disconnect();
      await using store = await open(3, "cut");
      const stored = await store.count({ filter: { number } });
      expect(outcome === undefined ? [100] : [0, 100]).toContain(stored);
      await store.upsert(documents);
      expect(await store.count({ filter: { number } })).toBe(100);
    }
    expect(failed).toBeGreaterThan(0);
  });
});
