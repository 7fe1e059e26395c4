import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { escapeMetadata, escapeText, parseMetadata, unescapeText } from "./stored-text.ts";

const text = fc.string({
  unit: fc.constantFrom("a", "0", "\0", "\u001a", "\ud800", "\udc00", "\\", '"', "é", "\u{1f600}"),
});

describe("text for Postgres", () => {
  it("holds nothing that Postgres refuses, and can be undone", () => {
    fc.assert(
      fc.property(text, (given) => {
        const escaped = escapeText(given);
        expect(escaped).not.toContain("\0");
        expect(escaped.isWellFormed()).toBe(true);
        expect(unescapeText(escaped)).toBe(given);
      }),
    );
  });

  it("writes NUL, U+001A and lone surrogates in hexadecimal digits, and leaves the rest", () => {
    expect(escapeText("a\0b\u001ac\ud800d\u{1f600}")).toBe("a\u001a0000b\u001a001ac\u001ad800d\u{1f600}");
    expect(escapeText("plain \n 漢字")).toBe("plain \n 漢字");
  });

  it("takes a text of 30 million characters that has one of them", () => {
    const long = `${"x".repeat(30_000_000)}\0`;
    expect(unescapeText(escapeText(long))).toBe(long);
  });

  it("does the same to names and strings of metadata", () => {
    fc.assert(
      fc.property(
        fc.dictionary(
          text,
          fc.oneof(text, fc.array(text), fc.double({ noNaN: true, noDefaultInfinity: true })),
        ),
        (given) => {
          const json = JSON.stringify(escapeMetadata(given));
          expect(json).not.toMatch(/(^|[^\\])(\\\\)*\\u(0000|d[89a-f])/);
          expect(JSON.stringify(parseMetadata(json))).toBe(JSON.stringify(given));
        },
      ),
    );
  });
});
