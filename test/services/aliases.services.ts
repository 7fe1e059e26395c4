import { MilvusStore, OpenSearchStore, PostgresStore, QdrantStore } from "@sparse-encoder/core/stores";
import pg from "pg";
import { describe, expect, inject, it } from "vitest";
import { type AliasSubject, aliasCases } from "../helpers/alias-cases.ts";
import { because, ownName } from "./engines.ts";

const { opensearch, qdrant, postgres, milvus, missing } = inject("servers");
let names = 0;
const nextName = () => ownName(`alias_${process.pid}_${names++}`);

function declare(subject: AliasSubject): void {
  for (const { name, run } of aliasCases(subject)) it(name, run);
}

const request = async (method: string, url: string, headers: object, body?: object) => {
  const answer = await fetch(url, {
    method,
    headers: { "content-type": "application/json", ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  expect([answer.status, await answer.text()]).toEqual([200, expect.anything()]);
};

describe.skipIf(opensearch === undefined)(
  `aliases of OpenSearchStore on ${opensearch?.what}${because(missing.opensearch)}`,
  () => {
    if (opensearch === undefined) return;
    const { url, auth, tls } = opensearch;
    const where = { url, auth, tls };
    const key = Buffer.from(`${auth?.username}:${auth?.password}`).toString("base64");
    const headers = auth === undefined ? {} : { authorization: `Basic ${key}` };
    declare({
      nextName,
      open: (index, options) => OpenSearchStore.open({ ...where, index, refresh: true, ...options }),
      switchAlias: (target) => OpenSearchStore.switchAlias({ ...where, ...target }),
      drop: (index) => request("DELETE", `${url}/${index}`, headers),
      makeOther: (index) => request("PUT", `${url}/${index}`, headers),
      badNames: ["A", "a b", "a/b", "_a", "a*", "é"],
    });
  },
);

describe.skipIf(qdrant === undefined)(
  `aliases of QdrantStore on ${qdrant?.what}${because(missing.qdrant)}, which has the aliases where the engine has none`,
  () => {
    if (qdrant === undefined) return;
    const { url, apiKey } = qdrant;
    const headers = apiKey === undefined ? {} : { "api-key": apiKey };
    declare({
      nextName,
      open: (collection, options) => QdrantStore.open({ url, apiKey, collection, ...options }),
      switchAlias: (target) => QdrantStore.switchAlias({ url, apiKey, ...target }),
      drop: (collection) => request("DELETE", `${url}/collections/${collection}`, headers),
      makeOther: (collection) =>
        request("PUT", `${url}/collections/${collection}`, headers, {
          vectors: { other: { size: 2, distance: "Dot" } },
        }),
      badNames: ["a b", "a/b", "é"],
    });
  },
);

describe(`aliases of PostgresStore on ${postgres.what}`, () => {
  const { url } = postgres;
  const run = async (sql: string) => {
    const client = new pg.Pool({ connectionString: url, max: 1 });
    try {
      await client.query({ text: sql });
    } finally {
      await client.end();
    }
  };
  declare({
    nextName: () => `alias_${process.pid}_${names++}`,
    open: (table, options) => PostgresStore.open({ url, table, ...options }),
    switchAlias: (target) => PostgresStore.switchAlias({ url, ...target }),
    drop: (table) => run(`DROP TABLE ${table}`),
    makeOther: (table) => run(`CREATE TABLE ${table} (id text)`),
    badNames: ["A", "a b", 'a"b', "1a", "é"],
  });
});

describe(`aliases of MilvusStore on ${milvus.what}`, () => {
  const { address, token } = milvus;
  const vectors = { sparse: { kind: "sparse", dimension: 10 } } as const;

  it.runIf(milvus.isLite)(
    "are refused by name, as Milvus Lite takes them without a word and makes none",
    async () => {
      const collection = nextName();
      await (await MilvusStore.open({ address, token, collection, vectors })).close();
      const call = MilvusStore.switchAlias({ address, token, alias: nextName(), to: collection });
      await expect(call).rejects.toMatchObject({
        code: "STORE_UNSUPPORTED",
        message: expect.stringContaining("no aliases"),
      });
    },
  );
});
