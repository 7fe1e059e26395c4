import { received } from "../../../errors.ts";
import { highestId } from "./checked-model.ts";
import { checkedPart, type JsonPart, mostParts, type PartChecks } from "./json-part.ts";

/** Ids of the special tokens before and after every text. */
export interface TextFrame {
  readonly prefix: readonly number[];
  readonly suffix: readonly number[];
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
  const tokens = part.at("special_tokens");
  const prefix: number[] = [];
  const suffix: number[] = [];
  let texts = 0;
  for (const piece of part.list("single", mostParts)) {
    if (Object.hasOwn(piece.json, "Sequence")) {
      piece.at("Sequence").oneOf("id", ["A"]);
      texts++;
      continue;
    }
    const name = piece.at("SpecialToken").text("id");
    const ids = Object.hasOwn(tokens.json, name) ? tokens.at(name).json.ids : undefined;
    if (!Array.isArray(ids) || ids.length === 0 || ids.length > mostParts || !ids.every(isId)) {
      throw part.invalid(`names the token ${received(name)}, whose ids it does not give`);
    }
    (texts === 0 ? prefix : suffix).push(...ids);
  }
  if (texts !== 1) throw part.invalid(`puts ${texts} texts in "single" instead of one`);
  return { prefix, suffix };
}

function isId(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= highestId;
}
