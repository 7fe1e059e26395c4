import { describe, expect, it } from "vitest";
import { boundariesOf, firstBoundary, lastBoundary } from "./text-boundary.ts";

const bert = {
  normalizer: { type: "BertNormalizer", handle_chinese_chars: true },
  pre_tokenizer: { type: "BertPreTokenizer" },
  added_tokens: [{ content: "[SEP]" }],
};

describe("boundariesOf", () => {
  it("allows a cut before blanks, and between Chinese characters where each is a word", () => {
    expect(boundariesOf(bert)).toEqual({ blanks: " \t\n\r", ideographs: true, bothSides: true });
  });

  it.each([
    ["the normaliser leaves them together", { ...bert, normalizer: { type: "Lowercase" } }],
    [
      "the normaliser is told to",
      { ...bert, normalizer: { type: "BertNormalizer", handle_chinese_chars: false } },
    ],
    ["an added token holds one", { ...bert, added_tokens: [{ content: "中国" }] }],
    ["words do not end at blanks", { ...bert, pre_tokenizer: { type: "Digits" } }],
  ])("does not allow one between Chinese characters if %s", (_reason, definition) => {
    expect(boundariesOf(definition).ideographs).toBe(false);
  });
});

describe("lastBoundary", () => {
  const boundaries = boundariesOf(bert);

  it.each([
    ["at the last blank", "abc def ghi", 7],
    ["between Chinese characters", "中国人民", 3],
    ["not behind Chinese characters before a word", `中国${"a".repeat(5000)}`, undefined],
    ["not far from the end", `abc ${"a".repeat(5000)}`, undefined],
    ["not without a boundary", "a".repeat(9000), undefined],
  ])("is found %s", (_case, text, expected) => {
    expect(lastBoundary(text, boundaries)).toBe(expected);
  });
});

describe("firstBoundary", () => {
  it("is the first blank behind a word, if the tokens behind it stay the same", () => {
    expect(firstBoundary("bc  def ghi", boundariesOf(bert))).toBe(2);
    const edge = {
      ...bert,
      normalizer: { type: "Sequence", normalizers: [bert.normalizer, { type: "Strip" }] },
    };
    expect(boundariesOf(edge).bothSides).toBe(false);
    expect(firstBoundary("bc  def ghi", boundariesOf(edge))).toBeUndefined();
  });
});
