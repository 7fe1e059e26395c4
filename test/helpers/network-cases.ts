import { SparseEncoderError, SparseVector, type Store, type StoredDocument } from "@sparse-encoder/core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { FaultyProxy, type ProxyFaults } from "../fakes/faulty-proxy.ts";

export const vectors = {
  sparse: { kind: "sparse", dimension: 100 },
  dense: { kind: "dense", dimension: 2 },
} as const;

/** Documents of the ingestion of that number. */
export function ingestion(number: number, size = 40): StoredDocument[] {
  return Array.from({ length: size }, (_, n) => ({
    id: `${number}-${n}`,
    text: `text ${n} of ${number}`.repeat(20),
    metadata: { number },
    vectors: { sparse: SparseVector.from({ [n]: 1 }, 100), dense: Float32Array.of(1, n) },
  }));
}

/** Opens a store through a port of this machine. */
export type OpenThrough = (
  port: number,
  options: { readonly name: string; readonly retries: number; readonly timeout: number },
) => Promise<Store>;

/**
 * Tests that a store bears a faulty network before its server.
 * @param engine the name of the store
 * @param target the port of the server
 */
export function networkCases(engine: string, target: () => number, openThrough: OpenThrough): void {
  let proxy: FaultyProxy;
  beforeAll(async () => {
    proxy = await FaultyProxy.start(target());
  });
  afterAll(() => proxy.stop());
  const open = (name: string, retries: number, timeout = 5000) =>
    openThrough(proxy.port, { name, retries, timeout });

  it("changes nothing by delays and small pieces", async () => {
    proxy.faults = [{ delay: 1, pieces: 1000 }];
    await using store = await open("slow", 0);
    await store.upsert(ingestion(1, 20));
    expect(await store.count()).toBe(20);
    expect(await store.searchSparse("sparse", SparseVector.from({ 3: 2 }, 100))).toMatchObject([
      { id: "1-3", score: 2 },
    ]);
  });

  it("gives each call its own answer, in whatever order the answers come", async () => {
    // The first connections are the slowest, so later questions are answered before earlier ones.
    proxy.faults = Array.from({ length: 40 }, (_, n) => ({ delay: Math.max(0, 30 - 5 * n) }));
    proxy.disconnect();
    await using store = await open("order", 0);
    await store.upsert(ingestion(1));
    const order: number[] = [];
    await Promise.all(
      Array.from({ length: 40 }, async (_, n) => {
        const [hits, [document]] = await Promise.all([
          store.searchSparse("sparse", SparseVector.from({ [n]: 1 }, 100)),
          store.get([`1-${n}`]),
        ]);
        order.push(n);
        expect(hits.map(({ id }) => id)).toEqual([`1-${n}`]);
        expect(document?.id).toBe(`1-${n}`);
      }),
    );
    expect(order.length).toBe(40);
  });

  it("keeps what was acknowledged when connections are cut, and gives no part of an answer", async () => {
    proxy.faults = [{}];
    await (await open("cut", 0)).close();
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
        await using store = await open("cut", 0);
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
      await using store = await open("cut", 3);
      const stored = await store.count({ filter: { number } });
      expect(outcome === undefined ? [100] : [0, 100]).toContain(stored);
      await store.upsert(documents);
      expect(await store.count({ filter: { number } })).toBe(100);
    }
    expect(failed).toBeGreaterThan(0);
  });

  it("goes on by itself after a connection that was lost, if it may try again", async () => {
    proxy.faults = [{}];
    await using store = await open("again", 5);
    for (let number = 0; number < 5; number++) {
      proxy.disconnect();
      await store.upsert(ingestion(number, 10));
      proxy.disconnect();
      expect(await store.count()).toBe(10 * (number + 1));
    }
  });

  it("says that a server did not answer in time, by the store's name and the option to raise", async () => {
    proxy.faults = [{}];
    // The other tries are for the connections that are ended below; time-outs are not tried again.
    await using store = await open("silent", 3, 700);
    await store.upsert(ingestion(1, 2));
    proxy.faults = [{ delay: 1_000_000 }];
    proxy.disconnect();
    const error: unknown = await store.count().catch((thrown: unknown) => thrown);
    if (!SparseEncoderError.is(error, "STORE_FAILED")) throw error;
    expect(error.message).toContain(`The ${engine} store failed`);
    expect(error.message).toContain("timeout");
    proxy.faults = [{}];
    proxy.disconnect();
  });
}
