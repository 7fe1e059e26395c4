import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { boundName, equalTerm, existsTerm, kindTerm, toBound } from "../engine/metadata-terms.ts";
import { parseFilter } from "../filter/filter-node.ts";
import { compileFilter } from "./milvus-filter.ts";

describe("a filter for Milvus", () => {
  it("moves negations down to the conditions", () => {
    const node = parseFilter({ $not: { $or: [{ a: 1 }, { b: { $gt: 2 } }, { c: { $exists: false } }] } });
    const number = boundName(["b"], 2, "greatest");
    expect(compileFilter(node, true)).toBe(
      `(not array_contains(terms, "${equalTerm(["a"], 1)}") and ` +
        `(not array_contains(terms, "${kindTerm(["b"], 2)}") or bounds["${number}"] <= "${toBound(2)}") and ` +
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
        const outside = compileFilter(parseFilter(filter), knowsNot).replace(/"[\w-]*"/g, "");
        expect(outside).toMatch(
          /^(?:array_contains|array_contains_any|terms|bounds|and|or|not|key|[\s()[\],<>=!])*$/,
        );
      }),
    );
  });

  it("refuses to compare with strings longer than the stored bounds", () => {
    const node = parseFilter({ a: { $gt: "x".repeat(128) } });
    expect(() => compileFilter(node, true)).toThrow(expect.objectContaining({ code: "STORE_UNSUPPORTED" }));
  });
});
