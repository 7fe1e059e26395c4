import { readFileSync } from "node:fs";

/** Where the servers are that the tests run on. It goes from the process that starts them to the tests, so it is plain data. */
export interface Servers {
  /**
   * What the names of all collections, indexes and databases start with that this run makes: a random part is in it, so they
   * are nobody else's. What starts with it is removed at the end.
   */
  readonly prefix: string;
  readonly postgres: { readonly url: string; readonly what: string };
  readonly milvus: MilvusAddress;
  readonly opensearch: OpenSearchAddress | undefined;
  readonly qdrant: QdrantAddress | undefined;
  /** Why a server cannot run here, for the names of tests; empty if it runs. */
  readonly missing: { readonly opensearch: string; readonly qdrant: string };
  /** Where the packages of the servers are; undefined where they were not needed. */
  readonly packages: string | undefined;
}

export interface MilvusAddress {
  readonly address: string;
  readonly token?: string | undefined;
  /** What runs there, for the names of tests. */
  readonly what: string;
  /** True for Milvus Lite, which lacks some of what Milvus has. */
  readonly isLite: boolean;
}

export interface OpenSearchAddress {
  readonly url: string;
  readonly auth?: { readonly username: string; readonly password: string } | undefined;
  readonly tls?: { readonly ca: string } | undefined;
  readonly what: string;
  /** True for a server that these tests started: its settings may be changed. */
  readonly isOwn: boolean;
}

export interface QdrantAddress {
  readonly url: string;
  readonly apiKey?: string | undefined;
  readonly what: string;
  /** The interpreter that has Qdrant's engine; undefined for a server. */
  readonly python?: string | undefined;
}

/** What the environment names. */
export interface GivenServers {
  readonly postgres: string | undefined;
  readonly milvus: MilvusAddress | undefined;
  readonly opensearch: OpenSearchAddress | undefined;
  readonly qdrant: QdrantAddress | undefined;
}

/**
 * The servers that the environment names: `POSTGRES_URL`; `MILVUS_ADDRESS`, `MILVUS_TOKEN`; `OPENSEARCH_URL`, with a user and
 * password in it if need be, `OPENSEARCH_CA`, a file; `QDRANT_URL`, `QDRANT_API_KEY`.
 */
export function givenServers(environment: NodeJS.ProcessEnv = process.env): GivenServers {
  const { POSTGRES_URL, MILVUS_ADDRESS, MILVUS_TOKEN, OPENSEARCH_URL, OPENSEARCH_CA } = environment;
  const { QDRANT_URL, QDRANT_API_KEY } = environment;
  return {
    postgres: POSTGRES_URL,
    milvus:
      MILVUS_ADDRESS === undefined
        ? undefined
        : {
            address: MILVUS_ADDRESS,
            token: MILVUS_TOKEN,
            what: "the Milvus of MILVUS_ADDRESS",
            isLite: false,
          },
    opensearch: OPENSEARCH_URL === undefined ? undefined : openSearchOf(OPENSEARCH_URL, OPENSEARCH_CA),
    qdrant:
      QDRANT_URL === undefined
        ? undefined
        : { url: QDRANT_URL, apiKey: QDRANT_API_KEY, what: "the Qdrant of QDRANT_URL" },
  };
}

function openSearchOf(address: string, authority: string | undefined): OpenSearchAddress {
  const url = new URL(address);
  const { username, password, origin } = url;
  return {
    url: origin,
    auth:
      username === ""
        ? undefined
        : { username: decodeURIComponent(username), password: decodeURIComponent(password) },
    tls: authority === undefined ? undefined : { ca: readFileSync(authority, "utf8") },
    what: "the OpenSearch of OPENSEARCH_URL",
    isOwn: false,
  };
}
