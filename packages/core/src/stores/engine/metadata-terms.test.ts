import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { boundName, equalTerm, existsTerm, maximumBoundLength, termsOf, toBound } from "./metadata-terms.ts";

const order = (a: string | number, b: string | number) => (a < b ? -1 : a > b ? 1 : 0);

describe("toBound", () => {
  it("orders numbers as they do", () => {
    const number = fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer());
    fc.assert(
      fc.property(number, number, (a, b) => {
        expect(order(toBound(a), toBound(b))).toBe(order(a, b));
      }),
    );
    expect(toBound(-0)).toBe(toBound(0));
  });

  it("orders strings as their code units do, cut ones by what a bound can tell", () => {
    const long = fc.string({ unit: fc.constantFrom("a", "b"), minLength: 120, maxLength: 140 });
    const text = fc.oneof(fc.string({ unit: "grapheme" }), long);
    fc.assert(
      fc.property(text, text, (a, b) => {
        if (b.length > maximumBoundLength) return;
        expect(order(toBound(a), toBound(b))).toBe(order(a, b));
      }),
    );
  });
});

describe("termsOf", () => {
  it("knows fields, values and elements, and least and greatest", () => {
    const { terms, bounds } = termsOf({ a: { b: [3, -1, "x", ["y"], null] }, c: {} });
    const expected = [
      existsTerm(["a"]),
      existsTerm(["a", "b"]),
      existsTerm(["c"]),
      ...[3, -1, "x", null].map((value) => equalTerm(["a", "b"], value)),
    ];
    expect(terms).toEqual(expect.arrayContaining(expected));
    // And one for each kind that has an order.
    expect(terms).toHaveLength(expected.length + 2);
    expect(bounds[boundName(["a", "b"], 0, "least")]).toBe(toBound(-1));
    expect(bounds[boundName(["a", "b"], 0, "greatest")]).toBe(toBound(3));
    expect(bounds[boundName(["a", "b"], "", "least")]).toBe(toBound("x"));
  });

  it("is made of letters, digits, - and _ only", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: "binary" }), fc.string({ unit: "binary" })), (metadata) => {
        const { terms, bounds } = termsOf(metadata);
        for (const part of [...terms, ...Object.entries(bounds).flat()]) expect(part).toMatch(/^[\w-]*$/);
      }),
    );
  });
});
