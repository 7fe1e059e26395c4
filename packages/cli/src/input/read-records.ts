import { usageError } from "../command-error.ts";
import { csvRecords } from "./csv-records.ts";
import { type InputFormat, inputFormats } from "./input-formats.ts";
import {
  type FieldNames,
  type InputRecord,
  type InvalidRecord,
  type NumberedRecord,
  recordOf,
} from "./input-record.ts";
import { openFile, unpackedName } from "./packing.ts";
import { parquetRecords } from "./parquet-records.ts";
import { textLines } from "./text-lines.ts";

export interface ReadOptions {
  /** Default: by the name of the file; lines where the name tells nothing. */
  readonly format: InputFormat | undefined;
  readonly fields: FieldNames;
  readonly signal: AbortSignal;
}

/** The form of a file by its name. */
export function formatOf(path: string): InputFormat {
  const ending = /\.([a-z]+)$/i.exec(unpackedName(path))?.[1]?.toLowerCase();
  if (ending === "ndjson" || ending === "json") return "jsonl";
  return inputFormats.find((format) => format === ending) ?? "lines";
}

/** The records of files, one after another. Records without an id are numbered through all files. */
export async function* readRecords(
  paths: readonly string[],
  options: ReadOptions,
): AsyncGenerator<InputRecord | InvalidRecord, void, undefined> {
  let before = 0;
  for (const path of paths) {
    let last = 0;
    for await (const { number, record } of readFile(path, options, before)) {
      last = number;
      yield record;
    }
    before += last;
  }
}

async function* readFile(
  path: string,
  { format = formatOf(path), fields, signal }: ReadOptions,
  before: number,
): AsyncGenerator<NumberedRecord, void, undefined> {
  if (format === "parquet") {
    if (path === "-") throw usageError("Parquet cannot be read from standard input: name a file.");
    yield* parquetRecords(path, fields, before);
    return;
  }
  const bytes = openFile(path, signal);
  if (format === "csv" || format === "tsv") {
    yield* csvRecords(bytes, path, format === "csv" ? "," : "\t", fields, before);
    return;
  }
  for await (const { number, text } of textLines(bytes, path)) {
    if (text.trim() === "") continue;
    const place = `${path}, line ${number}`;
    const record =
      format === "lines"
        ? { id: String(before + number), text, fields: {} }
        : jsonRecord(text, fields, place, before + number);
    yield { number, record };
  }
}

function jsonRecord(
  line: string,
  names: FieldNames,
  place: string,
  number: number,
): InputRecord | InvalidRecord {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    return { place, problem: `not JSON: ${(error as Error).message}` };
  }
  if (typeof value === "string") return { id: String(number), text: value.toWellFormed(), fields: {} };
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return { place, problem: "expected a JSON object or a JSON string" };
  }
  return recordOf(value as Record<string, unknown>, names, place, number);
}
