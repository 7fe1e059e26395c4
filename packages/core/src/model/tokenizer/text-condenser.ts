import { isJsonObject, type JsonObject } from "../json-file.ts";

/**
 * What a character does to the tokens of a text.
 *
 * `word`: it is part of a word, whatever stands beside it. `blank`: it ends words and gives no token. `nothing`: it is taken out
 * before anything else. `foreign`: no piece of the vocabulary has it, and its neighbours of the same kind become one unknown
 * token with it. `other`: all the rest.
 */
export type CharacterKind = "other" | "word" | "blank" | "nothing" | "foreign";

/** How many characters of one kind in a row change the tokens: more can be left out. */
export interface CondenseRules {
  readonly kindOf: (character: string) => CharacterKind;
  /** Characters of a word after which it is one unknown token, however it goes on. */
  readonly longestWord: number;
}

/** Blanks, characters that are taken out, and foreign ones that are kept of a run: one would do. */
const keptOfRun = 64;

/** Added tokens that are longer might be cut by the rules. */
const longestAddedToken = keptOfRun / 2;

/**
 * The rules of a tokenizer for which long texts can have few tokens: WordPiece, which gives one token for a long word, and
 * Unigram, which gives one for a run of unknown characters. Undefined for others: each of their tokens has a few characters only.
 *
 * @param definition a checked tokenizer
 * @param normalized what the tokenizer's normaliser makes of a character
 */
export function condenseRules(
  definition: JsonObject,
  normalized: (character: string) => string,
): CondenseRules | undefined {
  const added = (definition.added_tokens as readonly JsonObject[]).map(({ content }) => String(content));
  if (added.some((content) => content.length > longestAddedToken || /\p{White_Space}/u.test(content))) {
    return undefined;
  }
  const { model } = definition;
  if (!isJsonObject(model)) return undefined;
  if (model.type === "WordPiece") return wordPieceRules(definition, model, added);
  if (model.type === "Unigram") return unigramRules(definition, model, added, normalized);
  return undefined;
}

function wordPieceRules(
  { normalizer, pre_tokenizer: words }: JsonObject,
  model: JsonObject,
  added: readonly string[],
): CondenseRules | undefined {
  const isBert =
    isJsonObject(words) &&
    words.type === "BertPreTokenizer" &&
    isJsonObject(normalizer) &&
    normalizer.type === "BertNormalizer";
  if (!isBert) return undefined;
  const { clean_text: cleans, lowercase, strip_accents: strips } = normalizer;
  const dropsMarks = strips === true || ((strips ?? null) === null && lowercase === true);
  const kindOf = (character: string): CharacterKind => {
    // Chinese characters are words of their own in most tokenizers of this kind; they are not worth a rule.
    if (/[\p{Script=Han}\p{P}]|[!-/:-@[-`{-~]/u.test(character)) return "other";
    if (/[\t\n\r\p{Z}]/u.test(character)) return "blank";
    if (/[\p{C}\ufffd]/u.test(character)) return cleans === true ? "nothing" : "other";
    if (/\p{Mn}/u.test(character)) return dropsMarks ? "nothing" : "word";
    return "word";
  };
  // A token that is made of word characters only would be found inside a word.
  if (!added.every((content) => [...content].some((character) => kindOf(character) === "other"))) {
    return undefined;
  }
  return { kindOf, longestWord: Number(model.max_input_chars_per_word) };
}

function unigramRules(
  { pre_tokenizer: words }: JsonObject,
  model: JsonObject,
  added: readonly string[],
  normalized: (character: string) => string,
): CondenseRules | undefined {
  if (model.byte_fallback === true || !isJsonObject(words)) return undefined;
  const parts = words.type === "Sequence" ? (words.pretokenizers as readonly JsonObject[]) : [words];
  if (!parts.every(({ type }) => type === "WhitespaceSplit" || type === "Metaspace")) return undefined;
  const dropsBlanks = parts[0]!.type === "WhitespaceSplit";
  // Made for the first long text: most programs never have one, and large vocabularies take some milliseconds.
  let known: ReadonlySet<string> | undefined;
  const alphabet = () => {
    known ??= charactersOf(model.vocab as readonly (readonly [string, number])[], added);
    return known;
  };
  const kindOf = (character: string): CharacterKind => {
    const made = normalized(character);
    if (/\p{White_Space}/u.test(character)) {
      return dropsBlanks && /^\p{White_Space}+$/u.test(made) ? "blank" : "other";
    }
    if (made === "") return /\p{Cc}/u.test(character) ? "nothing" : "other";
    const isForeign = [...made].every((part) => !alphabet().has(part) && !/\p{White_Space}/u.test(part));
    return isForeign && !alphabet().has(character) ? "foreign" : "other";
  };
  return { kindOf, longestWord: Number.POSITIVE_INFINITY };
}

/** All characters of the pieces of a vocabulary and of added tokens. */
function charactersOf(
  vocabulary: readonly (readonly [string, number])[],
  added: readonly string[],
): Set<string> {
  const characters = new Set<string>();
  for (const [piece] of vocabulary) for (const character of piece) characters.add(character);
  for (const content of added) for (const character of content) characters.add(character);
  return characters;
}

/** Kinds by number, as they are kept for each character. */
const kinds: readonly CharacterKind[] = ["other", "word", "blank", "nothing", "foreign"];
const [word, blank, nothing, foreign] = [1, 2, 3, 4] as const;
const unknownKind = 255;

/** Says of each character of a text, in order, whether it changes the tokens. */
export class Condenser {
  private readonly rules: CondenseRules;
  private readonly known = new Uint8Array(1 << 16).fill(unknownKind);
  private readonly knownBeyond = new Map<number, number>();

  constructor(rules: CondenseRules) {
    this.rules = rules;
  }

  /** A new text begins. */
  begin(): CondensedRun {
    return new CondensedRun(this, this.rules.longestWord + keptOfRun);
  }

  kindOf(code: number): number {
    const known = code < this.known.length ? this.known[code]! : (this.knownBeyond.get(code) ?? unknownKind);
    if (known !== unknownKind) return known;
    const kind = kinds.indexOf(this.rules.kindOf(String.fromCodePoint(code)));
    if (code < this.known.length) this.known[code] = kind;
    else this.knownBeyond.set(code, kind);
    return kind;
  }
}

/** The characters of the run at the end of a text so far, by kind. */
export class CondensedRun {
  private readonly condenser: Condenser;
  private readonly mostOfWord: number;
  private words = 0;
  private blanks = 0;
  private nothings = 0;
  private foreigners = 0;

  constructor(condenser: Condenser, mostOfWord: number) {
    this.condenser = condenser;
    this.mostOfWord = mostOfWord;
  }

  /** True if the next character changes the tokens, false if it may be left out. */
  keeps(code: number): boolean {
    switch (this.condenser.kindOf(code)) {
      case word:
        this.blanks = this.nothings = 0;
        return ++this.words <= this.mostOfWord;
      case blank:
        // Blanks and what is taken out may alternate; each is counted for itself.
        this.words = this.foreigners = 0;
        return ++this.blanks <= keptOfRun;
      case nothing:
        return ++this.nothings <= keptOfRun && this.words <= this.mostOfWord;
      case foreign:
        this.words = this.blanks = this.nothings = 0;
        return ++this.foreigners <= keptOfRun;
      default:
        this.words = this.blanks = this.nothings = this.foreigners = 0;
        return true;
    }
  }
}
