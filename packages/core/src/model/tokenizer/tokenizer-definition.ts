import { readdir } from "node:fs/promises";
import path from "node:path";
import { received, SparseEncoderError } from "../../errors.ts";
import { isJsonObject, type JsonObject, readJsonObject, readTextFile, setting } from "../json-file.ts";
import { type AddedToken, collectAddedTokens } from "./added-tokens.ts";
import {
  type ChosenClass,
  mergesTextClass,
  type SpecialTokenName,
  type TokenizerClass,
  tokenizerClass,
  vocabularyTextClass,
} from "./tokenizer-class.ts";
import { normalizersOf } from "./tokenizer-parts.ts";
import { parseMerges, parseVocabularyText, Vocabulary } from "./vocabulary.ts";

/** What a folder says about its tokenizer. */
export interface TokenizerDefinition {
  /** The tokenizer in the format of `tokenizer.json`, without truncation and padding. */
  readonly json: JsonObject;
  /** The file that holds the vocabulary. */
  readonly file: string;
  readonly truncationSide: "left" | "right";
  /** Longest input in tokens; undefined if the folder names none. */
  readonly modelMaxLength: number | undefined;
  /** Special tokens that have a name. */
  readonly named: ReadonlyMap<SpecialTokenName, string>;
  /** False if the model gets no token types, so that all tokens are of type 0. */
  readonly givesTypes: boolean;
}

/** What the module that a tokenizer belongs to asks of it. */
export interface TokenizerOptions {
  readonly lowercase: boolean;
  readonly settings: JsonObject;
}

/**
 * Puts the tokenizer of a folder together as transformers 5 does. Most classes named by `tokenizer_class` keep the
 * vocabulary and the added tokens of `tokenizer.json` and build the rest from `tokenizer_config.json`, so that its
 * settings decide about lower case, accents and blanks; other classes take `tokenizer.json` as it is. Truncation and
 * padding in `tokenizer.json` have no effect.
 *
 * A vocabulary in text files says nothing about how texts are split: a class that is not known here is refused.
 *
 * @param options.lowercase puts lower-casing before everything else, as `do_lower_case` of `sentence_bert_config.json` asks
 * @param options.settings override `tokenizer_config.json`
 * @throws SparseEncoderError `TOKENIZER_INVALID` or `MODEL_UNSUPPORTED`
 */
export async function readTokenizerDefinition(
  folder: string,
  options: TokenizerOptions,
): Promise<TokenizerDefinition> {
  try {
    return await readDefinition(folder, options);
  } catch (error) {
    if (!SparseEncoderError.is(error, "MODEL_INVALID")) throw error;
    throw new SparseEncoderError("TOKENIZER_INVALID", error.message, { cause: error });
  }
}

async function readDefinition(
  folder: string,
  { lowercase, settings }: TokenizerOptions,
): Promise<TokenizerDefinition> {
  const read = async (name: string) => (await readJsonObject(path.join(folder, name))) ?? {};
  const configFile = path.join(folder, "tokenizer_config.json");
  const config = await readTokenizerConfig(read, settings, configFile);
  const { json, file, assumed } = await readVocabulary(folder);
  const chosen = tokenizerClass(
    config,
    configFile,
    await read("config.json"),
    path.join(folder, "config.json"),
  );
  const model = isJsonObject(json.model) ? json.model : {};
  const rebuilt =
    assumed === undefined ? classOfTokenizerFile(chosen, model) : classOfVocabulary(chosen, assumed, folder);
  const vocabulary = Vocabulary.of(model, file);
  const { tokens, named } = collectAddedTokens(
    { config, configFile, legacy: await read("added_tokens.json"), listed: json.added_tokens, rebuilt },
    vocabulary,
  );
  const definition: JsonObject & { model?: unknown } = {
    ...json,
    truncation: null,
    padding: null,
    added_tokens: tokens,
  };
  if (rebuilt !== undefined) {
    checkModel(rebuilt, model, file, configFile);
    const unknownToken = named.get("unk_token") ?? "";
    const unknownId = vocabulary.idOf(unknownToken);
    const { normalizer } = json;
    Object.assign(
      definition,
      rebuilt.parts({ config, configFile, model, normalizer, unknownToken, unknownId }),
      { post_processor: frame(rebuilt, named, tokens, configFile), decoder: null },
    );
  }
  return {
    json: lowercase ? withLowercase(definition) : definition,
    file,
    truncationSide: truncationSide(config, configFile, json.truncation),
    modelMaxLength: modelMaxLength(config, configFile),
    named,
    givesTypes: Array.isArray(config.model_input_names)
      ? config.model_input_names.includes("token_type_ids")
      : (rebuilt?.givesTypes ?? true),
  };
}

/** `tokenizer_config.json` with the special tokens of the older file, and the settings that come before both. */
async function readTokenizerConfig(
  read: (name: string) => Promise<JsonObject>,
  settings: JsonObject,
  configFile: string,
): Promise<JsonObject> {
  const stored = await read("tokenizer_config.json");
  // The newer list of tokens makes the older file meaningless.
  const older = stored.added_tokens_decoder === undefined ? await read("special_tokens_map.json") : {};
  const config = { ...stored, ...older, ...settings };
  if (setting(config, "split_special_tokens", false, configFile)) {
    throw new SparseEncoderError(
      "MODEL_UNSUPPORTED",
      `${configFile}: split_special_tokens is not supported.`,
    );
  }
  return config;
}

/**
 * The vocabulary of a folder in the format of `tokenizer.json`, and the class that a vocabulary in text files stands
 * for where nothing else is known.
 */
async function readVocabulary(
  folder: string,
): Promise<{ json: JsonObject; file: string; assumed?: TokenizerClass }> {
  const names = await readdir(folder).catch((): string[] => []);
  const has = (...needed: string[]) => needed.every((name) => names.includes(name));
  const at = (name: string) => path.join(folder, name);
  if (has("tokenizer.json")) {
    return { json: (await readJsonObject(at("tokenizer.json"))) ?? {}, file: at("tokenizer.json") };
  }
  if (has("vocab.txt")) {
    const vocab = parseVocabularyText((await readTextFile(at("vocab.txt"))) ?? "");
    return { json: { model: { vocab } }, file: at("vocab.txt"), assumed: vocabularyTextClass };
  }
  if (has("vocab.json", "merges.txt")) {
    const vocab = await readJsonObject(at("vocab.json"));
    const merges = parseMerges((await readTextFile(at("merges.txt"))) ?? "");
    return { json: { model: { vocab, merges } }, file: at("vocab.json"), assumed: mergesTextClass };
  }
  const sentencePiece = names.filter((name) => /\.(model|spm)$/.test(name));
  throw invalid(
    sentencePiece.length === 0
      ? `${folder} has no tokenizer; looked for tokenizer.json, vocab.txt, vocab.json with merges.txt`
      : `${folder} has its tokenizer only in ${received(sentencePiece)}: make tokenizer.json of it with AutoTokenizer.from_pretrained(folder).save_pretrained(folder) in Python`,
  );
}

/**
 * The class for a vocabulary in text files.
 * @throws SparseEncoderError `MODEL_UNSUPPORTED` for a class that is not known, whose texts would be split wrongly
 */
function classOfVocabulary(
  { known, name }: ChosenClass,
  assumed: TokenizerClass,
  folder: string,
): TokenizerClass {
  if (known !== undefined) return known;
  if (name === "") return assumed;
  if (/Japanese/.test(name)) {
    throw new SparseEncoderError(
      "MODEL_UNSUPPORTED",
      `${folder} has a tokenizer of the kind ${received(name)}, which is not supported without tokenizer.json: it cuts words with MeCab or another segmenter of Japanese. Choose a model with a fast tokenizer, such as one on XLM-RoBERTa, ModernBERT or another with SentencePiece.`,
    );
  }
  throw new SparseEncoderError(
    "MODEL_UNSUPPORTED",
    `${folder} has a tokenizer of the kind ${received(name)}, which is not supported without tokenizer.json. If transformers has a fast tokenizer for it, make that file with AutoTokenizer.from_pretrained(folder).save_pretrained(folder) in Python.`,
  );
}

/**
 * The class that builds the tokenizer of a `tokenizer.json` anew; undefined if the file is taken as it is. A class does not fit
 * a vocabulary of another kind: then the file says how texts are split, as it did for the model's training.
 */
function classOfTokenizerFile({ rebuilt }: ChosenClass, model: JsonObject): TokenizerClass | undefined {
  return rebuilt?.model === modelKind(model) ? rebuilt : undefined;
}

function checkModel(rebuilt: TokenizerClass, model: JsonObject, file: string, configFile: string): void {
  const kind = modelKind(model);
  if (kind === rebuilt.model) return;
  throw invalid(
    `${file} holds a ${kind} model, but ${rebuilt.name}, the class of ${configFile}, needs ${rebuilt.model}; make tokenizer.json with AutoTokenizer.from_pretrained(folder).save_pretrained(folder) in Python`,
  );
}

/** Older files do not name the kind. */
function modelKind({ type, vocab, merges }: JsonObject): string {
  if (typeof type === "string") return type;
  if (Array.isArray(vocab)) return "Unigram";
  return merges === undefined ? "WordPiece" : "BPE";
}

/** Puts one token before and one after every text, and one or two between two texts. */
function frame(
  rebuilt: TokenizerClass,
  named: ReadonlyMap<SpecialTokenName, string>,
  tokens: readonly AddedToken[],
  configFile: string,
): JsonObject {
  const around = rebuilt.frame.map((name) => {
    const token = tokens.find(({ content }) => content === named.get(name));
    if (token === undefined) throw invalid(`${configFile} names no ${name}, which ${rebuilt.name} needs`);
    return { id: token.content, ids: [token.id], tokens: [token.content] };
  });
  const [first, last] = around.map(({ id }) => ({ SpecialToken: { id, type_id: 0 } }));
  const [a, b] = ["A", "B"].map((id) => ({ Sequence: { id, type_id: 0 } }));
  const typed = {
    b: { Sequence: { id: "B", type_id: 1 } },
    last: { SpecialToken: { id: around[1]!.id, type_id: 1 } },
  };
  return {
    type: "TemplateProcessing",
    single: [first, a, last],
    pair: rebuilt.between === "one" ? [first, a, last, typed.b, typed.last] : [first, a, last, last, b, last],
    special_tokens: Object.fromEntries(around.map((token) => [token.id, token])),
  };
}

function withLowercase(definition: JsonObject): JsonObject {
  const normalizers = normalizersOf(definition.normalizer);
  if (normalizers.some(({ type }) => type === "Lowercase")) return definition;
  const normalizer = { type: "Sequence", normalizers: [{ type: "Lowercase" }, ...normalizers] };
  return { ...definition, normalizer };
}

/** The side named by the settings, else the side of the truncation in `tokenizer.json`. */
function truncationSide(config: JsonObject, configFile: string, truncation: unknown): "left" | "right" {
  const baked = isJsonObject(truncation) ? truncation.direction : undefined;
  const fallback = typeof baked === "string" ? baked.toLowerCase() : "right";
  const side = setting(config, "truncation_side", fallback, configFile);
  if (side === "left" || side === "right") return side;
  throw invalid(`${configFile}: "truncation_side" must be left or right, found ${received(side)}`);
}

function modelMaxLength(config: JsonObject, configFile: string): number | undefined {
  const older: number = setting(config, "max_len", 0, configFile);
  const length = setting(config, "model_max_length", older, configFile);
  // Tokenizers without a limit store 10^30.
  return Number.isSafeInteger(length) && length > 0 ? length : undefined;
}

function invalid(problem: string): SparseEncoderError {
  return new SparseEncoderError("TOKENIZER_INVALID", `${problem}.`);
}
