import { describe, expect, it } from "vitest";
import { SparseEncoderError } from "../../errors.ts";
import type { Metadata } from "../store.ts";
import type { Filter } from "./filter.ts";
import { matches } from "./filter-match.ts";
import { parseFilter } from "./filter-node.ts";

/** Parsed, because a literal `__proto__: …` would set the prototype. */
function json(text: string): Metadata {
  return JSON.parse(text) as Metadata;
}

const passes = (filter: unknown, metadata: Metadata) => matches(parseFilter(filter as Filter), metadata);

const book: Metadata = {
  year: 2020,
  title: "Zebra",
  open: true,
  none: null,
  tags: ["red", "green", 7, null],
  empty: [],
  nested: [["red"], { name: "Ada" }],
  author: { name: "Ada", born: { year: 1815 } },
  "a.b": 1,
};

describe("filters", () => {
  it.each<[Filter, boolean]>([
    [{}, true],
    [{ year: 2020 }, true],
    [{ year: { $eq: 2020 } }, true],
    [{ year: "2020" }, false],
    [{ year: { $ne: "2020" } }, true],
    [{ year: { $ne: 2020 } }, false],
    [{ open: true }, true],
    [{ open: 1 }, false],
    [{ year: { $gt: 2020 } }, false],
    [{ year: { $gte: 2020 } }, true],
    [{ year: { $lt: 2020 } }, false],
    [{ year: { $lte: 2020 } }, true],
    [{ year: { $gt: 2019, $lt: 2021 } }, true],
    [{ year: { $gt: 2019, $lt: 2020 } }, false],
    [{ year: { $gt: "2019" } }, false],
    [{ open: { $gt: 0 } }, false],
    [{ title: { $gt: "Apple" } }, true],
    // Code units: capitals come before small letters.
    [{ title: { $lt: "apple" } }, true],
    [{ title: { $gt: 5 } }, false],
    [{ year: { $in: [1, 2020] } }, true],
    [{ year: { $in: [] } }, false],
    [{ year: { $nin: [] } }, true],
    [{ year: { $nin: [1, 2020] } }, false],
    [{ year: { $in: ["2020"] } }, false],
    [{ title: { $contains: "ebr" } }, true],
    [{ title: { $contains: "" } }, true],
    [{ title: { $contains: "zeb" } }, false],
    [{ title: { $contains: "%" } }, false],
    [{ title: { $contains: "Zebras" } }, false],
    [{ year: { $contains: "20" } }, false],
    [{ tags: { $contains: "gre" } }, true],
    [{ tags: { $contains: "7" } }, false],
    [{ missing: { $contains: "" } }, false],
  ])("with a plain field: %o is %s", (filter, expected) => {
    expect(passes(filter, book)).toBe(expected);
  });

  it.each<[Filter, boolean]>([
    [{ missing: null }, false],
    [{ missing: { $ne: null } }, true],
    [{ missing: { $ne: 1 } }, true],
    [{ missing: { $nin: [1, null] } }, true],
    [{ missing: { $in: [null] } }, false],
    [{ missing: { $lt: 1 } }, false],
    [{ missing: { $exists: false } }, true],
    [{ missing: { $exists: true } }, false],
    [{ none: null }, true],
    [{ none: { $in: [null] } }, true],
    [{ none: { $ne: null } }, false],
    [{ none: { $exists: true } }, true],
    [{ none: { $lte: 0 } }, false],
    [{ empty: { $exists: true } }, true],
    [{ author: { $exists: true } }, true],
  ])("with a missing field or null: %o is %s", (filter, expected) => {
    expect(passes(filter, book)).toBe(expected);
  });

  it.each<[Filter, boolean]>([
    [{ tags: "red" }, true],
    [{ tags: "blue" }, false],
    [{ tags: null }, true],
    [{ tags: { $ne: "red" } }, false],
    [{ tags: { $ne: "blue" } }, true],
    [{ tags: { $in: ["blue", 7] } }, true],
    [{ tags: { $nin: ["blue", 7] } }, false],
    [{ tags: { $gt: 6 } }, true],
    // One element above 6 and another one below "h": each condition on its own.
    [{ tags: { $gt: 6, $lt: "h" } }, true],
    [{ empty: "red" }, false],
    [{ empty: { $ne: "red" } }, true],
    [{ nested: "red" }, false],
    [{ "nested.name": "Ada" }, false],
    [{ "tags.0": "red" }, false],
    [{ "tags.length": 4 }, false],
  ])("with an array: %o is %s", (filter, expected) => {
    expect(passes(filter, book)).toBe(expected);
  });

  it.each<[Filter, boolean]>([
    [{ "author.name": "Ada" }, true],
    [{ "author.born.year": { $lt: 1900 } }, true],
    [{ "author.died": { $exists: false } }, true],
    [{ "author.name.first": { $exists: false } }, true],
    [{ "title.length": 5 }, false],
    [{ "none.name": { $exists: true } }, false],
    [{ author: "Ada" }, false],
    [{ "a.b": 1 }, false],
  ])("with nested fields: %o is %s", (filter, expected) => {
    expect(passes(filter, book)).toBe(expected);
  });

  it.each<[Filter, boolean]>([
    [{ $and: [] }, true],
    [{ $or: [] }, false],
    [{ $not: {} }, false],
    [{ $not: { $or: [] } }, true],
    [{ $and: [{ year: 2020 }, { title: "Zebra" }] }, true],
    [{ $and: [{ year: 2020 }, { title: "x" }] }, false],
    [{ $or: [{ year: 1 }, { title: "Zebra" }] }, true],
    [{ year: 2020, $or: [{ title: "x" }, { open: false }] }, false],
    [{ $not: { year: 2020, title: "x" } }, true],
    [{ $not: { year: 2020, title: "Zebra" } }, false],
    [{ $not: { missing: 1 } }, true],
  ])("with logic: %o is %s", (filter, expected) => {
    expect(passes(filter, book)).toBe(expected);
  });

  it("treats names of the prototype as fields like any other", () => {
    for (const name of ["__proto__", "constructor", "toString", "hasOwnProperty", "valueOf"]) {
      expect(passes(json(`{"${name}": {"$exists": true}}`), {})).toBe(false);
      expect(passes(json(`{"${name}": "x"}`), json(`{"${name}": "x"}`))).toBe(true);
      expect(passes(json(`{"a.${name}": {"$exists": true}}`), { a: {} })).toBe(false);
      expect(passes(json(`{"a.${name}.b": 1}`), json(`{"a": {"${name}": {"b": 1}}}`))).toBe(true);
    }
    expect(passes({ "constructor.name": { $exists: true } }, {})).toBe(false);
    expect(Object.prototype).not.toHaveProperty("x");
  });

  it("keeps nothing of the object it was given", () => {
    const values = [1];
    const node = parseFilter({ year: { $in: values } });
    values.push(2);
    expect(matches(node, { year: 2 })).toBe(false);
  });

  it("has a smallest form", () => {
    expect(parseFilter({ "a.b": { $ne: 1, $exists: true }, $or: [{ c: { $gte: "x" } }] })).toEqual({
      type: "and",
      nodes: [
        {
          type: "and",
          nodes: [
            { type: "not", node: { type: "equal", path: ["a", "b"], value: 1 } },
            { type: "exists", path: ["a", "b"] },
          ],
        },
        { type: "or", nodes: [{ type: "compare", path: ["c"], operator: "gte", value: "x" }] },
      ],
    });
  });
});

it("takes fields that are named as the parts of a condition elsewhere", () => {
  const metadata = { key: "a", operator: "b", value: 1 };
  expect(matches(parseFilter({ key: "a", operator: "b" }), metadata)).toBe(true);
  expect(matches(parseFilter({ key: "a", operator: { $eq: "b" }, value: 1 }), metadata)).toBe(true);
  expect(matches(parseFilter({ $and: [{ key: "a" }, { operator: "b" }, { value: 1 }] }), metadata)).toBe(
    true,
  );
});

describe("parseFilter refuses", () => {
  const self: Record<string, unknown> = {};
  self.$or = [self];

  it.each<[unknown, string]>([
    [null, "must be an object"],
    [[], "must be an object"],
    ["year = 2020", "must be an object"],
    [new Map([["year", 2020]]), "must be an object"],
    [{ $nor: [] }, "'$nor' is written { $not: { $or: […] } } here; valid here: field names, $and, $or, $not"],
    [{ $eq: 1 }, "$eq belongs to a field"],
    [{ $and: {} }, "$and must be an array of filters, received {}"],
    [{ $or: [1] }, "$or[0] must be an object"],
    [{ $not: [] }, "$not must be an object"],
    [{ $and: undefined }, "received undefined"],
    [{ year: undefined }, "field 'year': the condition must be"],
    [{ year: Number.NaN }, "received NaN"],
    [{ year: { $gt: Number.NaN } }, "$gt needs a string or a finite number, received NaN"],
    [{ year: { $lt: Number.POSITIVE_INFINITY } }, "received Infinity"],
    [{ year: { $gt: true } }, "received true"],
    [{ year: { $gt: null } }, "received null"],
    [{ year: { $eq: undefined } }, "$eq needs"],
    [{ year: { $eq: [1] } }, "$eq needs"],
    [{ year: { $in: 1 } }, "$in needs an array"],
    [{ year: { $nin: [{}] } }, "$nin needs an array; each value"],
    // A hole reads as undefined.
    [{ year: { $in: new Array(2) } }, "$in needs an array; each value"],
    [{ year: { $exists: 1 } }, "$exists needs true or false, received 1"],
    [{ year: { $near: "x" } }, "no operator '$near' for a field; valid: $eq, $ne"],
    [{ year: { $regex: "x" } }, "the only comparison with a part of a text"],
    [{ year: { $not: { $gt: 1 } } }, '{ $not: { "year": … } }'],
    [{ year: {} }, "the condition is empty"],
    [{ year: [2020] }, "{ $in: [...] }"],
    [{ author: { name: "Ada" } }, "a nested field is written 'author.name'"],
    [{ when: new Date(0) }, "field 'when'"],
    [{ year: 1n }, "received 1n"],
    [{ "": 1 }, "empty name"],
    [{ "a..b": 1 }, "empty name"],
    [{ ".a": 1 }, "empty name"],
    [
      { key: "year", operator: ">=", value: 2020 },
      '{ key, operator, value } is a condition of another library; here it is { "year": { $gte: … } }',
    ],
    [{ $or: [{ value: "x", key: "kind", operator: "==" }] }, '{ "kind": { $eq: … } }'],
    [{ field: "meta.kind", operator: "not in", value: ["x"] }, "{ $and: [{ field: … }, { operator: … }"],
    [{ attribute: "kind", comparator: "eq", value: "x" }, '{ "kind": { $eq: … } }'],
    [self, "more than 32 deep"],
  ])("%o", (filter, message) => {
    let error: unknown;
    try {
      parseFilter(filter as Filter);
    } catch (thrown) {
      error = thrown;
    }
    expect(SparseEncoderError.is(error, "INVALID_FILTER")).toBe(true);
    expect((error as Error).message).toContain(message);
  });

  it("what is larger than 10,000 conditions", () => {
    let filter: Filter = { year: 1 };
    for (let level = 0; level < 20; level++) filter = { $or: [filter, filter] };
    expect(() => parseFilter(filter)).toThrow("more than 10000 conditions");
  });

  it("what nests deeper than 32 levels", () => {
    const nest = (levels: number) => {
      let filter: Filter = { year: 1 };
      for (let level = 0; level < levels; level++) filter = { $not: filter };
      return filter;
    };
    expect(matches(parseFilter(nest(31)), { year: 1 })).toBe(false);
    expect(() => parseFilter(nest(32))).toThrow("more than 32 deep");
  });
});
