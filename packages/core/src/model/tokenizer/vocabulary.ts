import { SparseEncoderError } from "../../errors.ts";
import { isJsonObject, type JsonObject } from "../json-file.ts";

/** The pieces of a tokenizer as its JSON holds them: ids by piece, or a list of pieces with scores. */
export class Vocabulary {
  readonly size: number;
  /** The id of a piece, or undefined. */
  readonly idOf: (piece: string) => number | undefined;

  private constructor(size: number, idOf: (piece: string) => number | undefined) {
    this.size = size;
    this.idOf = idOf;
  }

  /**
   * @param model the part `model` of a `tokenizer.json`
   * @throws SparseEncoderError `TOKENIZER_INVALID`
   */
  static of(model: JsonObject, file: string): Vocabulary {
    const { vocab } = model;
    if (isJsonObject(vocab)) {
      const idOf = (piece: string) => (Object.hasOwn(vocab, piece) ? (vocab[piece] as number) : undefined);
      return new Vocabulary(Object.keys(vocab).length, idOf);
    }
    if (Array.isArray(vocab) && vocab.every((entry) => Array.isArray(entry))) {
      const ids = new Map(vocab.map(([piece], id) => [piece as unknown, id]));
      return new Vocabulary(vocab.length, (piece) => ids.get(piece));
    }
    throw new SparseEncoderError("TOKENIZER_INVALID", `${file} has no vocabulary.`);
  }
}

/** Ids by piece of a `vocab.txt`: one piece per line, blanks at the end left out. */
export function parseVocabularyText(text: string): Record<string, number> {
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  return Object.fromEntries(lines.map((line, id) => [withoutBlanks(line), id]));
}

/** A line without the blanks at its end. */
function withoutBlanks(line: string): string {
  let end = line.length;
  while (end > 0 && /\p{White_Space}/u.test(line[end - 1]!)) end--;
  return line.slice(0, end);
}

/** The pairs of a `merges.txt`, best first: two pieces per line, with comments and empty lines. */
export function parseMerges(text: string): string[] {
  return text.split(/\r?\n/).filter((line) => line !== "" && !line.startsWith("#version"));
}
