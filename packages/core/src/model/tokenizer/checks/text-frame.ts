import { received } from "../../../errors.ts";
import { highestId } from "./checked-model.ts";
import { checkedPart, type JsonPart, mostParts, type PartChecks } from "./json-part.ts";

/** Ids of the special tokens before and after every text. */
export interface TextFrame {
  readonly prefix: readonly number[];
  readonly suffix: readonly number[];
}

/** Ids of the special tokens before, between and after two texts. */
export interface PairFrame {
  readonly prefix: readonly number[];
  readonly middle: readonly number[];
  readonly suffix: readonly number[];
  /** Tokens of `middle` of token type 0. What comes after them is of type 1; undefined if all is of type 0. */
  readonly typeStart: number | undefined;
}

/** Nothing around a text. */
export const emptyFrame: TextFrame = { prefix: [], suffix: [] };

/**
 * What a post-processor puts around a text. It is put there here, not by the native library, which ends the process for a
 * template that names an unknown token or a second text.
 *
 * @throws SparseEncoderError `TOKENIZER_INVALID` or `MODEL_UNSUPPORTED`
 */
export function frameOf(part: JsonPart): TextFrame {
  let frame = emptyFrame;
  const around = (outer: TextFrame) => {
    frame = { prefix: [...outer.prefix, ...frame.prefix], suffix: [...frame.suffix, ...outer.suffix] };
    return {};
  };
  const checks: PartChecks = {
    ByteLevel: () => ({}),
    BertProcessing: (processor) => around(frameOfPair(processor)),
    RobertaProcessing: (processor) => around(frameOfPair(processor)),
    TemplateProcessing: (processor) => around(frameOfTemplate(processor)),
    Sequence: (processor, depth) => {
      for (const inner of processor.list("processors", mostParts)) checkedPart(inner, checks, depth + 1);
      return {};
    },
  };
  checkedPart(part, checks);
  return frame;
}

/** Tokens with their ids under `cls` and `sep`. */
function frameOfPair(part: JsonPart): TextFrame {
  const idAt = (key: string) => {
    const value = part.json[key];
    if (Array.isArray(value) && typeof value[0] === "string" && isId(value[1])) return value[1];
    throw part.invalid(`must have a token with its id as "${key}", found ${received(value)}`);
  };
  return { prefix: [idAt("cls")], suffix: [idAt("sep")] };
}

function frameOfTemplate(part: JsonPart): TextFrame {
  const prefix: number[] = [];
  const suffix: number[] = [];
  let texts = 0;
  for (const piece of part.list("single", mostParts)) {
    if (Object.hasOwn(piece.json, "Sequence")) {
      piece.at("Sequence").oneOf("id", ["A"]);
      texts++;
      continue;
    }
    (texts === 0 ? prefix : suffix).push(...idsOfToken(part, piece.at("SpecialToken").text("id")));
  }
  if (texts !== 1) throw part.invalid(`puts ${texts} texts in "single" instead of one`);
  return { prefix, suffix };
}

function isId(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= highestId;
}

/**
 * What a post-processor puts around two texts.
 * @throws SparseEncoderError `TOKENIZER_INVALID` or `MODEL_UNSUPPORTED`
 */
export function pairFrameOf(part: JsonPart): PairFrame {
  const frames: PairFrame[] = [];
  const take = (frame: PairFrame) => {
    frames.push(frame);
    return {};
  };
  const checks: PartChecks = {
    ByteLevel: () => ({}),
    BertProcessing: (processor) => {
      const { prefix, suffix } = frameOfPair(processor);
      return take({ prefix, middle: suffix, suffix, typeStart: suffix.length });
    },
    RobertaProcessing: (processor) => {
      const { prefix, suffix } = frameOfPair(processor);
      return take({ prefix, middle: [...suffix, ...suffix], suffix, typeStart: undefined });
    },
    TemplateProcessing: (processor) => take(pairFrameOfTemplate(processor)),
    Sequence: (processor, depth) => {
      for (const inner of processor.list("processors", mostParts)) checkedPart(inner, checks, depth + 1);
      return {};
    },
  };
  checkedPart(part, checks);
  const [frame = { prefix: [], middle: [], suffix: [], typeStart: 0 }, ...others] = frames;
  if (others.length > 0) throw part.invalid("puts several frames around two texts, which is not supported");
  return frame;
}

function pairFrameOfTemplate(part: JsonPart): PairFrame {
  const places: number[][] = [[], [], []];
  /** Token type of every piece, in order, and how many tokens of the middle came before. */
  const types: { readonly type: number; readonly place: number; readonly before: number }[] = [];
  let texts = 0;
  for (const piece of part.list("pair", mostParts)) {
    const kind = Object.hasOwn(piece.json, "Sequence") ? "Sequence" : "SpecialToken";
    const inner = piece.at(kind);
    types.push({ type: inner.count("type_id", 0, 1), place: texts, before: places[1]!.length });
    if (kind === "Sequence") {
      const expected = texts === 0 ? "A" : "B";
      inner.oneOf("id", [expected]);
      texts++;
    } else places[texts]?.push(...idsOfToken(part, inner.text("id")));
  }
  if (texts !== 2) throw part.invalid(`puts ${texts} texts in "pair" instead of two`);
  const start = types.findIndex(({ type }) => type === 1);
  const isLate = start === -1 || types.slice(start).every(({ type }) => type === 1);
  const first = types[start];
  const [prefix, middle, suffix] = places as [number[], number[], number[]];
  if (first === undefined) return { prefix, middle, suffix, typeStart: undefined };
  // Types change once, between the two texts.
  if (isLate && first.place === 1) return { prefix, middle, suffix, typeStart: first.before };
  throw part.invalid('changes token types in "pair" elsewhere than between the two texts');
}

/** Ids that a template gives for one of its special tokens. */
function idsOfToken(part: JsonPart, name: string): number[] {
  const tokens = part.at("special_tokens");
  const ids = Object.hasOwn(tokens.json, name) ? tokens.at(name).json.ids : undefined;
  if (Array.isArray(ids) && ids.length > 0 && ids.length <= mostParts && ids.every(isId)) return ids;
  throw part.invalid(`names the token ${received(name)}, whose ids it does not give`);
}
