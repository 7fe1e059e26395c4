import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { PGlite } from "@electric-sql/pglite";
import { vector } from "@electric-sql/pglite-pgvector";
import { MemoryStore, type Store, type VectorSchema } from "@sparse-encoder/core";
import { PostgresStore } from "@sparse-encoder/core/stores";
import { afterAll, beforeAll } from "vitest";

/** Opens an empty store for vectors of these kinds and dimensions; the caller closes it. */
export type OpenStore = (vectors: VectorSchema) => Promise<Store>;

/** A store as an adapter's behaviours are tried on it: its name, and what opens an empty one. */
export type StoreKind = readonly [name: string, open: OpenStore];

/** In memory; learns its vectors from what it is given. */
export const memory: StoreKind = ["memory", async () => new MemoryStore()];

/** In a folder, in files that are removed at the end. */
export const memoryOnDisk: StoreKind = ["memory on disk", () => MemoryStore.open(temporaryFolder())];

/** Postgres in this process; to be called where hooks may be registered. */
export function pglite(): StoreKind {
  let client: PGlite;
  let tables = 0;
  beforeAll(async () => {
    // Starting one takes seconds; tables of their own keep the stores apart.
    client = await PGlite.create({ extensions: { vector } });
  });
  afterAll(() => client.close());
  return ["PGlite", (vectors) => PostgresStore.open({ client, table: `t${tables++}`, vectors })];
}

/** Opens the store of a tenant. Stores of one kind are of one collection; the caller closes them. */
export type TenantKind = readonly [name: string, open: (tenant: string) => Promise<Store>];

/** Collections with tenants; to be called where hooks may be registered. */
export function tenantKinds(): TenantKind[] {
  let folder: string;
  let client: PGlite;
  beforeAll(async () => {
    folder = temporaryFolder();
    client = await PGlite.create({ extensions: { vector } });
  });
  afterAll(() => client.close());
  return [
    ["memory on disk", (tenant) => MemoryStore.open(folder, { tenant })],
    ["PGlite", (tenant) => PostgresStore.open({ client, tenant })],
  ];
}

const folders: string[] = [];

/** Is removed at the end of the process. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), "adapter-store-"));
  if (folders.length === 0) {
    process.on("exit", () => {
      for (const one of folders) rmSync(one, { recursive: true, force: true });
    });
  }
  folders.push(folder);
  return folder;
}
