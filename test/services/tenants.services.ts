import { describe, inject, it } from "vitest";
import { tenantCases } from "../helpers/tenant-cases.ts";
import { openPostgres } from "./engines.ts";

const { postgres } = inject("servers");

describe(`tenants of a PostgresStore on ${postgres.what}`, () => {
  for (const { name, run } of tenantCases((table, options) => openPostgres({ table, ...options }))) {
    it(name, run);
  }
});
