import { describe, inject, it } from "vitest";
import { tenantCases } from "../helpers/tenant-cases.ts";
import { because, openMilvus, openOpenSearch, openPostgres, openQdrant } from "./engines.ts";

/** Milliseconds of a case: Milvus takes seconds to open one of the many stores of some cases. */
const timeout = 300_000;

const { milvus, opensearch, postgres, qdrant, missing } = inject("servers");

describe(`tenants of a PostgresStore on ${postgres.what}`, () => {
  for (const { name, run } of tenantCases((table, options) => openPostgres({ table, ...options }))) {
    it(name, run, timeout);
  }
});

describe(`tenants of a MilvusStore on ${milvus.what}`, () => {
  for (const { name, run } of tenantCases((collection, options) => openMilvus({ collection, ...options }))) {
    it(name, run, timeout);
  }
});

describe.skipIf(qdrant === undefined)(
  `tenants of a QdrantStore on ${qdrant?.what}${because(missing.qdrant)}`,
  () => {
    for (const { name, run } of tenantCases((collection, options) =>
      openQdrant({ collection, ...options }),
    )) {
      it(name, run, timeout);
    }
  },
);

describe.skipIf(opensearch === undefined)(
  `tenants of an OpenSearchStore on ${opensearch?.what}${because(missing.opensearch)}`,
  () => {
    for (const { name, run } of tenantCases((index, options) => openOpenSearch({ index, ...options }))) {
      it(name, run, timeout);
    }
  },
);
