import { received, SparseEncoderError } from "../../errors.ts";
import {
  type CheckedCollection,
  type CollectionDescription,
  checkDescription,
  checkOwn,
  newDescription,
  noAliasOfOthers,
} from "../engine/collection-description.ts";
import type { ResolvedField } from "../vector-fields.ts";
import { targetOf } from "./opensearch-alias-target.ts";
import type { OpenSearchConnection } from "./opensearch-client.ts";
import { fieldName, tenantField } from "./opensearch-documents.ts";
import type { ResolvedOpenSearchOptions } from "./opensearch-options.ts";
import type { Property } from "./search-dialect.ts";

/** An index that was opened. */
export interface OpenedIndex {
  readonly collection: CheckedCollection;
  /** Name of the index; never an alias. */
  readonly index: string;
}

/**
 * Makes the index if there is none, and checks the one that is there.
 * @throws SparseEncoderError `STORE_MISMATCH`, `INVALID_ARGUMENT`, `STORE_UNSUPPORTED`; errors of the client
 */
export async function openIndex(
  client: OpenSearchConnection,
  options: ResolvedOpenSearchOptions,
): Promise<OpenedIndex> {
  const { index: name, dialect } = options;
  const place = `The index ${received(name)}`;
  await dialect.checkServer(client);
  if (!(await exists(client, name))) {
    await create(client, options, newDescription(place, options)).catch(unlessMade);
  }
  const index = (await targetOf(client, name)) ?? name;
  const collection = await readIndex(client, { ...options, index });
  await dialect.checkSearch(client, index, collection.fields);
  return { collection, index };
}

/** @throws SparseEncoderError `STORE_MISMATCH` for an index that no store made; errors of the client */
export async function checkMade(client: OpenSearchConnection, index: string): Promise<void> {
  checkOwn(`The index ${received(index)}`, (await mappingOf(client, index))?._meta, noAliasOfOthers);
}

interface Mapping {
  readonly _meta?: unknown;
  readonly properties?: Properties;
}

async function mappingOf(client: OpenSearchConnection, index: string): Promise<Mapping | undefined> {
  const { body } = await client.indices.getMapping({ index });
  return (body as Readonly<Record<string, { mappings?: Mapping }>>)[index]?.mappings;
}

/** Another process may have made the index, or an alias of its name, meanwhile. */
function unlessMade(error: unknown): void {
  const { type, reason } =
    (error as { body?: { error?: { type?: unknown; reason?: unknown } } }).body?.error ?? {};
  if (!/already[ _]exists/.test(`${String(type)} ${String(reason)}`)) throw error;
}

/** Asks by the mapping: a refusal of `HEAD` has no body that would say why. */
export async function exists(client: OpenSearchConnection, index: string): Promise<boolean> {
  try {
    await client.indices.getMapping({ index });
    return true;
  } catch (error) {
    if ((error as { statusCode?: unknown }).statusCode === 404) return false;
    throw error;
  }
}

/**
 * What an index says of itself.
 * @throws SparseEncoderError `STORE_MISMATCH`; errors of the client
 */
export async function readIndex(
  client: OpenSearchConnection,
  options: ResolvedOpenSearchOptions,
): Promise<CheckedCollection> {
  const { index } = options;
  const place = `The index ${received(index)}`;
  const mapping = await mappingOf(client, index);
  const hint = "use the option index for another name.";
  const checked = checkDescription(place, mapping?._meta, options, hint);
  checkMapping(place, options, checked.fields, mapping?.properties ?? {});
  return checked;
}

type Properties = Readonly<Record<string, object>>;

/** @throws SparseEncoderError `STORE_MISMATCH` if a field is not as the store makes it: somebody else changed the mapping */
function checkMapping(
  place: string,
  options: ResolvedOpenSearchOptions,
  fields: ReadonlyMap<string, ResolvedField>,
  properties: Properties,
): void {
  for (const [name, wanted] of Object.entries(propertiesOf(options, fields))) {
    const found = properties[name] as Readonly<Record<string, unknown>> | undefined;
    for (const part of options.dialect.neededParts) {
      if (found?.[part] === wanted[part]) continue;
      throw new SparseEncoderError(
        "STORE_MISMATCH",
        `${place} has a mapping that this store did not make: the field ${name} has ${part} ${received(found?.[part])}, not ${received(wanted[part])}. Make another index and copy the documents with copyStore.`,
      );
    }
  }
}

/** Puts another description of an index in place of its own. */
export async function keepDescription(
  client: OpenSearchConnection,
  { index }: ResolvedOpenSearchOptions,
  description: CollectionDescription,
): Promise<void> {
  await client.indices.putMapping({ index, body: { _meta: description } });
}

async function create(
  client: OpenSearchConnection,
  options: ResolvedOpenSearchOptions,
  description: CollectionDescription,
): Promise<void> {
  const { index, dialect } = options;
  const { maximumDenseDimension } = dialect;
  for (const [name, field] of description.vectors) {
    if (field.kind === "sparse" || field.dimension <= maximumDenseDimension) continue;
    throw new SparseEncoderError(
      "STORE_UNSUPPORTED",
      `The ${dialect.store} store takes at most ${maximumDenseDimension} dimensions of dense vectors; those named ${received(name)} have ${field.dimension}.`,
    );
  }
  const properties = propertiesOf(options, new Map(description.vectors));
  await dialect.create(client, index, { dynamic: false, _meta: description, properties });
}

/** The fields of the documents of an index. */
function propertiesOf(
  { dialect, tenant }: ResolvedOpenSearchOptions,
  fields: ReadonlyMap<string, ResolvedField>,
): Readonly<Record<string, Property>> {
  const properties: Record<string, Property> = {
    key: { type: "keyword" },
    id: { type: "keyword", index: false, doc_values: false },
    text: { type: "keyword", index: false, doc_values: false },
    metadata: { type: "keyword", index: false, doc_values: false },
    terms: { type: "keyword" },
    bounds: { type: "keyword" },
    ...(tenant === undefined ? {} : { [tenantField]: { type: "keyword" } }),
  };
  for (const [position, field] of [...fields.values()].entries()) {
    properties[fieldName(position)] = dialect.property(field);
  }
  return properties;
}
