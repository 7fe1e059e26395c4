import { invalidArgument, received, SparseEncoderError } from "../../errors.ts";
import { checkOptionNames } from "../../options/index.ts";
import type { DenseMetric } from "../../vector/index.ts";
import { checkDeclared } from "../engine/collection-description.ts";
import { parseMetadata } from "../engine/stored-text.ts";
import type { FilterNode } from "../filter/filter-node.ts";
import { isPlainObject } from "../plain-object.ts";
import type { MetadataValue } from "../store.ts";
import type { ResolvedField } from "../vector-fields.ts";
import type { QdrantConnection, QdrantPoint } from "./qdrant-client.ts";
import type { QdrantCondition } from "./qdrant-filter.ts";
import type { QdrantFormat } from "./qdrant-format.ts";
import { vectorsOf } from "./qdrant-points.ts";

/** How a collection that another program made keeps documents. The defaults are the defaults of `langchain-qdrant`, in Python. */
export interface QdrantLayout {
  /** Part of the payload that is the text. Default `page_content`. */
  readonly text?: string | undefined;
  /** Part of the payload that is the metadata, an object. Default `metadata`. */
  readonly metadata?: string | undefined;
  /** Qdrant's names for the names of the option `vectors`. Default `{ dense: "", sparse: "langchain-sparse" }`. */
  readonly names?: Readonly<Record<string, string>> | undefined;
}

export type ResolvedLayout = { readonly [Name in keyof QdrantLayout]-?: NonNullable<QdrantLayout[Name]> };

const metrics: Readonly<Record<string, DenseMetric>> = { Cosine: "cosine", Dot: "dot", Euclid: "euclidean" };

const filters = new Set(["$eq", "$ne", "$gt", "$gte", "$lt", "$lte", "$in", "$nin", "$and", "$or", "$not"]);

/** @throws SparseEncoderError `INVALID_ARGUMENT`, `UNKNOWN_OPTION` */
export function checkLayout(call: string, layout: QdrantLayout): ResolvedLayout {
  checkOptionNames(`${call}: layout`, layout, ["text", "metadata", "names"]);
  const { text = "page_content", metadata = "metadata", names = {} } = layout;
  for (const [option, name] of Object.entries({ text, metadata })) {
    if (typeof name === "string" && name !== "") continue;
    throw invalidArgument(`${call}: layout.${option} must be a name, received ${received(name)}.`);
  }
  if (!isPlainObject(names) || !Object.values(names).every((name) => typeof name === "string")) {
    throw invalidArgument(`${call}: layout.names must be names by name, received ${received(names)}.`);
  }
  return { text, metadata, names: { dense: "", sparse: "langchain-sparse", ...names } };
}

/**
 * The vectors of a collection of another program; the options must tell their names and dimensions.
 * @throws SparseEncoderError `STORE_MISMATCH`, `INVALID_ARGUMENT`; errors of the client
 */
export async function openForeign(
  client: QdrantConnection,
  collection: string,
  declared: ReadonlyMap<string, ResolvedField>,
  { vectorName }: QdrantFormat,
): Promise<ReadonlyMap<string, ResolvedField>> {
  const place = `The collection ${received(collection)}`;
  if (!(await client.collectionExists(collection)).exists) {
    throw invalidArgument(`QdrantStore.open: ${place} does not exist; with layout, none is made.`);
  }
  const { config } = (await client.getCollection(collection)) as {
    config: { params: { vectors?: object; sparse_vectors?: object | null } };
  };
  const { vectors = {}, sparse_vectors: sparse } = config.params;
  // One that has no name stands by itself.
  const dense = new Map(Object.entries("size" in vectors ? { "": vectors } : vectors));
  const stored = new Map<string, ResolvedField>();
  for (const [name, field] of declared) {
    const there = vectorName(name);
    const params = dense.get(there) as { size: number; distance: string } | undefined;
    const metric = metrics[params?.distance ?? ""];
    if (params !== undefined && metric !== undefined) {
      stored.set(name, { kind: "dense", dimension: params.size, metric });
    } else if (Object.hasOwn(sparse ?? {}, there)) {
      // Qdrant does not know how many dims there are.
      stored.set(name, { kind: "sparse", dimension: field.dimension });
    }
  }
  checkDeclared(place, stored, declared);
  return stored;
}

/** The format of a layout. The ids of points are the ids of documents. */
export function foreignFormat({ text, metadata, names }: ResolvedLayout): QdrantFormat {
  const vectorName = (name: string) => (Object.hasOwn(names, name) ? names[name]! : name);
  const contentOf = (point: QdrantPoint) => {
    const { [text]: content, [metadata]: data } = point.payload ?? {};
    const isObject = typeof data === "object" && data !== null && !Array.isArray(data);
    return {
      id: String(point.id),
      text: typeof content === "string" ? content : "",
      metadata: parseMetadata(JSON.stringify(isObject ? data : {})),
    };
  };
  return {
    filters,
    hitPayload: [text, metadata],
    idPayload: false,
    toPointId: (id) =>
      /^(0|[1-9]\d{0,15})$/.test(id) && Number.isSafeInteger(Number(id))
        ? Number(id)
        : /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/.test(id)
          ? id
          : undefined,
    idOf: ({ id }) => String(id),
    contentOf,
    toDocument: (point, fields) => ({
      ...contentOf(point),
      vectors: vectorsOf(point, fields, vectorName, {}),
    }),
    vectorName,
    // A point without the vector is none of the points that are compared.
    conditionsOf: () => [],
    compileFilter: (node) => compile(node, metadata),
  };
}

/** The condition of a filter over the metadata themselves. */
function compile(node: FilterNode, metadata: string): QdrantCondition {
  switch (node.type) {
    case "not":
      return { must_not: [compile(node.node, metadata)] };
    case "and":
      return { must: node.nodes.map((part) => compile(part, metadata)) };
    case "or":
      return oneOf(node.nodes.map((part) => compile(part, metadata)));
    case "equal":
      return equals(toKey(metadata, node.path), node.path, node.value);
    case "in": {
      const key = toKey(metadata, node.path);
      return oneOf(node.values.map((value) => equals(key, node.path, value)));
    }
    case "compare":
      if (typeof node.value === "number") {
        return { key: toKey(metadata, node.path), range: { [node.operator]: node.value } };
      }
      throw unsupported(`no order of strings (${node.path.join(".")})`);
    case "contains":
    case "exists":
      throw unsupported(`no $${node.type} (${node.path.join(".")})`);
  }
}

function oneOf(conditions: readonly QdrantCondition[]): QdrantCondition {
  // A list of none would hold for all.
  return conditions.length === 0 ? { has_id: [] } : { should: conditions };
}

function equals(key: string, path: readonly string[], value: MetadataValue): QdrantCondition {
  // Qdrant matches whole numbers only; a range takes 1 for 1.0.
  if (typeof value === "number") return { key, range: { gte: value, lte: value } };
  if (typeof value === "string" || typeof value === "boolean") return { key, match: { value } };
  throw unsupported(`no equality with null (${path.join(".")})`);
}

/** A path of the payload; names of other than letters, digits, _ and - stand in quotes. */
function toKey(metadata: string, path: readonly string[]): string {
  return [metadata, ...path]
    .map((name) => {
      if (/^[\w-]+$/.test(name)) return name;
      if (!/["\\]/.test(name)) return `"${name}"`;
      throw unsupported(`no field that has quotes or backslashes in its name (${received(name)})`);
    })
    .join(".");
}

function unsupported(problem: string): SparseEncoderError {
  return new SparseEncoderError(
    "STORE_UNSUPPORTED",
    `The qdrant store has, in filters of a collection of another program, ${problem}.`,
  );
}
