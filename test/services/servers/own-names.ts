import { randomBytes } from "node:crypto";
import { Client } from "@opensearch-project/opensearch";
import { QdrantClient } from "@qdrant/js-client-rest";
import { MilvusClient } from "@zilliz/milvus2-sdk-node";
import pg from "pg";
import type { MilvusAddress, OpenSearchAddress, QdrantAddress } from "./addresses.ts";

/** A beginning of names that no server has yet: small letters, digits and _, with a letter first. */
export const newPrefix = () => `sparse_encoder_test_${randomBytes(8).toString("hex")}_`;

/** A server on which a run makes collections of its own. */
export interface NamedServer {
  /** Names of all that is there. */
  list(): Promise<string[]>;
  remove(name: string): Promise<unknown>;
  close(): Promise<unknown>;
}

/** @throws Error if something of this beginning is there: it was not made by this run, which would remove it */
export async function checkUnused(what: string, server: NamedServer, prefix: string): Promise<void> {
  const taken = (await server.list()).filter((name) => name.startsWith(prefix));
  if (taken.length > 0) throw new Error(`${what} has ${taken.join(", ")}, which this run did not make`);
}

/** Removes what this run made, and nothing else. */
export async function removeOwn(server: NamedServer, prefix: string): Promise<void> {
  for (const name of await server.list()) if (name.startsWith(prefix)) await server.remove(name);
}

export function namedQdrant({ url, apiKey }: QdrantAddress): NamedServer {
  const client = new QdrantClient({
    url,
    checkCompatibility: false,
    ...(apiKey === undefined ? {} : { apiKey }),
  });
  return {
    list: async () => (await client.getCollections()).collections.map(({ name }) => name),
    remove: (name) => client.deleteCollection(name),
    close: async () => {},
  };
}

export function namedOpenSearch({ url, auth, tls }: OpenSearchAddress): NamedServer {
  const client = new Client({
    node: url,
    ...(auth === undefined ? {} : { auth: { ...auth } }),
    ...(tls === undefined ? {} : { ssl: tls }),
  });
  return {
    list: async () => {
      const { body } = await client.cat.indices({ format: "json", h: ["index"] });
      return (body as { index: string }[]).map(({ index }) => index);
    },
    remove: (index) => client.indices.delete({ index }),
    close: () => client.close(),
  };
}

export function namedMilvus({ address, token }: MilvusAddress): NamedServer {
  const client = new MilvusClient({
    address,
    logLevel: "error",
    ...(token === undefined ? {} : { token }),
  });
  return {
    list: async () => (await client.showCollections()).data.map(({ name }) => name),
    remove: (name) => client.dropCollection({ collection_name: name }),
    close: () => client.closeConnection(),
  };
}

/** A database that a run makes on a server, and removes. */
export class OwnDatabase {
  readonly url: string;
  private readonly server: string;
  private readonly name: string;

  private constructor(server: string, name: string) {
    const url = new URL(server);
    url.pathname = `/${name}`;
    this.url = url.href;
    this.server = server;
    this.name = name;
  }

  /** @param server whose user may make databases, and the extension `vector` in them */
  static async create(server: string, name: string): Promise<OwnDatabase> {
    const database = new OwnDatabase(server, name);
    // It fails if there is one of that name.
    await database.query(`CREATE DATABASE ${name}`);
    return database;
  }

  async remove(): Promise<void> {
    await this.query(`DROP DATABASE ${this.name} WITH (FORCE)`);
  }

  private async query(sql: string): Promise<void> {
    const pool = new pg.Pool({ connectionString: this.server, connectionTimeoutMillis: 10_000 });
    try {
      await pool.query({ text: sql });
    } finally {
      await pool.end();
    }
  }
}
