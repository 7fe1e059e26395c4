import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from "hyparquet";
import { CommandError, messageOf } from "../command-error.ts";
import { type FieldNames, type NumberedRecord, recordOf } from "./input-record.ts";
import { compressors } from "./parquet-compressors.ts";

/** Rows that are in the memory at once. */
const rowsAtOnce = 1000;

/** The rows of a Parquet file. */
export async function* parquetRecords(
  path: string,
  fields: FieldNames,
  before: number,
): AsyncGenerator<NumberedRecord, void, undefined> {
  try {
    const file = await asyncBufferFromFile(path);
    const metadata = await parquetMetadataAsync(file);
    const rows = Number(metadata.num_rows);
    for (let rowStart = 0; rowStart < rows; rowStart += rowsAtOnce) {
      const rowEnd = Math.min(rows, rowStart + rowsAtOnce);
      const records = await parquetReadObjects({ file, metadata, compressors, rowStart, rowEnd });
      for (const [position, record] of records.entries()) {
        const number = rowStart + position + 1;
        yield { number, record: recordOf(record, fields, `${path}, row ${number}`, before + number) };
      }
    }
  } catch (error) {
    throw new CommandError(`${path} cannot be read as Parquet: ${messageOf(error)}`, undefined, {
      cause: error,
    });
  }
}
