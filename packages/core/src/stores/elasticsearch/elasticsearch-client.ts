import type { OpenSearchConnection } from "../opensearch/opensearch-client.ts";

/** A request of the transport. */
interface TransportRequest {
  readonly method: string;
  readonly path: string;
  readonly querystring?: Record<string, string>;
  readonly body?: Record<string, unknown>;
  readonly bulkBody?: Record<string, unknown>[];
}

/**
 * As much of `Client` of the package `@elastic/elasticsearch` as is used: requests by their path, which are the same in all its
 * versions.
 */
export interface ElasticsearchConnection {
  readonly transport: { request(request: TransportRequest): Promise<unknown> };
  close(): Promise<void>;
}

/** Requests as the backend makes them. */
interface OfIndex {
  readonly index: string;
}
interface WithBody extends OfIndex {
  readonly routing?: string;
  readonly body: object;
}
interface OfChanges extends OfIndex {
  readonly refresh: "wait_for" | boolean;
  readonly body: readonly object[];
}

/** The client, asked as the client of OpenSearch is. */
export function asOpenSearch(client: ElasticsearchConnection): OpenSearchConnection {
  const request = async (method: string, path: string, rest: object = {}) => {
    const body = await client.transport.request({ method, path, ...rest });
    // Each caller names the answers of its own request.
    return { body: body as never };
  };
  const post =
    (action: string) =>
    ({ index, body, routing }: WithBody) =>
      request("POST", `/${index}/${action}`, {
        body,
        ...(routing === undefined ? {} : { querystring: { routing } }),
      });
  return {
    info: () => request("GET", "/"),
    indices: {
      create: ({ index, body }: WithBody) => request("PUT", `/${index}`, { body }),
      getMapping: ({ index }: OfIndex) => request("GET", `/${index}/_mapping`),
      getAlias: ({ name }: { readonly name: string }) => request("GET", `/_alias/${name}`),
      updateAliases: ({ body }: { readonly body: object }) => request("POST", "/_aliases", { body }),
      putMapping: ({ index, body }: WithBody) => request("PUT", `/${index}/_mapping`, { body }),
    },
    bulk: ({ index, refresh, body }: OfChanges) =>
      request("POST", `/${index}/_bulk`, { querystring: { refresh: `${refresh}` }, bulkBody: body }),
    mget: post("_mget"),
    count: post("_count"),
    search: post("_search"),
    close: () => client.close(),
  };
}
