/** A text to encode. */
export interface InputRecord {
  readonly id: string;
  readonly text: string;
  /** The other fields of the record. */
  readonly fields: Readonly<Record<string, unknown>>;
}

/** A record that cannot be encoded, and why. */
export interface InvalidRecord {
  /** File and line or row, for messages. */
  readonly place: string;
  readonly problem: string;
}

/** Names of the fields that a record is made of. */
export interface FieldNames {
  readonly id: string | undefined;
  readonly text: string;
}

/** Fields that hold an id where none is named, in the order in which they are looked for. */
const idFields = ["id", "_id"];

export function isInvalid(record: InputRecord | InvalidRecord): record is InvalidRecord {
  return "problem" in record;
}

/** Makes a record of the fields of a line or row; `number` is the id where the fields have none. */
export function recordOf(
  fields: Readonly<Record<string, unknown>>,
  { id: idField, text: textField }: FieldNames,
  place: string,
  number: number,
): InputRecord | InvalidRecord {
  const text = fields[textField];
  if (typeof text !== "string") {
    const names = Object.keys(fields).slice(0, 10).join(", ");
    return {
      place,
      problem: `the field "${textField}" is ${text === undefined ? "missing" : "not a text"}; fields: ${names || "none"}`,
    };
  }
  const name = idField ?? idFields.find((field) => fields[field] !== undefined && fields[field] !== null);
  const id = name === undefined ? number : fields[name];
  if ((typeof id !== "string" && typeof id !== "number" && typeof id !== "bigint") || id === "") {
    return { place, problem: `the field "${name}" is not an id: a text or a number` };
  }
  const others = Object.entries(fields).filter(([field]) => field !== textField && field !== name);
  return { id: String(id), text: text.toWellFormed(), fields: Object.fromEntries(others) };
}

/** A record and its line or row, from 1. */
export interface NumberedRecord {
  readonly number: number;
  readonly record: InputRecord | InvalidRecord;
}
