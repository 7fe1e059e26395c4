import { received, SparseEncoderError } from "../../errors.ts";
import type { OpenSearchConnection } from "./opensearch-client.ts";

/** What a cluster says of an alias: the indexes that it names, and its settings in each. */
type AliasAnswer = Readonly<
  Record<string, { readonly aliases?: Readonly<Record<string, Readonly<Record<string, unknown>>>> }>
>;

/**
 * The index that an alias names; undefined if there is no such alias.
 * @throws SparseEncoderError `STORE_MISMATCH` for one of several indexes, or with settings of its own; errors of the client
 */
export async function targetOf(client: OpenSearchConnection, alias: string): Promise<string | undefined> {
  const answer = await client.indices.getAlias({ name: alias }).catch((error: { statusCode?: unknown }) => {
    if (error.statusCode === 404) return { body: {} };
    throw error;
  });
  const [found, ...others] = Object.entries(answer.body as AliasAnswer);
  if (found === undefined) return undefined;
  const [index, { aliases }] = found;
  if (others.length > 0) {
    throw new SparseEncoderError(
      "STORE_MISMATCH",
      `The index ${received(alias)} is an alias of several indexes; name one of them.`,
    );
  }
  const setting = Object.keys(aliases?.[alias] ?? {}).find((name) => name !== "is_write_index");
  if (setting === undefined) return index;
  throw new SparseEncoderError(
    "STORE_MISMATCH",
    `The index ${received(alias)} is an alias with the setting ${setting}, which a store would pass over; name the index, or an alias without settings.`,
  );
}
