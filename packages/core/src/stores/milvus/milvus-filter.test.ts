import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  boundName,
  equalTerm,
  existsTerm,
  kindTerm,
  type TermFilter,
  toBound,
} from "../engine/metadata-terms.ts";
import type { Filter } from "../filter/filter.ts";
import { parseFilter } from "../filter/filter-node.ts";
import { compileFilter } from "./milvus-filter.ts";

const parse = (filter: Filter) => parseFilter(filter) as TermFilter;

describe("a filter for Milvus", () => {
  it("moves negations down to the conditions", () => {
    const node = parse({ $not: { $or: [{ a: 1 }, { b: { $gt: 2 } }, { c: { $exists: false } }] } });
    const number = boundName(["b"], 2, "greatest");
    expect(compileFilter(node, true)).toBe(
      `((not array_contains(terms, "${equalTerm(["a"], 1)}") and ` +
        `(not array_contains(terms, "${kindTerm(["b"], 2)}") or bounds["${number}"] <= "${toBound(2)}")) and ` +
        `array_contains(terms, "${existsTerm(["c"])}"))`,
    );
  });

  it("is made of its own words, and of letters and digits between quotes, whatever names and values are", () => {
    const text = fc.oneof(
      fc.constantFrom('" or key != "', "\\", '"]', "') or (1=1", "\n", "{x}", "\u0000"),
      fc.string({ unit: "binary", minLength: 1 }),
    );
    fc.assert(
      fc.property(text, text, fc.boolean(), (name, value, knowsNot) => {
        const field = name.replace(/\.|^\$+/g, "_");
        const filter = {
          [field]: { $in: [value, "x"], $ne: value, $gt: value, $lte: value },
          $not: { [field]: { $gte: value } },
        };
        const outside = compileFilter(parse(filter), knowsNot).replace(/"[\w-]*"/g, "");
        expect(outside).toMatch(
          /^(?:array_contains|array_contains_any|terms|bounds|and|or|not|key|[\s()[\],<>=!])*$/,
        );
      }),
    );
  });

  it("refuses to compare with strings longer than the stored bounds", () => {
    const node = parse({ a: { $gt: "x".repeat(128) } });
    expect(() => compileFilter(node, true)).toThrow(expect.objectContaining({ code: "STORE_UNSUPPORTED" }));
  });

  /** How deep the parentheses nest, each condition counted as one level more. */
  function depthOf(expression: string): number {
    let depth = 0;
    let deepest = 0;
    for (const character of expression.replace(/"[^"]*"/g, "")) {
      if (character === "(" || character === "[") deepest = Math.max(deepest, ++depth);
      if (character === ")" || character === "]") depth--;
    }
    expect(depth).toBe(0);
    return deepest;
  }

  it.each<[string, Filter, boolean]>([
    ["$or of 10,000", { $or: Array.from({ length: 9_999 }, (_, year) => ({ year })) }, true],
    ["$and of 10,000", { $and: Array.from({ length: 9_999 }, (_, year) => ({ [`y${year}`]: year })) }, true],
    [
      "$nin of 10,000 without `not`",
      { year: { $nin: Array.from({ length: 10_000 }, (_, year) => year) } },
      false,
    ],
    [
      "$nin of 100,000 with `not`",
      { year: { $nin: Array.from({ length: 100_000 }, (_, year) => year) } },
      true,
    ],
  ])("nests no deeper than it must: %s", (_, filter, knowsNot) => {
    const expression = compileFilter(parse(filter), knowsNot);
    // 2^14 is the first power of two above 10,000; a condition has two levels of its own.
    expect(depthOf(expression)).toBeLessThanOrEqual(16);
    // No parser needs more than the parentheses to go as deep: no `and` or `or` stands beside another one.
    expect(expression.replace(/"[^"]*"/g, "")).not.toMatch(/ (and|or) [^()]* (and|or) /);
  });

  it("has each part of a filter once, in its order", () => {
    for (const length of [1, 2, 3, 5, 8, 49, 50, 51]) {
      const years = Array.from({ length }, (_, year) => year);
      const expression = compileFilter(parse({ $or: years.map((year) => ({ year })) }), true);
      const terms = [...expression.matchAll(/"([\w-]{22})"/g)].map(([, term]) => term);
      expect(terms).toEqual(years.map((year) => equalTerm(["year"], year)));
      expect(expression.match(/ or /g)?.length ?? 0).toBe(length - 1);
    }
  });

  it.each<[Filter, boolean, string]>([
    [
      { year: { $nin: Array.from({ length: 10_001 }, (_, year) => year) } },
      false,
      "10001 and 0 (each value of $nin",
    ],
    [{ year: { $in: Array.from({ length: 100_001 }, (_, year) => year) } }, true, "1 and 100001"],
  ])("is refused before the request if it is longer than Milvus takes", (filter, knowsNot, received) => {
    expect(() => compileFilter(parse(filter), knowsNot)).toThrow(
      expect.objectContaining({ code: "STORE_UNSUPPORTED", message: expect.stringContaining(received) }),
    );
  });
});
