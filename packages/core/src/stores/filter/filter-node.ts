import { received, SparseEncoderError } from "../../errors.ts";
import { maximumDepth as maximumPath } from "../metadata.ts";
import { isPlainObject } from "../plain-object.ts";
import type { Filter, FilterValue } from "./filter.ts";
import {
  conditionHint,
  joiningHint,
  logicalHint,
  operatorHint,
  partedConditionHint,
  shapeHint,
} from "./filter-neighbours.ts";

/**
 * A checked filter in its smallest form, which stores compile: `$ne`, `$nin` and `$exists: false` are negations of the
 * others, several conditions an `and`. `path` holds the names that lead to a field, at least one.
 */
export type FilterNode<Condition = FilterCondition> =
  | { readonly type: "and" | "or"; readonly nodes: readonly FilterNode<Condition>[] }
  | { readonly type: "not"; readonly node: FilterNode<Condition> }
  | Condition;

/** What a filter asks of one field. */
export type FilterCondition =
  | { readonly type: "equal"; readonly path: readonly string[]; readonly value: FilterValue }
  | {
      readonly type: "compare";
      readonly path: readonly string[];
      readonly operator: "gt" | "gte" | "lt" | "lte";
      readonly value: string | number;
    }
  | { readonly type: "in"; readonly path: readonly string[]; readonly values: readonly FilterValue[] }
  | { readonly type: "contains"; readonly path: readonly string[]; readonly part: string }
  | { readonly type: "exists"; readonly path: readonly string[] };

/** Maximum nesting of `$and`, `$or` and `$not`: stores compile filters by recursion, and a cycle must end. */
const maximumDepth = 32;

/** Maximum conditions in a filter; list values are not counted. */
const maximumConditions = 10_000;

const fieldOperators = ["$eq", "$ne", "$gt", "$gte", "$lt", "$lte", "$in", "$nin", "$exists", "$contains"];
const logicalOperators = ["$and", "$or", "$not"];

/**
 * Checks a filter and brings it into its smallest form. The filter is not kept.
 * @throws SparseEncoderError `INVALID_FILTER`, naming operator, field or value, and what is valid
 */
export function parseFilter(filter: Filter): FilterNode {
  return parseEntries(filter, "the filter", 1, { conditions: 0 });
}

interface Progress {
  conditions: number;
}

function parseEntries(filter: unknown, place: string, depth: number, progress: Progress): FilterNode {
  if (!isPlainObject(filter)) {
    throw invalid(
      `${place} must be an object such as { year: 2020 }, received ${received(filter)}${shapeHint(filter)}`,
    );
  }
  if (depth > maximumDepth) {
    throw invalid(`$and, $or and $not nest more than ${maximumDepth} deep`);
  }
  const foreign = conditionHint(filter as Readonly<Record<string, unknown>>);
  if (foreign !== undefined) throw invalid(foreign);
  return all(
    Object.entries(filter).map(([name, value]) =>
      name.startsWith("$")
        ? parseLogical(name, value, depth, progress)
        : parseField(name, value, progress, partedConditionHint(filter)),
    ),
  );
}

function parseLogical(operator: string, value: unknown, depth: number, progress: Progress): FilterNode {
  count(progress);
  if (operator === "$not") {
    return { type: "not", node: parseEntries(value, "$not", depth + 1, progress) };
  }
  if (operator !== "$and" && operator !== "$or") {
    const hint = fieldOperators.includes(operator)
      ? `${operator} belongs to a field, as in { year: { ${operator}: … } }`
      : (joiningHint(operator) ?? `there is no operator ${received(operator)}`);
    throw invalid(`${hint}; valid here: field names, ${logicalOperators.join(", ")}`);
  }
  if (!Array.isArray(value)) {
    throw invalid(`${operator} must be an array of filters, received ${received(value)}`);
  }
  const nodes = Array.from(value, (part: unknown, position) =>
    parseEntries(part, `${operator}[${position}]`, depth + 1, progress),
  );
  return operator === "$and" ? all(nodes) : { type: "or", nodes };
}

/** @param hint the answer if this is the condition of another system */
function parseField(
  field: string,
  condition: unknown,
  progress: Progress,
  hint: string | undefined,
): FilterNode {
  const path = field.split(".");
  if (path.includes("")) {
    throw invalid(`the field ${received(field)} has an empty name; names are joined by single dots`);
  }
  if (path.length > maximumPath) {
    throw invalid(
      `the field ${received(field)} has ${path.length} names; metadata nest at most ${maximumPath} levels deep`,
    );
  }
  if (isFilterValue(condition)) {
    count(progress);
    return { type: "equal", path, value: condition };
  }
  const joined = hint ?? logicalHint(field, condition);
  if (Array.isArray(condition)) {
    if (joined !== undefined) throw invalid(joined);
    throw invalid(`field ${received(field)}: a list of values is written { $in: [...] }`);
  }
  if (!isPlainObject(condition)) {
    throw invalid(`field ${received(field)}: ${expectation}, received ${received(condition)}`);
  }
  const entries = Object.entries(condition);
  if (joined !== undefined && entries.every(([name]) => !name.startsWith("$"))) throw invalid(joined);
  if (entries.length === 0) {
    throw invalid(
      `field ${received(field)}: the condition is empty; valid operators: ${fieldOperators.join(", ")}`,
    );
  }
  return all(
    entries.map(([operator, value]) => {
      count(progress);
      return parseCondition(field, path, operator, value);
    }),
  );
}

function parseCondition(
  field: string,
  path: readonly string[],
  operator: string,
  value: unknown,
): FilterNode {
  const fail = (problem: string) =>
    invalid(`field ${received(field)}: ${operator} ${problem}, received ${received(value)}`);
  switch (operator) {
    case "$eq":
    case "$ne": {
      if (!isFilterValue(value)) throw fail(`needs ${scalar}`);
      const node: FilterNode = { type: "equal", path, value };
      return operator === "$eq" ? node : { type: "not", node };
    }
    case "$gt":
    case "$gte":
    case "$lt":
    case "$lte": {
      if (!isFilterValue(value) || (typeof value !== "string" && typeof value !== "number")) {
        throw fail("needs a string or a finite number");
      }
      const name = operator.slice(1) as "gt" | "gte" | "lt" | "lte";
      return { type: "compare", path, operator: name, value };
    }
    case "$in":
    case "$nin": {
      if (!Array.isArray(value)) throw fail("needs an array of values");
      const values: unknown[] = Array.from(value);
      if (!values.every(isFilterValue)) throw fail(`needs an array; each value must be ${scalar}`);
      const node: FilterNode = { type: "in", path, values };
      return operator === "$in" ? node : { type: "not", node };
    }
    case "$contains": {
      if (typeof value !== "string") throw fail("needs a string");
      return { type: "contains", path, part: value };
    }
    case "$exists": {
      if (typeof value !== "boolean") throw fail("needs true or false");
      const node: FilterNode = { type: "exists", path };
      return value ? node : { type: "not", node };
    }
    default: {
      const hint =
        operatorHint(field, operator) ??
        (operator.startsWith("$")
          ? `there is no operator ${received(operator)} for a field; valid: ${fieldOperators.join(", ")}`
          : `a nested field is written ${received(`${field}.${operator}`)}`);
      throw invalid(`field ${received(field)}: ${hint}`);
    }
  }
}

const scalar = "a string, a finite number, true, false or null";
const expectation = `the condition must be ${scalar}, or an object of operators`;

function isFilterValue(value: unknown): value is FilterValue {
  return (
    value === null ||
    typeof value === "string" ||
    typeof value === "boolean" ||
    (typeof value === "number" && Number.isFinite(value))
  );
}

function all(nodes: readonly FilterNode[]): FilterNode {
  return nodes.length === 1 ? nodes[0]! : { type: "and", nodes };
}

/** Objects that hold others twice, level upon level, make a filter of 2^depth conditions. */
function count(progress: Progress): void {
  if (++progress.conditions > maximumConditions) {
    throw invalid(`it has more than ${maximumConditions} conditions; list values with $in`);
  }
}

function invalid(problem: string): SparseEncoderError {
  return new SparseEncoderError("INVALID_FILTER", `Not a valid filter: ${problem}.`);
}
