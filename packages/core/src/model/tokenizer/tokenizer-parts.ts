import { isJsonObject, type JsonObject, setting } from "../json-file.ts";

/** What the parts of a tokenizer are made from. */
export interface TokenizerSettings {
  /** `tokenizer_config.json` with what belongs to it, and the path for messages. */
  readonly config: JsonObject;
  readonly configFile: string;
  /** `model` and `normalizer` of the `tokenizer.json` at hand. */
  readonly model: JsonObject;
  readonly normalizer: unknown;
  /** The token for what the vocabulary does not cover, and its id there. */
  readonly unknownToken: string;
  readonly unknownId: number | undefined;
}

/** The parts of a `tokenizer.json` that decide how a text is split into pieces. */
export interface TokenizerParts {
  readonly model: JsonObject;
  readonly normalizer: unknown;
  readonly pre_tokenizer: unknown;
}

/** WordPiece over words and punctuation, as BERT has it. */
export function wordPieceParts({
  config,
  configFile,
  model,
  unknownToken,
}: TokenizerSettings): TokenizerParts {
  const stripAccents = config.strip_accents ?? null;
  return {
    model: {
      type: "WordPiece",
      unk_token: unknownToken,
      continuing_subword_prefix: "##",
      max_input_chars_per_word: 100,
      vocab: model.vocab,
    },
    normalizer: {
      type: "BertNormalizer",
      clean_text: true,
      handle_chinese_chars: setting(config, "tokenize_chinese_chars", true, configFile),
      // Null follows lowercase.
      strip_accents: stripAccents === null ? null : setting(config, "strip_accents", true, configFile),
      lowercase: setting(config, "do_lower_case", true, configFile),
    },
    pre_tokenizer: { type: "BertPreTokenizer" },
  };
}

/** Byte-pair encoding over bytes, as RoBERTa has it. */
export function byteLevelParts({ config, configFile, model }: TokenizerSettings): TokenizerParts {
  return {
    model: {
      type: "BPE",
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: "",
      end_of_word_suffix: "",
      fuse_unk: false,
      byte_fallback: false,
      vocab: model.vocab,
      merges: model.merges ?? [],
    },
    normalizer: null,
    pre_tokenizer: {
      type: "ByteLevel",
      add_prefix_space: setting(config, "add_prefix_space", false, configFile),
      trim_offsets: true,
      use_regex: true,
    },
  };
}

/** Unigram over words between blanks, normalised by the table of the SentencePiece model only. */
export function unigramParts(settings: TokenizerSettings, unknownId: number): TokenizerParts {
  const { model, normalizer } = settings;
  return {
    model: { type: "Unigram", unk_id: unknownId, vocab: model.vocab, byte_fallback: false },
    normalizer: precompiled(normalizer),
    pre_tokenizer: {
      type: "Sequence",
      pretokenizers: [{ type: "WhitespaceSplit" }, metaspace(settings)],
    },
  };
}

/** Blanks as a mark before words, also before the first one unless the settings say no. */
function metaspace({ config, configFile }: TokenizerSettings): JsonObject {
  const prefix = setting(config, "add_prefix_space", true, configFile);
  return { type: "Metaspace", replacement: "▁", prepend_scheme: prefix ? "always" : "never", split: true };
}

const quotes = ["``", "''"].map((text) => ({ type: "Replace", pattern: { String: text }, content: '"' }));
const accents = [{ type: "NFKD" }, { type: "StripAccents" }];

/** {@link unigramParts} with the normaliser of ALBERT. */
export function albertParts(settings: TokenizerSettings): TokenizerParts {
  const { config, configFile, normalizer } = settings;
  const table = precompiled(normalizer);
  return {
    ...unigramParts(settings, 1),
    normalizer: {
      type: "Sequence",
      normalizers: [
        ...quotes,
        ...(setting(config, "keep_accents", false, configFile) ? [] : accents),
        ...(setting(config, "do_lower_case", true, configFile) ? [{ type: "Lowercase" }] : []),
        ...(table === null ? [] : [table]),
      ],
    },
  };
}

/** Unigram over the whole text, with the normaliser of RemBERT. */
export function remBertParts(settings: TokenizerSettings): TokenizerParts {
  const { config, configFile, normalizer } = settings;
  const has = (key: string, fallback: boolean) => setting(config, key, fallback, configFile);
  const table = precompiled(normalizer);
  return {
    model: unigramParts(settings, 2).model,
    normalizer: {
      type: "Sequence",
      normalizers: [
        ...quotes,
        { type: "Replace", pattern: { Regex: " {2,}" }, content: " " },
        ...(has("keep_accents", true) ? [] : accents),
        ...(has("do_lower_case", false) ? [{ type: "Lowercase" }] : []),
        ...(table === null ? [] : [table]),
      ],
    },
    pre_tokenizer: metaspace(settings),
  };
}

/** Unigram over words between blanks, with blanks brought into one form, and no table. */
export function debertaParts(settings: TokenizerSettings): TokenizerParts {
  const { config, configFile, model, unknownToken } = settings;
  const blanks = { type: "Replace", pattern: { Regex: "\\s{2,}|[\\n\\r\\t]" }, content: " " };
  const lowercase = setting(config, "do_lower_case", false, configFile) ? [{ type: "Lowercase" }] : [];
  const punctuation = setting(config, "split_by_punct", false, configFile)
    ? [{ type: "Punctuation", behavior: "Isolated" }]
    : [];
  const prefix = setting(config, "add_prefix_space", true, configFile);
  const pieces = Array.isArray(model.vocab) ? (model.vocab as unknown[]) : [];
  const unknown = pieces.findIndex(
    (entry) => Array.isArray(entry) && entry[0] === unknownToken && entry[1] === 0,
  );
  return {
    model: { type: "Unigram", unk_id: unknown < 0 ? 1 : unknown, vocab: model.vocab, byte_fallback: false },
    normalizer: {
      type: "Sequence",
      normalizers: [
        ...lowercase,
        blanks,
        { type: "NFC" },
        { type: "Strip", strip_left: false, strip_right: true },
      ],
    },
    pre_tokenizer: {
      type: "Sequence",
      pretokenizers: [
        ...punctuation,
        { type: "Metaspace", replacement: "▁", prepend_scheme: prefix ? "always" : "first", split: true },
      ],
    },
  };
}

/** The normalisation table of a SentencePiece model in a normaliser or at the top of a sequence of them, or null. */
function precompiled(normalizer: unknown): JsonObject | null {
  return normalizersOf(normalizer).find(({ type }) => type === "Precompiled") ?? null;
}

/** A normaliser, or the normalisers of a sequence. */
export function normalizersOf(normalizer: unknown): JsonObject[] {
  const list =
    isJsonObject(normalizer) && normalizer.type === "Sequence" ? normalizer.normalizers : [normalizer];
  return Array.isArray(list) ? list.filter(isJsonObject) : [];
}
