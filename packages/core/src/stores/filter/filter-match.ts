import type { Metadata, MetadataValue } from "../metadata.ts";
import type { FilterValue } from "./filter.ts";
import type { FilterNode } from "./filter-node.ts";

/**
 * Whether a document with this metadata passes: the plain evaluator that every compiled form is tested against. What
 * the conditions mean says `Filter`.
 */
export function matches(node: FilterNode, metadata: Metadata): boolean {
  switch (node.type) {
    case "and":
      return node.nodes.every((part) => matches(part, metadata));
    case "or":
      return node.nodes.some((part) => matches(part, metadata));
    case "not":
      return !matches(node.node, metadata);
    case "exists":
      return lookUp(node.path, metadata) !== undefined;
    case "equal":
      return holds(lookUp(node.path, metadata), (value) => value === node.value);
    case "in":
      return holds(lookUp(node.path, metadata), (value) => node.values.includes(value as FilterValue));
    case "contains":
      return holds(
        lookUp(node.path, metadata),
        (value) => typeof value === "string" && value.includes(node.part),
      );
    case "compare":
      return holds(lookUp(node.path, metadata), (value) => compare(value, node.operator, node.value));
  }
}

/** The value at the end of the names. Own properties only: metadata may well have a field named `constructor`. */
function lookUp(path: readonly string[], metadata: Metadata): MetadataValue | undefined {
  let value: MetadataValue = metadata;
  for (const name of path) {
    if (typeof value !== "object" || value === null || isArray(value) || !Object.hasOwn(value, name)) {
      return undefined;
    }
    value = value[name]!;
  }
  return value;
}

function holds(value: MetadataValue | undefined, passes: (value: MetadataValue) => boolean): boolean {
  if (value === undefined) return false;
  return isArray(value) ? value.some(passes) : passes(value);
}

function compare(
  value: MetadataValue,
  operator: "gt" | "gte" | "lt" | "lte",
  bound: string | number,
): boolean {
  if (typeof value !== typeof bound) return false;
  const ordered = value as string | number;
  switch (operator) {
    case "gt":
      return ordered > bound;
    case "gte":
      return ordered >= bound;
    case "lt":
      return ordered < bound;
    case "lte":
      return ordered <= bound;
  }
}

/** `Array.isArray` does not narrow readonly arrays. */
function isArray(value: MetadataValue): value is readonly MetadataValue[] {
  return Array.isArray(value);
}
