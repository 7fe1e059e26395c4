import type { Filter, Metadata, MetadataValue } from "@sparse-encoder/core";
import type { Random } from "./mutations.ts";

/** Names of fields as attackers choose them: words of languages that engines speak, and of JavaScript. */
const names = [
  "year",
  "tags",
  "a",
  "__proto__",
  "constructor",
  "it's",
  'say "hi"',
  "back\\slash",
  "x') OR ('1'='1",
  '"]) or key != "',
  "terms",
  "bounds",
  "metadata",
  "$1",
  "{{x}}",
  "%_",
  "é",
  "😀",
  "a\nb",
  "n".repeat(300),
];

/** Texts that engines might take for something else, all well formed: comparisons order them by code units. */
const texts = [
  "",
  "0",
  "0000",
  "red",
  "Red",
  "'; DROP TABLE x; --",
  'a"b',
  "a\\b",
  "\\",
  "%",
  "_",
  "*",
  "\u{10ffff}",
  "\ue000",
  "😀",
  "é",
  "null",
  "NaN",
  "Infinity",
  "x".repeat(126),
  "x".repeat(127),
];

/** Texts that stores escape; they order as their escapes do, so they are compared for equality only. */
const escapedTexts = ["\0", "a\0b", "\u001a", "\u001a0000", "\ud800", "a\udfff"];

const numbers = [
  0,
  -0,
  1,
  -1,
  0.1,
  2.5,
  2 ** 31,
  2 ** 53,
  2 ** 53 + 2,
  5e-324,
  -5e-324,
  1.7976931348623157e308,
  1e15,
  1e-7,
];

/** The field whose texts may be ones that stores escape. */
const escapedField = "wild";

export function hostileMetadata(random: Random): Metadata {
  const entries = names
    .filter(() => random.oneIn(2))
    .map((name): [string, MetadataValue] => [name, hostileValue(random, 2)]);
  entries.push([escapedField, random.pick<MetadataValue>([...escapedTexts, escapedTexts, "plain", 1])]);
  return Object.fromEntries(entries);
}

function hostileValue(random: Random, depth: number): MetadataValue {
  switch (random.below(depth === 0 ? 4 : 7)) {
    case 0:
      return random.pick(texts);
    case 1:
      return random.pick(numbers);
    case 2:
      return random.pick([true, false, null]);
    case 3:
      return random.pick(["red", "0", 1, 0]);
    case 4:
      return Array.from({ length: random.below(4) }, () => hostileValue(random, 0));
    case 5:
      return Object.fromEntries([[random.pick(names), hostileValue(random, depth - 1)]]);
    default:
      return [[hostileValue(random, 0)], { name: 1 }];
  }
}

/** A filter that is mostly valid, now and then beyond a limit, and sometimes nothing that a filter may be. */
export function hostileFilter(random: Random): Filter {
  switch (random.below(20)) {
    case 0:
      return nested({ year: { $gte: 1 } }, random.below(45), random);
    case 1:
      return { [random.pick(names)]: { [random.pick(["$in", "$nin"])]: manyValues(random) } };
    case 2:
      return { [random.pick(["$or", "$and"])]: manyValues(random).map((year) => ({ year })) } as Filter;
    case 3:
      return { [longPath(random)]: random.pick(numbers) };
    case 4:
      return invalidFilter(random);
    default:
      return validFilter(random, 1 + random.below(3));
  }
}

/** Conditions in `$not`, `$and` and `$or`, one in the other. */
function nested(filter: Filter, depth: number, random: Random): Filter {
  let all = filter;
  for (let level = 0; level < depth; level++) {
    all = random.oneIn(2) ? { $not: all } : { [random.pick(["$and", "$or"])]: [all] };
  }
  return all;
}

function manyValues(random: Random): (number | string)[] {
  const count = random.pick([10, 1000, 1025, 9999, 10_001, 66_000]);
  return Array.from({ length: count }, (_, number) => (number % 2 === 0 ? number : `v${number}`));
}

function longPath(random: Random): string {
  return Array.from({ length: random.pick([5, 64, 65, 1000]) }, () => random.pick(["a", "year"])).join(".");
}

function invalidFilter(random: Random): Filter {
  const self: Record<string, unknown> = {};
  self.$or = [self];
  return random.pick<unknown>([
    null,
    [],
    "year = 1",
    { $nor: [] },
    { year: Number.NaN },
    { year: { $regex: "x" } },
    { "a..b": 1 },
    { year: { $in: "x" } },
    { year: { $gt: null } },
    { year: { [`$${"x".repeat(5000)}`]: 1 } },
    { year: { $in: new Array(3) } },
    { ["y".repeat(100_000)]: { $gt: [] } },
    { ["y".repeat(100_000)]: { $contains: "x" } },
    { ["y".repeat(100_000)]: { $gt: "x".repeat(128) } },
    { year: new Date() },
    { year: { $eq: { deep: [[[[]]]] } } },
    self,
  ]) as Filter;
}

function validFilter(random: Random, depth: number): Filter {
  const parts = Array.from({ length: 1 + random.below(2) }, (): [string, unknown] => {
    if (depth === 0 || !random.oneIn(3)) return condition(random);
    if (random.oneIn(3)) return ["$not", validFilter(random, depth - 1)];
    const some = Array.from({ length: random.below(4) }, () => validFilter(random, depth - 1));
    return [random.pick(["$and", "$or"]), some];
  });
  return Object.fromEntries(parts) as Filter;
}

function condition(random: Random): [string, unknown] {
  if (random.oneIn(6)) {
    const value = random.pick(escapedTexts);
    const operators = ["$eq", "$ne", "$contains"];
    return [escapedField, random.oneIn(3) ? { $in: [value, "plain"] } : { [random.pick(operators)]: value }];
  }
  const field = random.oneIn(4) ? `${random.pick(names)}.${random.pick(names)}` : random.pick(names);
  const value = () =>
    random.pick<string | number | boolean | null>([...texts, ...numbers, true, false, null]);
  const operator = random.pick([
    "$eq",
    "$ne",
    "$gt",
    "$gte",
    "$lt",
    "$lte",
    "$in",
    "$nin",
    "$exists",
    "$contains",
  ]);
  switch (operator) {
    case "$eq":
    case "$ne":
      return [field, random.oneIn(2) ? value() : { [operator]: value() }];
    case "$in":
    case "$nin":
      return [field, { [operator]: Array.from({ length: random.below(5) }, value) }];
    case "$exists":
      return [field, { $exists: random.oneIn(2) }];
    case "$contains":
      return [field, { $contains: random.pick(texts) }];
    default:
      return [field, { [operator]: random.oneIn(2) ? random.pick(texts) : random.pick(numbers) }];
  }
}
