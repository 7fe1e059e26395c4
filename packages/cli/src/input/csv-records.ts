import { Readable } from "node:stream";
import { CsvError, parse } from "csv-parse";
import { CommandError } from "../command-error.ts";
import { type FieldNames, type NumberedRecord, recordOf } from "./input-record.ts";
import { textLines } from "./text-lines.ts";

/** Characters of the longest row: a quote that is never closed must not take the whole file into the memory. */
const longestRow = 1 << 26;

/**
 * The rows of a file whose first row names the fields. A row with another number of fields is invalid; a quote that is
 * never closed is an error, as nothing after it can be read.
 */
export async function* csvRecords(
  bytes: AsyncIterable<Uint8Array>,
  path: string,
  delimiter: string,
  fields: FieldNames,
  before: number,
): AsyncGenerator<NumberedRecord, void, undefined> {
  const parser = parse({
    columns: true,
    bom: true,
    delimiter,
    info: true,
    relax_column_count: true,
    relax_quotes: false,
    skip_empty_lines: true,
    max_record_size: longestRow,
  });
  // The lines are read as text first, so that a binary file is refused with the same message as in other forms.
  const source = Readable.from(withEnds(textLines(bytes, path)));
  let number = 0;
  try {
    for await (const { record, info } of source.compose(parser) as AsyncIterable<CsvRow>) {
      number++;
      const place = `${path}, line ${info.lines}`;
      const { error } = info;
      yield {
        number,
        record: error
          ? { place, problem: `expected ${info.columns.length} fields: ${error.message}` }
          : recordOf(record, fields, place, before + number),
      };
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new CommandError(`${path} is not valid after row ${number}: ${error.message}.`, undefined, {
      cause: error,
    });
  }
}

interface CsvRow {
  readonly record: Record<string, string>;
  readonly info: {
    readonly lines: number;
    readonly columns: readonly unknown[];
    readonly error?: CsvError | undefined;
  };
}

async function* withEnds(lines: AsyncIterable<{ readonly text: string }>): AsyncGenerator<string> {
  for await (const { text } of lines) yield `${text}\n`;
}
