import { type JsonObject, setting } from "../json-file.ts";
import {
  albertParts,
  byteLevelParts,
  debertaParts,
  remBertParts,
  type TokenizerParts,
  type TokenizerSettings,
  unigramParts,
  wordPieceParts,
} from "./tokenizer-parts.ts";

/** The special tokens that have a name, in the order in which they get ids. */
export const specialTokenNames = [
  "bos_token",
  "eos_token",
  "unk_token",
  "sep_token",
  "pad_token",
  "cls_token",
  "mask_token",
] as const;
export type SpecialTokenName = (typeof specialTokenNames)[number];

/** What a tokenizer class of transformers makes of a vocabulary and settings. */
export interface TokenizerClass {
  readonly name: string;
  /** Kind of the `model` in `tokenizer.json`. */
  readonly model: "WordPiece" | "BPE" | "Unigram";
  /** Special tokens where no file names them: their text, or their text and how they are searched for. */
  readonly specialTokens: Readonly<Partial<Record<SpecialTokenName, string | JsonObject>>>;
  /** Further special tokens where no file names any. */
  readonly extraTokens?: readonly string[];
  /** What stands before and after a text. */
  readonly frame: readonly [SpecialTokenName, SpecialTokenName];
  /** Tokens between two texts: one, before which all is of token type 0, or two without token types. */
  readonly between: "one" | "two";
  /** False if the class gives no token types unless a file asks for them. Default true. */
  readonly givesTypes?: boolean;
  readonly parts: (settings: TokenizerSettings) => TokenizerParts;
}

const bert: TokenizerClass = {
  name: "BertTokenizer",
  model: "WordPiece",
  specialTokens: {
    unk_token: "[UNK]",
    sep_token: "[SEP]",
    pad_token: "[PAD]",
    cls_token: "[CLS]",
    mask_token: "[MASK]",
  },
  frame: ["cls_token", "sep_token"],
  between: "one",
  parts: wordPieceParts,
};

const mpnet: TokenizerClass = {
  ...bert,
  name: "MPNetTokenizer",
  between: "two",
  specialTokens: {
    bos_token: "<s>",
    eos_token: "</s>",
    unk_token: "[UNK]",
    sep_token: "</s>",
    pad_token: "<pad>",
    cls_token: "<s>",
    mask_token: { content: "<mask>", lstrip: true },
  },
};

const roberta: TokenizerClass = {
  name: "RobertaTokenizer",
  model: "BPE",
  specialTokens: {
    bos_token: "<s>",
    eos_token: "</s>",
    unk_token: "<unk>",
    sep_token: "</s>",
    pad_token: "<pad>",
    cls_token: "<s>",
    mask_token: "<mask>",
  },
  frame: ["cls_token", "sep_token"],
  between: "two",
  parts: byteLevelParts,
};

const xlmRoberta: TokenizerClass = {
  name: "XLMRobertaTokenizer",
  model: "Unigram",
  specialTokens: roberta.specialTokens,
  frame: ["bos_token", "eos_token"],
  between: "two",
  parts: (settings) => unigramParts(settings, 3),
};

const camembert: TokenizerClass = {
  ...xlmRoberta,
  name: "CamembertTokenizer",
  specialTokens: { ...roberta.specialTokens, mask_token: { content: "<mask>", lstrip: true } },
  extraTokens: ["<s>NOTUSED", "</s>NOTUSED", "<unk>NOTUSED"],
  parts: (settings) => unigramParts(settings, settings.unknownId ?? 0),
};

const albert: TokenizerClass = {
  name: "AlbertTokenizer",
  model: "Unigram",
  specialTokens: {
    bos_token: "[CLS]",
    eos_token: "[SEP]",
    unk_token: "<unk>",
    sep_token: "[SEP]",
    pad_token: "<pad>",
    cls_token: "[CLS]",
    mask_token: "[MASK]",
  },
  frame: ["cls_token", "sep_token"],
  between: "one",
  parts: albertParts,
};

const remBert: TokenizerClass = {
  ...albert,
  name: "RemBertTokenizer",
  givesTypes: false,
  parts: remBertParts,
};

const deberta: TokenizerClass = {
  name: "DebertaV2Tokenizer",
  model: "Unigram",
  specialTokens: {
    bos_token: "[CLS]",
    eos_token: "[SEP]",
    unk_token: "[UNK]",
    sep_token: "[SEP]",
    pad_token: "[PAD]",
    cls_token: "[CLS]",
    mask_token: "[MASK]",
  },
  frame: ["cls_token", "sep_token"],
  between: "one",
  parts: debertaParts,
};

/** Classes by name, without `Fast` at its end. */
const classes: ReadonlyMap<string, TokenizerClass> = new Map([
  ["AlbertTokenizer", albert],
  ["BertTokenizer", bert],
  ["CamembertTokenizer", camembert],
  ["DebertaV2Tokenizer", deberta],
  ["DistilBertTokenizer", bert],
  ["ElectraTokenizer", bert],
  ["MPNetTokenizer", mpnet],
  ["MobileBertTokenizer", bert],
  ["RemBertTokenizer", remBert],
  ["RobertaTokenizer", roberta],
  ["XLMRobertaTokenizer", xlmRoberta],
]);

/** Classes by model type, for folders that name none. */
const classesOfModelTypes: ReadonlyMap<string, TokenizerClass> = new Map([
  ["albert", albert],
  ["bert", bert],
  ["camembert", camembert],
  ["deberta-v2", deberta],
  ["distilbert", bert],
  ["electra", bert],
  ["mobilebert", bert],
  ["mpnet", mpnet],
  ["rembert", remBert],
  ["roberta", roberta],
  ["xlm-roberta", xlmRoberta],
]);

/**
 * The class whose rules replace the rules of `tokenizer.json`, as `AutoTokenizer` of transformers 5 chooses it.
 *
 * @param config `tokenizer_config.json`
 * @param modelConfig `config.json`
 */
export function tokenizerClass(
  config: JsonObject,
  configFile: string,
  modelConfig: JsonObject,
  modelConfigFile: string,
): ChosenClass {
  const modelType: string = setting(modelConfig, "model_type", "", modelConfigFile);
  const name: string =
    setting(config, "tokenizer_class", "", configFile) ||
    setting(modelConfig, "tokenizer_class", "", modelConfigFile);
  const named = classes.get(name.replace(/Fast$/, ""));
  const known = name === "" ? classesOfModelTypes.get(modelType) : named;
  // Folders of ModernBERT name classes of other models; the reference leaves them out.
  const rebuilt = modelType.startsWith("modernbert") ? undefined : known;
  return { rebuilt, known, name: name || modelType };
}

/** What a folder says about the class of its tokenizer. */
export interface ChosenClass {
  /** The class that builds the tokenizer anew; undefined if `tokenizer.json` is taken as it is. */
  readonly rebuilt: TokenizerClass | undefined;
  /** The class that the folder names or implies; undefined if it is not known here. */
  readonly known: TokenizerClass | undefined;
  /** The class or else the model type that the folder names; empty if it names neither. */
  readonly name: string;
}

/** The class for a vocabulary in text files where no file names anything. */
export const vocabularyTextClass = bert;
export const mergesTextClass = roberta;
