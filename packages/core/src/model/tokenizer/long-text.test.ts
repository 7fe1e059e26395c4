import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { embeddedModelFolder } from "../embedded.ts";
import { Tokenizer } from "./tokenizer.ts";

const fixture = (name: string) =>
  fileURLToPath(new URL(`../../../../../test/fixtures/models/${name}`, import.meta.url));

/** Numbers that look random and are the same each time. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const units = 15_000;
const pick = (seed: number, pieces: readonly string[]) => {
  const next = randomNumbers(seed);
  let text = "";
  while (text.length < units) text += pieces[next(pieces.length)];
  return text;
};

/** Kinds of texts, most without blanks; a text of each is tokenised whole, too. */
const kinds: Record<string, string> = {
  "one letter": "a".repeat(units),
  "letters and commas": "a,".repeat(units / 2),
  URLs: pick(1, ["https://example.org/", "path/", "?q=", "a%20b", "&x=1", "#part", "index.html", "cdn."]),
  base64: pick(2, [..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"]),
  Chinese: pick(3, [..."中国人民今天气很好的是在了有和大地上学"]),
  "Chinese with punctuation": pick(4, [..."中国人民今天气，。！a1"]),
  Thai: pick(5, ["สวัสดี", "ครับ", "ประเทศ", "ไทย", "มหาวิทยาลัย", "ที่", "น้ำ"]),
  emoji: pick(6, ["😀", "🚀", "👩\u200d👩\u200d👧", "❤️", "🇩🇪", "👍🏽"]),
  "one emoji": "😀".repeat(units / 2),
  "combining marks": `a${"\u0301\u0327".repeat(units / 2)}`,
  "marks on letters": "e\u0301\u0323".repeat(units / 3),
  NUL: "\0".repeat(units),
  "NUL in a word": `ab${"\0".repeat(units)}cd`,
  "NUL and blanks": pick(7, ["\0", " ", "\u200b", "\t", "\u0007"]),
  blanks: " ".repeat(units),
  "blanks of all kinds": pick(8, [..." \t\n\r\u00a0\u2003\u3000\u2028\u0085\u000b\f\ufeff"]),
  "minified code": pick(9, [
    "function(a,b){",
    "return",
    "a.b=c",
    ";",
    "}",
    "0x1f",
    "===",
    '"x"',
    "//",
    "`$y`",
  ]),
  Korean: pick(10, ["대한민국", "서울", "학교", "에서", "입니다"]),
  Arabic: pick(11, ["مرحبا", "بالعالم", "كِتَابٌ", "ﷺ"]),
  "added tokens": pick(12, ["[MASK]", "<mask>", "[SEP]", "</s>", "a", "[UNK]", "[", "]", "<", "mask"]),
  symbols: pick(13, [..."€£¥→⇒∀∑♥☂™°±×÷"]),
  "private use": "\ue000\u{f0000}".repeat(units / 3),
  "lone surrogates": "\ud800a\udc00".repeat(units / 3),
  everything: pick(14, [
    "word ",
    "中",
    "😀",
    "\0\0\0",
    ",",
    "  ",
    "\n",
    "é",
    "e\u0301",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "ﬁ",
    "[MASK]",
  ]),
};

const models = ["splade-tiny", "roberta", "modernbert", "xlm-roberta", "camembert"];

describe.each(models)("a long text that is cut, with the tokenizer of %s", (name) => {
  const folder = name === "splade-tiny" ? embeddedModelFolder() : fixture(name);

  let tokenizer: Tokenizer;
  let fromEnd: Tokenizer;
  beforeAll(async () => {
    tokenizer = await Tokenizer.open(folder);
    fromEnd = await Tokenizer.open(folder, { settings: { truncation_side: "left" } });
  });

  it.each(Object.keys(kinds))("has the first or last tokens of the whole: %s", async (kind) => {
    // Up to this length, texts are tokenised whole if there is room for all tokens.
    const text = kinds[kind]!;
    expect(text.length).toBeLessThanOrEqual(1 << 16);
    const [whole] = await tokenizer.encode([text], 1_000_000, { specialTokens: false });
    for (const length of [1, 120, 600]) {
      const [cut] = await tokenizer.encode([text], length, { specialTokens: false });
      expect([...cut!], String(length)).toEqual([...whole!.slice(0, length)]);
      const [last] = await fromEnd.encode([text], length, { specialTokens: false });
      expect([...last!], `last ${length}`).toEqual([...whole!.slice(-length)]);
    }
  });
});
