import { SparseEncoderError } from "../../errors.ts";
import type { EngineOpening } from "../engine/engine-client.ts";
import type { EngineRules } from "../engine/engine-requests.ts";
import { messageOf } from "../engine/network-failure.ts";
import { notInstalled } from "../engine/optional-package.ts";
import type { OpenSearchConnection } from "../opensearch/opensearch-client.ts";
import { type RequestRules, rulesOf } from "../opensearch/opensearch-connection.ts";
import { asOpenSearch, type ElasticsearchConnection } from "./elasticsearch-client.ts";
import type { ElasticsearchStoreOptions, ResolvedElasticsearchOptions } from "./elasticsearch-options.ts";

/** It works with servers of its own major version and of the next one. */
const clientPackage = "@elastic/elasticsearch@8";

/**
 * A client of its own for a store.
 * @throws SparseEncoderError `MISSING_PACKAGE`
 */
async function connect(
  { url, auth, tls }: ElasticsearchStoreOptions,
  { timeout }: Pick<ResolvedElasticsearchOptions, "timeout">,
): Promise<ElasticsearchConnection> {
  const { Client } = await import(
    /* webpackIgnore: true */ /* @vite-ignore */ "@elastic/elasticsearch"
  ).catch(notInstalled("An ElasticsearchStore", clientPackage));
  return new Client({
    nodes: typeof url === "string" ? [url] : [...url!],
    requestTimeout: timeout,
    maxRetries: 0,
    ...(auth === undefined ? {} : { auth: { ...auth } }),
    ...(tls === undefined ? {} : { tls: { ...tls } }),
  });
}

/** How a client is come by, and asked. */
export function openingOf(
  options: ElasticsearchStoreOptions,
  checked: RequestRules,
): EngineOpening<OpenSearchConnection> {
  return {
    rules: elasticsearchRules(checked, options.auth),
    client: options.client === undefined ? undefined : asOpenSearch(options.client),
    connect: async () => asOpenSearch(await connect(options, checked)),
    disconnect: (client) => client.close(),
  };
}

/** How requests are made, and what their errors become. */
function elasticsearchRules(options: RequestRules, auth: ElasticsearchStoreOptions["auth"]): EngineRules {
  const secret = auth === undefined ? undefined : "apiKey" in auth ? auth.apiKey : auth.password;
  const rules = rulesOf(options, secret);
  return { ...rules, toFailure: (error) => refusal(error) ?? rules.toFailure(error) };
}

/** What the server or the client cannot do at all. */
const refusals: readonly (readonly [said: RegExp, message: string])[] = [
  [
    /server is not Elasticsearch/,
    "needs an Elasticsearch; the server does not say that it is one. For an OpenSearch use OpenSearchStore",
  ],
  [
    /license is non-compliant/,
    "fuses by rrf only where the cluster's licence allows it; use a fusion of this library, which needs none",
  ],
  [
    /media_type_header_exception|compatible-with/,
    `needs a client of the server's major version or the one before it. Install: npm install ${clientPackage}`,
  ],
];

function refusal(error: unknown): SparseEncoderError | undefined {
  const { body } = error as { body?: { error?: { reason?: unknown } } };
  const text = `${messageOf(error)} ${String(body?.error?.reason ?? "")}`;
  const found = refusals.find(([said]) => said.test(text));
  return found && new SparseEncoderError("STORE_UNSUPPORTED", `The elasticsearch store ${found[1]}.`);
}
