import { toOrderKey } from "../engine/order-key.ts";
import { escapeText } from "../engine/stored-text.ts";
import type { FilterNode } from "../filter/filter-node.ts";
import { unsupported } from "../store-limits.ts";
import type { Bindings } from "./bindings.ts";

const operators = { gt: ">", gte: ">=", lt: "<", lte: "<=" } as const;

/** Characters of SQL that one filter may take: longer ones take the planner seconds, and PGlite more memory than it has. */
const maximumLength = 6_000_000;

/**
 * The SQL of a filter over the jsonb column `metadata`. Where a field is missing, conditions are NULL, which `WHERE`
 * takes for false; negations say so themselves.
 * @throws SparseEncoderError `STORE_UNSUPPORTED` for a filter that is beyond what Postgres takes
 */
export function compileFilter(node: FilterNode, bindings: Bindings): string {
  const sql = compile(node, bindings);
  if (sql.length <= maximumLength) return sql;
  throw unsupported(
    { name: "postgres" },
    `takes filters of up to ${maximumLength} characters of SQL; this one takes ${sql.length}. Use $in for many values of a field, or divide the call among several.`,
  );
}

function compile(node: FilterNode, bindings: Bindings): string {
  switch (node.type) {
    case "and":
      return join(node.nodes, "AND", "true", bindings);
    case "or":
      return join(node.nodes, "OR", "false", bindings);
    case "not":
      return `((${compile(node.node, bindings)}) IS NOT TRUE)`;
    case "exists":
      return `(${field(node.path, bindings)} IS NOT NULL)`;
    case "equal":
      // Containment by a scalar means: is it, or is an array that has it as an element.
      return `(${field(node.path, bindings)} @> ${bindings.add(toJson(node.value), "jsonb")})`;
    case "in": {
      if (node.values.length === 0) return "false";
      const values = bindings.add(`[${node.values.map(toJson).join()}]`, "jsonb");
      return `(${field(node.path, bindings)} @> ANY (ARRAY(SELECT jsonb_array_elements(${values}))))`;
    }
    case "contains":
      return containsPart(field(node.path, bindings), escapeText(node.part), bindings);
    case "compare": {
      const found = field(node.path, bindings);
      const operator = operators[node.operator];
      return typeof node.value === "number"
        ? compareNumbers(found, operator, node.value, bindings)
        : compareStrings(found, operator, node.value, bindings);
    }
  }
}

/** The value of a field: names lead through objects only, as `->` with a text does. */
function field(path: readonly string[], bindings: Bindings): string {
  return `(metadata${path.map((name) => ` -> ${bindings.add(escapeText(name), "text")}`).join("")})`;
}

/** The same with the names in it, for an index: a plan sees the values of parameters. */
export function indexedField(path: readonly string[]): string {
  return `(metadata${path.map((name) => ` -> '${escapeText(name).replaceAll("'", "''")}'::text`).join("")})`;
}

/** A number that tells all: NaN, which Postgres puts after all others, stands for an array, whose elements decide. */
export function numberOf(found: string): string {
  return `(CASE jsonb_typeof(${found}) WHEN 'number' THEN (${found})::numeric WHEN 'array' THEN 'NaN'::numeric END)`;
}

/**
 * Whether a string has a part. Only a part that begins as the digits of an escape could be found within one: then the match
 * must not begin in an escape.
 */
function containsPart(found: string, part: string, bindings: Bindings): string {
  const wanted = bindings.add(part, "text");
  const isFound = (value: string) => `strpos(${value} #>> '{}', ${wanted}) > 0`;
  if (!/^[0-9a-f]/.test(part)) return ofStrings(found, isFound);
  const literal = part.replace(/[^\p{L}\p{N}]/gu, (character) =>
    character === "\u001a" ? character : `\\${character}`,
  );
  const outside = bindings.add(`(?<!\u001a[0-9a-f]{0,3})${literal}`, "text");
  return ofStrings(found, (value) => {
    const hasNone = `strpos(${value} #>> '{}', U&'\\001A') = 0`;
    return `(${isFound(value)} AND (${hasNone} OR ${value} #>> '{}' ~ ${outside}))`;
  });
}

function compareNumbers(found: string, operator: string, bound: number, bindings: Bindings): string {
  const number = numberOf(found);
  const element = anyElement(
    found,
    `jsonb_typeof(element) = 'number' AND element ${operator} ${bindings.add(`${bound}`, "jsonb")}`,
  );
  const comparison = `${number} ${operator} ${bindings.add(`${bound}`, "numeric")}`;
  return operator.startsWith(">")
    ? `(${comparison} AND (${number} <> 'NaN' OR ${element}))`
    : `(${comparison} OR (${number} = 'NaN' AND ${element}))`;
}

function compareStrings(found: string, operator: string, bound: string, bindings: Bindings): string {
  const escaped = escapeText(bound);
  const isPlain = !/[\ud800-\uffff]/.test(escaped);
  const wanted = bindings.add(isPlain ? escaped : toOrderKey(escaped), "text");
  const compare = (value: string) => {
    const text = `(${value} #>> '{}')`;
    return `${isPlain ? text : orderKey(text)} COLLATE "C" ${operator} ${wanted}`;
  };
  return ofStrings(found, compare);
}

/** A condition on a string, or on any string of an array. */
function ofStrings(found: string, condition: (value: string) => string): string {
  const element = anyElement(found, `jsonb_typeof(element) = 'string' AND ${condition("element")}`);
  return `(CASE jsonb_typeof(${found}) WHEN 'string' THEN ${condition(found)} WHEN 'array' THEN ${element} END)`;
}

function anyElement(found: string, condition: string): string {
  const array = `CASE WHEN jsonb_typeof(${found}) = 'array' THEN ${found} END`;
  return `EXISTS (SELECT FROM jsonb_array_elements(${array}) AS elements(element) WHERE ${condition})`;
}

/** `toOrderKey` in SQL. Needed only for bounds with characters from U+D800 on: below, both orders are one. */
function orderKey(text: string): string {
  const roomy = `replace(replace(${text}, '\u{10fffe}', '\u{10fffe}1'), '\u{10ffff}', '\u{10fffe}2')`;
  return `regexp_replace(${roomy}, '([\ue000-\uffff])', '\u{10ffff}\\1', 'g')`;
}

function join(nodes: readonly FilterNode[], operator: string, ofNone: string, bindings: Bindings): string {
  if (nodes.length === 0) return ofNone;
  return `(${nodes.map((node) => compile(node, bindings)).join(` ${operator} `)})`;
}

function toJson(value: string | number | boolean | null): string {
  return JSON.stringify(typeof value === "string" ? escapeText(value) : value);
}
