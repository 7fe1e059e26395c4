import { received, SparseEncoderError } from "../../errors.ts";
import { isJsonObject, type JsonObject, setting } from "../json-file.ts";
import { type SpecialTokenName, specialTokenNames, type TokenizerClass } from "./tokenizer-class.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** A token that is searched for in the text before it is split, as `tokenizer.json` lists it. */
export interface AddedToken {
  readonly id: number;
  readonly content: string;
  readonly single_word: boolean;
  readonly lstrip: boolean;
  readonly rstrip: boolean;
  /** True if it is searched for in the normalised text. */
  readonly normalized: boolean;
  readonly special: boolean;
}

/** Where the added tokens of a folder are named. */
export interface AddedTokenSources {
  /** `tokenizer_config.json` with what belongs to it, and the path for messages. */
  readonly config: JsonObject;
  readonly configFile: string;
  /** `added_tokens.json`: ids by token. */
  readonly legacy: JsonObject;
  /** `added_tokens` of `tokenizer.json`. */
  readonly listed: unknown;
  /** The class that builds the tokenizer anew; undefined if `tokenizer.json` is taken as it is. */
  readonly rebuilt: TokenizerClass | undefined;
}

/**
 * Collects the added tokens as transformers 5 does: first the tokens listed with an id, by rising id, then the named
 * special tokens and the extra ones that are not among them. A token that the vocabulary lacks gets the next free id.
 *
 * @returns the tokens, and the content of the named tokens
 * @throws SparseEncoderError `TOKENIZER_INVALID`
 */
export function collectAddedTokens(
  sources: AddedTokenSources,
  vocabulary: Vocabulary,
): { tokens: AddedToken[]; named: ReadonlyMap<SpecialTokenName, string> } {
  const { config, configFile, rebuilt } = sources;
  const listed = listedTokens(sources.listed, configFile);
  const tokens = new Map<string, AddedToken>();
  let free = vocabulary.size;
  const add = (token: AddedToken) => {
    const { content } = token;
    const id = tokens.get(content)?.id ?? vocabulary.idOf(content) ?? free;
    tokens.set(content, { ...token, id });
    free = Math.max(free, id + 1);
  };
  if (rebuilt === undefined) {
    for (const token of listed) {
      tokens.set(token.content, token);
      free = Math.max(free, token.id + 1);
    }
  }
  for (const token of numberedTokens(sources, listed)) add(token);
  const named = new Map<SpecialTokenName, string>();
  for (const name of specialTokenNames) {
    const value = Object.hasOwn(config, name) ? config[name] : rebuilt?.specialTokens[name];
    if (value === undefined || value === null) continue;
    const token = addedToken(value, configFile, true);
    named.set(name, token.content);
    if (!tokens.has(token.content)) add(token);
  }
  for (const token of extraTokens(config, configFile, rebuilt)) {
    if (!tokens.has(token.content)) add(token);
  }
  return { tokens: [...tokens.values()], named };
}

function listedTokens(listed: unknown, file: string): AddedToken[] {
  return (Array.isArray(listed) ? listed : []).map((token) => ({
    ...addedToken(token, file, false),
    id: setting(token, "id", 0, file),
  }));
}

/** Tokens with an id: the tokens of `added_tokens_decoder`, or else of the other files; by rising id. */
function numberedTokens(
  { config, configFile, legacy }: AddedTokenSources,
  listed: readonly AddedToken[],
): AddedToken[] {
  const numbered = new Map<number, AddedToken>();
  if (isJsonObject(config.added_tokens_decoder)) {
    for (const [id, token] of Object.entries(config.added_tokens_decoder)) {
      numbered.set(Number(id), addedToken(token, configFile, false));
    }
  } else {
    const special = new Set(specialTokenNames.map((name) => contentOf(config[name])));
    for (const [content, id] of Object.entries(legacy)) {
      numbered.set(Number(id), addedToken({ content }, configFile, special.has(content)));
    }
    for (const token of listed) numbered.set(token.id, token);
  }
  return [...numbered].sort(([a], [b]) => a - b).map(([, token]) => token);
}

/** Special tokens beyond the usual names: a list, or named by keys of their own. */
function extraTokens(config: JsonObject, file: string, rebuilt: TokenizerClass | undefined): AddedToken[] {
  const extra = [config.extra_special_tokens, config.additional_special_tokens].find(
    (tokens) => typeof tokens === "object" && tokens !== null && Object.keys(tokens).length > 0,
  );
  const own = Object.entries(config).filter(
    ([name, value]) =>
      name.endsWith("_token") &&
      !specialTokenNames.some((known) => known === name) &&
      contentOf(value) !== undefined,
  );
  return [...own.map(([, token]) => token), ...Object.values(extra ?? rebuilt?.extraTokens ?? [])].map(
    (token) => addedToken(token, file, true),
  );
}

/** A token written as its text only, or with how it is searched for. */
function addedToken(token: unknown, file: string, isSpecial: boolean): AddedToken {
  const content = contentOf(token);
  if (content === undefined) {
    throw new SparseEncoderError(
      "TOKENIZER_INVALID",
      `${file} has ${received(token)} where a token is needed.`,
    );
  }
  const entry: JsonObject = isJsonObject(token) ? token : {};
  const special = setting(entry, "special", isSpecial, file);
  return {
    id: 0,
    content,
    single_word: setting(entry, "single_word", false, file),
    lstrip: setting(entry, "lstrip", false, file),
    rstrip: setting(entry, "rstrip", false, file),
    normalized: setting(entry, "normalized", !special, file),
    special,
  };
}

function contentOf(token: unknown): string | undefined {
  const content = isJsonObject(token) ? token.content : token;
  return typeof content === "string" ? content : undefined;
}
