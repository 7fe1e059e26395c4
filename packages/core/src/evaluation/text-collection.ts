import { invalidArgument, received, SparseEncoderError } from "../errors.ts";
import { rule } from "../options/index.ts";

/** Texts by id, as an object, a `Map`, or a list of objects with `id` and `text`. */
export type TextCollection =
  | Readonly<Record<string, string>>
  | ReadonlyMap<string, string>
  | readonly { readonly id: string; readonly text: string }[];

/**
 * Checks texts and brings them to one form.
 * @throws SparseEncoderError `INVALID_ARGUMENT` if there are none, for another shape, or for an id that comes twice;
 *   `INVALID_TEXT` for a text that is not a string
 */
export function toTexts(name: string, collection: TextCollection): ReadonlyMap<string, string> {
  const texts = new Map<string, string>();
  for (const [id, text] of entriesOf(name, collection)) {
    if (typeof id !== "string") {
      throw invalidArgument(`${name}: ids must be strings, received ${received(id)}.`);
    }
    if (texts.has(id)) throw invalidArgument(`${name}: the id ${received(id)} comes twice.`);
    if (typeof text !== "string") {
      throw new SparseEncoderError(
        "INVALID_TEXT",
        `${name}: the text of ${received(id)} must be a string, received ${received(text)}.`,
      );
    }
    texts.set(id, text);
  }
  if (texts.size === 0) throw invalidArgument(`${name} must hold at least one text.`);
  return texts;
}

function entriesOf(name: string, collection: unknown): Iterable<readonly [unknown, unknown]> {
  if (typeof collection !== "object" || collection === null || collection instanceof Set) {
    throw invalidArgument(`${name} must map ids to texts, received ${received(collection)}.`);
  }
  if (collection instanceof Map) return collection;
  if (!Array.isArray(collection)) return Object.entries(collection);
  return collection.map((entry: unknown, position) => {
    if (typeof entry !== "object" || entry === null) {
      throw invalidArgument(
        `${name}: expected an object with id and text at position ${position}, received ${received(entry)}.`,
      );
    }
    const { id, text } = entry as { id?: unknown; text?: unknown };
    return [id, text] as const;
  });
}

/**
 * Checks a list of texts.
 * @throws SparseEncoderError `INVALID_ARGUMENT` if it is empty or not an array, `INVALID_TEXT` for what is not a string
 */
export function toTextList(name: string, list: unknown): readonly string[] {
  if (!Array.isArray(list) || list.length === 0) {
    throw invalidArgument(`${name} must be an array of at least one text, received ${received(list)}.`);
  }
  for (let position = 0; position < list.length; position++) {
    if (typeof list[position] === "string") continue;
    throw new SparseEncoderError(
      "INVALID_TEXT",
      `${name}: the text at position ${position} must be a string, received ${received(list[position])}.`,
    );
  }
  return list;
}

/** A list of at least one text. */
export const textList = rule((value, name) => toTextList(name, value));

/** Checks that lists are equally long. @throws SparseEncoderError `INVALID_ARGUMENT` */
export function sameLength(lists: Readonly<Record<string, ArrayLike<unknown>>>): void {
  const lengths = Object.values(lists).map((list) => list.length);
  if (lengths.every((length) => length === lengths[0])) return;
  const names = Object.keys(lists).join(", ");
  throw invalidArgument(`${names} must have the same length, received ${lengths.join(", ")}.`);
}
