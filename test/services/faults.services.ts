import { setTimeout as sleep } from "node:timers/promises";
import { PostgresStore } from "@sparse-encoder/core/stores";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { ingestion, networkCases, vectors } from "../helpers/network-cases.ts";
import { openMilvus } from "./engines.ts";
import { PostgresServer } from "./servers/postgres-server.ts";

const { packages, postgres, milvus } = inject("servers");

describe.skipIf(packages === undefined)(
  "a Postgres server that is killed and restarted in the middle of 100 ingestions",
  () => {
    let server: PostgresServer;
    beforeAll(async () => {
      server = await PostgresServer.start(packages!);
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
  },
);

const portOf = (address: string) => Number(/:(\d+)(?:\/|$)/.exec(address)?.[1]);

/** The network is at fault in this process, so the server must be on this machine. */
const isElsewhere = (address: string) => !/(^|[/@])(127\.0\.0\.1|localhost):\d/.test(address);

describe.skipIf(isElsewhere(postgres.url))("a faulty network before Postgres", () => {
  const { url } = postgres;
  networkCases(
    "postgres",
    () => portOf(url),
    (port, { name, ...options }) =>
      PostgresStore.open({
        url: url.replace(`:${portOf(url)}`, `:${port}`),
        vectors,
        table: name,
        connections: 2,
        ...options,
      }),
  );
});

describe.skipIf(isElsewhere(milvus.address))("a faulty network before Milvus", () => {
  networkCases(
    "milvus",
    () => portOf(milvus.address),
    (port, { name, ...options }) =>
      openMilvus({ address: `127.0.0.1:${port}`, vectors, collection: name, ...options }),
  );
});
