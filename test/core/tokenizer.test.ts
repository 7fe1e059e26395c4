import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Tokenizer } from "../../packages/core/src/model/index.ts";
import { readJson } from "../helpers/golden-data.ts";

type JsonObject = Record<string, unknown>;

/** A fixture model with some files changed, and what transformers makes of the folder. */
interface TokenizerCase {
  name: string;
  base: string;
  /** Entries to set in JSON files, which may not exist yet. */
  set?: Record<string, JsonObject>;
  /** Entries to take out of JSON files. */
  remove?: Record<string, string[]>;
  /** Files to leave out. */
  drop?: string[];
  /** The vocabulary comes in this file rather than in tokenizer.json. */
  vocabulary?: "vocab.txt" | "vocab.json";
  lowercase?: boolean;
  vocabulary_size: number;
  token_ids: number[][];
  token_ids_8: number[][];
  token_ids_plain_8: number[][];
}

const models = fileURLToPath(new URL("../fixtures/models/", import.meta.url));
const { texts, cases } = readJson("fixtures/tokenizers/cases.json") as {
  texts: string[];
  cases: TokenizerCase[];
};

/** Stands in the cases for the normaliser of the base, whose table is long. */
const precompiled = JSON.stringify("the normalizer of the base");

/** Writes the folder of a case: what `write_folder` of make_cases.py does. */
function writeFolder(
  folder: string,
  { base, set = {}, remove = {}, drop = [], vocabulary }: TokenizerCase,
): void {
  const source = path.join(models, base);
  for (const name of ["tokenizer_config.json", "tokenizer.json", "config.json"]) {
    if (drop.includes(name) || (name === "tokenizer.json" && vocabulary !== undefined)) continue;
    copyFileSync(path.join(source, name), path.join(folder, name));
  }
  const original = readObject(path.join(source, "tokenizer.json")) as {
    normalizer: unknown;
    model: { vocab: Record<string, number>; merges: (string | string[])[] };
  };
  const { vocab, merges } = original.model;
  if (vocabulary === "vocab.txt") {
    const pieces = Object.keys(vocab).sort((a, b) => vocab[a]! - vocab[b]!);
    writeFileSync(path.join(folder, "vocab.txt"), pieces.map((piece) => `${piece}\n`).join(""));
  }
  if (vocabulary === "vocab.json") {
    const lines = merges.map((merge) => (typeof merge === "string" ? merge : merge.join(" ")));
    writeFileSync(path.join(folder, "vocab.json"), JSON.stringify(vocab));
    writeFileSync(path.join(folder, "merges.txt"), ["#version: 0.2", ...lines, ""].join("\n"));
  }
  for (const name of new Set([...Object.keys(set), ...Object.keys(remove)])) {
    const file = path.join(folder, name);
    const content: JsonObject = { ...readObject(file), ...set[name] };
    for (const key of remove[name] ?? []) delete content[key];
    const text = JSON.stringify(content).replaceAll(precompiled, () => JSON.stringify(original.normalizer));
    writeFileSync(file, text);
  }
}

function readObject(file: string): JsonObject {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as JsonObject;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return {};
    throw error;
  }
}

const rows = (ids: Int32Array[]) => ids.map((row) => Array.from(row));

describe("tokenizers of folders with other settings than the fixture models", () => {
  it("has cases to test", () => {
    expect(cases.length).toBe(69);
    for (const { token_ids } of cases) expect(token_ids.length).toBe(texts.length);
  });

  it.each(cases.map((tokenizerCase) => [tokenizerCase.name, tokenizerCase] as const))(
    "has transformers' token ids: %s",
    async (_, tokenizerCase) => {
      const folder = mkdtempSync(path.join(tmpdir(), "tokenizer-"));
      try {
        writeFolder(folder, tokenizerCase);
        const tokenizer = await Tokenizer.open(folder, { lowercase: tokenizerCase.lowercase ?? false });
        expect(tokenizer.vocabularySize).toBe(tokenizerCase.vocabulary_size);
        expect(rows(await tokenizer.encode(texts, 10_000))).toEqual(tokenizerCase.token_ids);
        expect(rows(await tokenizer.encode(texts, 8))).toEqual(tokenizerCase.token_ids_8);
        const plain = await tokenizer.encode(texts, 8, { specialTokens: false });
        expect(rows(plain)).toEqual(tokenizerCase.token_ids_plain_8);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
  );
});

describe("a tokenizer class that is not known", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), "tokenizer-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const base = { name: "", vocabulary_size: 0, token_ids: [], token_ids_8: [], token_ids_plain_8: [] };
  const refused = (name: string) =>
    expect(Tokenizer.open(folder)).rejects.toMatchObject({
      code: "MODEL_UNSUPPORTED",
      message: expect.stringMatching(
        new RegExp(`'${name}', which is not supported without tokenizer\\.json`),
      ),
    });

  it.each([
    ["BertJapaneseTokenizer", "tokenizer_config.json", "vocab.txt"],
    ["PhobertTokenizer", "tokenizer_config.json", "vocab.txt"],
    ["PreTrainedTokenizerFast", "tokenizer_config.json", "vocab.txt"],
    ["BertweetTokenizer", "config.json", "vocab.txt"],
    ["HerbertTokenizer", "tokenizer_config.json", "vocab.json"],
    ["GPT2Tokenizer", "config.json", "vocab.json"],
  ] as const)("such as %s in %s is refused over a %s", async (name, file, vocabulary) => {
    writeFolder(folder, {
      ...base,
      base: vocabulary === "vocab.txt" ? "bert-max-relu" : "roberta",
      vocabulary,
      set: { [file]: { tokenizer_class: name } },
      remove: file === "config.json" ? { "tokenizer_config.json": ["tokenizer_class"] } : {},
    });
    await refused(name);
  });

  it("that needs a segmenter is refused with what loads instead", async () => {
    const set = {
      "tokenizer_config.json": { tokenizer_class: "BertJapaneseTokenizer", word_tokenizer_type: "mecab" },
    };
    writeFolder(folder, { ...base, base: "bert-max-relu", vocabulary: "vocab.txt", set });
    await expect(Tokenizer.open(folder)).rejects.toThrow(/MeCab.*Choose a model with a fast tokenizer/);
  });

  it("is refused by the model type where no class is named", async () => {
    writeFolder(folder, {
      ...base,
      base: "bert-max-relu",
      vocabulary: "vocab.txt",
      set: { "config.json": { model_type: "nezha" } },
      remove: { "tokenizer_config.json": ["tokenizer_class"] },
    });
    await refused("nezha");
  });

  it("leaves tokenizer.json as it is", async () => {
    const set = { "tokenizer_config.json": { tokenizer_class: "HerbertTokenizer" } };
    writeFolder(folder, { ...base, base: "roberta", set });
    const whole = await Tokenizer.load(path.join(folder, "tokenizer.json"));
    const tokenizer = await Tokenizer.open(folder);
    expect(rows(await tokenizer.encode(texts, 512))).toEqual(rows(await whole.encode(texts, 512)));
  });
});

describe("a tokenizer.json of another kind than the class builds", () => {
  // The reference builds WordPiece or bytes of its pieces, and so gives the unknown token for nearly every word.
  it.each([undefined, "RobertaTokenizer"])("is taken as it is, with the class %s", async (name) => {
    const folder = mkdtempSync(path.join(tmpdir(), "tokenizer-"));
    try {
      copyFileSync(path.join(models, "xlm-roberta/tokenizer.json"), path.join(folder, "tokenizer.json"));
      copyFileSync(path.join(models, "bert-max-relu/config.json"), path.join(folder, "config.json"));
      writeFileSync(path.join(folder, "tokenizer_config.json"), JSON.stringify({ tokenizer_class: name }));
      const whole = await Tokenizer.load(path.join(folder, "tokenizer.json"));
      const tokenizer = await Tokenizer.open(folder);
      expect(rows(await tokenizer.encode(texts, 512))).toEqual(rows(await whole.encode(texts, 512)));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
