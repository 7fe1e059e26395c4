import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fromOrderKey, toOrderKey } from "./order-key.ts";

const text = fc.string({
  unit: fc.oneof(
    fc.constantFrom(
      "a",
      "1",
      "2",
      "\ud7ff",
      "\ue000",
      "\uffff",
      "\u{10000}",
      "\u{10fffe}",
      "\u{10ffff}",
      "\u{1f600}",
    ),
    fc.string({ unit: "binary", minLength: 1, maxLength: 1 }),
  ),
  maxLength: 6,
});

describe("toOrderKey", () => {
  it("leaves most strings as they are", () => {
    expect(toOrderKey("Année 漢字")).toBe("Année 漢字");
  });

  it("gives bytes that order as the code units of the text do", () => {
    fc.assert(
      fc.property(text, text, (a, b) => {
        const order = Buffer.compare(Buffer.from(toOrderKey(a)), Buffer.from(toOrderKey(b)));
        expect(order).toBe(a < b ? -1 : a > b ? 1 : 0);
      }),
      { numRuns: 5000 },
    );
  });

  it("can be undone", () => {
    fc.assert(
      fc.property(text, (a) => {
        expect(fromOrderKey(toOrderKey(a))).toBe(a);
      }),
    );
  });
});
