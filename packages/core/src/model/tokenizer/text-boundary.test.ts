import { describe, expect, it } from "vitest";
import { embeddedModelFolder } from "../embedded.ts";
import { boundariesOf, cutPosition } from "./text-boundary.ts";
import { Tokenizer } from "./tokenizer.ts";

const bert = {
  normalizer: { type: "BertNormalizer", handle_chinese_chars: true },
  pre_tokenizer: { type: "BertPreTokenizer" },
  added_tokens: [{ content: "[SEP]" }],
};

describe("boundariesOf", () => {
  it("allows a cut before blanks, and between Chinese characters where each is a word", () => {
    expect(boundariesOf(bert)).toEqual({ blanks: " \t\n\r", ideographs: true });
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

describe("cutPosition", () => {
  const boundaries = boundariesOf(bert);

  it.each([
    ["a short text", "abc def", 10, 7],
    ["at the blank before the limit", "abc def ghi", 8, 7],
    ["between Chinese characters at the limit", "中国人民中国", 3, 3],
    ["behind Chinese characters before a word", `中国${"a".repeat(5000)}`, 4999, 5002],
    ["at the first boundary behind the limit", `${"a".repeat(5000)}中国`, 4500, 5001],
    ["at its end without a boundary", "a".repeat(9000), 4500, 9000],
  ])("cuts %s", (_case, text, limit, expected) => {
    expect(cutPosition(text, limit, boundaries)).toBe(expected);
  });

  it("leaves the tokens of a long Chinese text as they are", async () => {
    const tokenizer = await Tokenizer.open(embeddedModelFolder(), { lowercase: false });
    const characters = ["中", "国", "人", "，", "。", "a", "7", "日", "本"];
    const text = Array.from({ length: 4000 }, (_, place) => characters[(place * place) % 9]).join("");
    const [all] = await tokenizer.encode([text], 100_000);
    for (const length of [8, 16, 64]) {
      const [cut] = await tokenizer.encode([text], length);
      expect([...cut!.slice(0, -1)]).toEqual([...all!.slice(0, length - 1)]);
    }
  });
});
