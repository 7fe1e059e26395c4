import { received } from "../../../errors.ts";
import type { JsonObject } from "../../json-file.ts";
import { checkCharacterMap } from "./character-map.ts";
import { checkedPart, type JsonPart, mostParts, type PartChecks } from "./json-part.ts";
import { PatternRefusal, patternCost } from "./pattern-cost.ts";

/** A text may become this many times longer by all normalisers together. */
const mostGrowth = 16;

/**
 * Steps back of one match that a pattern may need for each character of a text, and at all; with the most characters that are
 * tokenised at once they stay below the ten million after which the native library ends the process.
 */
const mostSteps = { perCharacter: 16, constant: 100_000 };

/** The normaliser as the native library may see it. */
export function checkedNormalizer(part: JsonPart): JsonObject {
  const growth = { factor: 1 };
  const normalizer = checkedPart(part, normalizers(growth));
  if (growth.factor <= mostGrowth) return normalizer;
  throw part.unsupported(`can make a text more than ${mostGrowth} times as long`);
}

/** @param growth how many times longer a text can become */
function normalizers(growth: { factor: number }): PartChecks {
  const plain = () => ({});
  const grow = (factor: number) => {
    growth.factor *= Math.max(1, factor);
  };
  const checks: PartChecks = {
    BertNormalizer: (part) =>
      part.flags(["clean_text", "handle_chinese_chars", "strip_accents", "lowercase"], ["strip_accents"]),
    Strip: (part) => part.flags(["strip_left", "strip_right"]),
    StripAccents: plain,
    NFC: plain,
    NFD: plain,
    NFKC: plain,
    NFKD: plain,
    Nmt: plain,
    Lowercase: plain,
    ByteLevel: plain,
    Precompiled: (part) => ({ precompiled_charsmap: checkCharacterMap(part) }),
    Prepend: (part) => {
      const prepend = part.text("prepend");
      if (prepend.length > mostGrowth) throw part.unsupported(`puts ${received(prepend)} in front of texts`);
      return { prepend };
    },
    Replace: (part) => {
      const { pattern, shortest } = checkedPattern(part);
      const content = part.text("content", 0);
      // A pattern that matches nothing matches between all characters.
      grow(shortest === 0 ? content.length + 1 : content.length / shortest);
      return { pattern, content };
    },
    Sequence: (part, depth) => ({
      normalizers: part.list("normalizers", mostParts).map((inner) => checkedPart(inner, checks, depth + 1)),
    }),
  };
  return checks;
}

const behaviours = ["Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"];

const preTokenizers: PartChecks = {
  BertPreTokenizer: () => ({}),
  Whitespace: () => ({}),
  WhitespaceSplit: () => ({}),
  UnicodeScripts: () => ({}),
  ByteLevel: (part) => ({
    add_prefix_space: true,
    trim_offsets: true,
    ...part.flags(["add_prefix_space", "trim_offsets", "use_regex"]),
  }),
  CharDelimiterSplit: (part) => ({ delimiter: part.character("delimiter") }),
  Digits: (part) => ({ individual_digits: false, ...part.flags(["individual_digits"]) }),
  FixedLength: (part) => ({ length: part.count("length", 1, 1 << 20) }),
  Metaspace: (part) => ({
    replacement: part.character("replacement", "▁"),
    ...(part.json.prepend_scheme === undefined
      ? {}
      : { prepend_scheme: part.oneOf("prepend_scheme", ["first", "never", "always"]) }),
    ...part.flags(["split", "add_prefix_space"]),
  }),
  Punctuation: (part) => ({
    behavior: part.json.behavior === undefined ? "Isolated" : part.oneOf("behavior", behaviours),
  }),
  Split: (part) => ({
    pattern: checkedPattern(part).pattern,
    behavior: part.oneOf("behavior", behaviours),
    invert: false,
    ...part.flags(["invert"]),
  }),
  Sequence: (part, depth) => ({
    pretokenizers: part
      .list("pretokenizers", mostParts)
      .map((inner) => checkedPart(inner, preTokenizers, depth + 1)),
  }),
};

/** The pre-tokenizer as the native library may see it. */
export function checkedPreTokenizer(part: JsonPart): JsonObject {
  return checkedPart(part, preTokenizers);
}

/** A pattern: a text, or a regular expression whose cost is bounded. */
function checkedPattern(part: JsonPart): { pattern: JsonObject; shortest: number } {
  const pattern = part.at("pattern");
  if (Object.hasOwn(pattern.json, "String")) {
    const text = pattern.text("String");
    return { pattern: { String: text }, shortest: text.length };
  }
  const expression = pattern.text("Regex");
  try {
    const { shortest, constant, perCharacter } = patternCost(expression);
    if (perCharacter > mostSteps.perCharacter || constant > mostSteps.constant) {
      throw new PatternRefusal("it can match in too many ways");
    }
    return { pattern: { Regex: expression }, shortest };
  } catch (cause) {
    if (!(cause instanceof PatternRefusal)) throw cause;
    throw pattern.unsupported(
      `is the expression ${received(expression)}, which is not supported: ${cause.message}. A text could make it take steps without end`,
    );
  }
}
