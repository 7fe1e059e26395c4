import { SparseEncoderError } from "../../errors.ts";
import { messageOf } from "../engine/network-failure.ts";
import { askIfAllowed, checkServerVersion } from "../engine/server-version.ts";
import type { ResolvedField } from "../vector-fields.ts";
import type { OpenSearchConnection } from "./opensearch-client.ts";

/** From this one on `neural_sparse` takes weights of dims instead of a text. */
const neededVersion = { store: "opensearch", server: "OpenSearch", minimum: [2, 12] } as const;

/** What a server says that lacks the plugin k-NN, or neural-search. */
export const missingPlugin =
  /unknown query \[neural_sparse\]|No handler for type \[knn_vector\]|script_lang not supported \[knn\]/;

export const pluginAdvice =
  "The cluster lacks a plugin: install opensearch-knn and opensearch-neural-search on all of its nodes.";

/**
 * Checks what the cluster is, as far as it tells.
 * @throws SparseEncoderError `STORE_UNSUPPORTED`; errors of the client
 */
export async function checkServer(client: OpenSearchConnection): Promise<void> {
  const info = await askIfAllowed(async () => client.info?.());
  const { version } = (info?.body ?? {}) as { version?: { number?: unknown; distribution?: unknown } };
  if (version?.number !== undefined && version.distribution === undefined) {
    throw new SparseEncoderError(
      "STORE_UNSUPPORTED",
      `The opensearch store needs an OpenSearch; the server is another one, version ${String(version.number)}, such as Elasticsearch. For that use ElasticsearchStore.`,
    );
  }
  checkServerVersion(neededVersion, version?.number);
}

/**
 * Makes a request that needs a plugin.
 * @throws SparseEncoderError `STORE_UNSUPPORTED` if the cluster lacks it; errors of the client
 */
export async function needingPlugins<Result>(request: () => Promise<Result>): Promise<Result> {
  try {
    return await request();
  } catch (error) {
    const reason = (error as { body?: { error?: { reason?: unknown } } }).body?.error?.reason;
    if (!missingPlugin.test(`${messageOf(error)} ${String(reason)}`)) throw error;
    throw new SparseEncoderError(
      "STORE_UNSUPPORTED",
      `The opensearch store needs the plugins k-NN and neural-search (${String(reason)}). ${pluginAdvice}`,
    );
  }
}

/** Asks for nothing by the query that searches of sparse vectors use: only the plugin neural-search knows it. */
export async function checkSparseSearch(
  client: OpenSearchConnection,
  index: string,
  fields: ReadonlyMap<string, ResolvedField>,
  fieldName: (position: number) => string,
): Promise<void> {
  const position = [...fields.values()].findIndex(({ kind }) => kind === "sparse");
  if (position < 0) return;
  const query = { neural_sparse: { [fieldName(position)]: { query_tokens: { 0: 1 } } } };
  await needingPlugins(() => client.search({ index, body: { size: 0, query } }));
}
