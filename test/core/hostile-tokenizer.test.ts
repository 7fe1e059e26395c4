import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { SparseEncoder } from "@sparse-encoder/core";
import { afterAll, describe, expect, it } from "vitest";
import { Tokenizer } from "../../packages/core/src/model/index.ts";
import { goldenModelFolder } from "../helpers/golden-data.ts";
import { copyModel, editJson, type Json } from "../helpers/model-copies.ts";

const root = mkdtempSync(path.join(tmpdir(), "sparse-encoder-tokenizers-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let copies = 0;
function folderWith(model: string, change: (tokenizer: Json) => void): string {
  const folder = path.join(root, String(copies++));
  copyModel(
    goldenModelFolder(model),
    folder,
    (file) => file.endsWith(".safetensors") || file.startsWith("1_"),
  );
  editJson(path.join(folder, "tokenizer.json"), change);
  return folder;
}

/** The normaliser of the XLM-R fixture, whose table comes from SentencePiece. */
type Table = { precompiled_charsmap: string };
const tableOf = (tokenizer: Json): Table => tokenizer.normalizer as Table;

function editTable(tokenizer: Json, edit: (bytes: Buffer) => Buffer): void {
  const table = tableOf(tokenizer);
  table.precompiled_charsmap = edit(Buffer.from(table.precompiled_charsmap, "base64")).toString("base64");
}

const post = (tokenizer: Json) =>
  tokenizer.post_processor as { single: Json[]; special_tokens: Record<string, Json> };
const split = (Regex: string) => ({ type: "Split", pattern: { Regex }, behavior: "Isolated", invert: false });
const nested = (depth: number): Json =>
  depth === 0 ? { type: "Lowercase" } : { type: "Sequence", normalizers: [nested(depth - 1)] };

describe("a tokenizer.json that would end the process in the native library is refused:", () => {
  const cases: [name: string, model: string, code: string, (tokenizer: Json) => void][] = [
    [
      "a character of the table is no base64",
      "xlm-roberta",
      "TOKENIZER_INVALID",
      (t) => {
        const { precompiled_charsmap: map } = tableOf(t);
        tableOf(t).precompiled_charsmap = `${map.slice(0, 1000)}*${map.slice(1001)}`;
      },
    ],
    [
      "the table is cut off",
      "xlm-roberta",
      "TOKENIZER_INVALID",
      (t) => editTable(t, (bytes) => bytes.subarray(0, 700)),
    ],
    [
      "the table is nearly empty",
      "xlm-roberta",
      "TOKENIZER_INVALID",
      (t) => Object.assign(tableOf(t), { precompiled_charsmap: "AAAA" }),
    ],
    [
      "the table leads beyond its end",
      "xlm-roberta",
      "TOKENIZER_INVALID",
      (t) =>
        editTable(t, (bytes) => {
          for (let place = 4; place < 1028; place += 4)
            bytes.writeUInt32LE((bytes.readUInt32LE(place) | 0x7ffffc00) >>> 0, place);
          return bytes;
        }),
    ],
    [
      "the texts of the table are not UTF-8",
      "xlm-roberta",
      "TOKENIZER_INVALID",
      (t) => editTable(t, (bytes) => Buffer.concat([bytes, Buffer.from([0xff])])),
    ],
    [
      "a template names a token that is not listed",
      "modernbert",
      "TOKENIZER_INVALID",
      (t) => {
        (post(t).single[0]!.SpecialToken as Json).id = "[NONE]";
      },
    ],
    [
      "a template without text",
      "modernbert",
      "TOKENIZER_INVALID",
      (t) => {
        post(t).single = [];
      },
    ],
    [
      "a template for a second text",
      "modernbert",
      "TOKENIZER_INVALID",
      (t) => {
        post(t).single = [{ Sequence: { id: "B", type_id: 0 } }];
      },
    ],
    [
      "a template with an id beyond 31 bits",
      "modernbert",
      "TOKENIZER_INVALID",
      (t) => {
        for (const token of Object.values(post(t).special_tokens)) token.ids = [2 ** 31];
      },
    ],
    [
      "words of fixed length 0",
      "modernbert",
      "TOKENIZER_INVALID",
      (t) => {
        t.pre_tokenizer = { type: "FixedLength", length: 0 };
      },
    ],
    [
      "a pattern that backtracks without end",
      "modernbert",
      "MODEL_UNSUPPORTED",
      (t) => {
        t.pre_tokenizer = split("(x+x+)+y");
      },
    ],
    [
      "such a pattern in a normaliser",
      "modernbert",
      "MODEL_UNSUPPORTED",
      (t) => {
        t.normalizer = { type: "Replace", pattern: { Regex: "(a|a)*b" }, content: "" };
      },
    ],
    [
      "a pattern with back references",
      "modernbert",
      "MODEL_UNSUPPORTED",
      (t) => {
        t.pre_tokenizer = { type: "Sequence", pretokenizers: [split("(\\w+)\\1")] };
      },
    ],
    [
      "replacements that multiply a text",
      "modernbert",
      "MODEL_UNSUPPORTED",
      (t) => {
        const twice = { type: "Replace", pattern: { String: "a" }, content: "aaaaaaaa" };
        t.normalizer = { type: "Sequence", normalizers: [twice, twice, twice] };
      },
    ],
    [
      "a replacement of nothing",
      "modernbert",
      "MODEL_UNSUPPORTED",
      (t) => {
        t.normalizer = { type: "Replace", pattern: { Regex: "x*" }, content: "x".repeat(100) };
      },
    ],
    [
      "an empty pattern",
      "modernbert",
      "TOKENIZER_INVALID",
      (t) => {
        t.normalizer = { type: "Replace", pattern: { String: "" }, content: "x" };
      },
    ],
    [
      "parts without end",
      "modernbert",
      "TOKENIZER_INVALID",
      (t) => {
        t.normalizer = nested(100);
      },
    ],
    [
      "an unknown kind",
      "modernbert",
      "MODEL_UNSUPPORTED",
      (t) => {
        t.pre_tokenizer = { type: "Surprise" };
      },
    ],
    [
      "merges without their prefix",
      "modernbert",
      "TOKENIZER_INVALID",
      (t) => {
        (t.model as Json).continuing_subword_prefix = "é##";
      },
    ],
    [
      "random tokens",
      "modernbert",
      "MODEL_UNSUPPORTED",
      (t) => {
        (t.model as Json).dropout = 0.5;
      },
    ],
    [
      "ids beyond 31 bits",
      "modernbert",
      "TOKENIZER_INVALID",
      (t) => {
        ((t.model as Json).vocab as Record<string, number>).more = 2 ** 31;
      },
    ],
    [
      "a piece that is a deep tree",
      "xlm-roberta",
      "TOKENIZER_INVALID",
      (t) => {
        ((t.model as Json).vocab as [string, number][]).push(["A".repeat(200_000), -1]);
      },
    ],
    [
      "an added token of that length",
      "modernbert",
      "TOKENIZER_INVALID",
      (t) => {
        (t.added_tokens as Json[])[0]!.content = "A".repeat(200_000);
      },
    ],
    [
      "negative ids",
      "modernbert",
      "TOKENIZER_INVALID",
      (t) => {
        ((t.model as Json).vocab as Record<string, number>).more = -1;
      },
    ],
    [
      "an unknown token beyond the pieces",
      "xlm-roberta",
      "TOKENIZER_INVALID",
      (t) => {
        delete t.post_processor;
        (t.model as Json).vocab = [];
      },
    ],
  ];

  it.each(cases)("%s (%s)", async (_, model, code, change) => {
    const folder = folderWith(model, change);
    await expect(Tokenizer.open(folder)).rejects.toMatchObject({ code });
    await expect(SparseEncoder.load(folder)).rejects.toMatchObject({
      code: expect.stringMatching(/INVALID|UNSUPPORTED|NOT_FOUND/),
    });
  });
});

describe("patterns of tokenizers in use", () => {
  const contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
  it.each([
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
    `${contractions}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`,
    `[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+${contractions}?|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*${contractions}?|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`,
    "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
    "\\p{N}{1,3}|[一-龥぀-ゟ゠-ヿ]+",
    "\\d{1,3}(?=(?:\\d{3})*\\b)",
    " ?[^(\\s|[.,!?…。，、।۔،])]+",
    "[0-9][0-9][0-9]",
    " {2,}",
    "\\s+$",
  ])("are accepted: %s", async (pattern) => {
    const folder = folderWith("modernbert", (tokenizer) => {
      tokenizer.pre_tokenizer = {
        type: "Sequence",
        pretokenizers: [split(pattern), { type: "ByteLevel", use_regex: false }],
      };
    });
    const tokenizer = await Tokenizer.open(folder);
    // What backtracks most: runs that nothing ends, as long as texts are tokenised at once.
    for (const text of [" ", "x", "1", ".", "\n", "一", "a1 .\n"]) {
      const [ids] = await tokenizer.encode([text.repeat(5000)], 8);
      expect(ids!.length).toBe(8);
    }
  });
});
