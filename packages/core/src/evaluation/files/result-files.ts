import { appendFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { invalidArgument } from "../../errors.ts";

/** A value under each column header. */
export type CsvRow = readonly (readonly [header: string, value: number])[];

/** The columns that files of sentence-transformers start with; without training both are -1. */
const training: CsvRow = [
  ["epoch", -1],
  ["steps", -1],
];

/**
 * Appends a line to a CSV file, after a line of headers if the file is new.
 * @throws SparseEncoderError `INVALID_ARGUMENT` if the file has other headers
 */
export async function appendCsvRow(folder: string, file: string, row: CsvRow): Promise<void> {
  const columns = [...training, ...row];
  const headers = columns.map(([header]) => csvField(header)).join(",");
  const path = join(folder, file);
  await mkdir(folder, { recursive: true });
  const existing = await firstLine(path);
  if (existing !== undefined && existing !== headers) {
    throw invalidArgument(
      `${path} has other columns than these results; move it away or name another folder.`,
    );
  }
  const values = columns.map(([, value]) => String(value)).join(",");
  await appendFile(path, existing === undefined ? `${headers}\n${values}\n` : `${values}\n`);
}

/** Writes one JSON value per line, in place of the file that was there. */
export async function writeJsonLines(
  folder: string,
  file: string,
  values: readonly unknown[],
): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, file), values.map((value) => `${JSON.stringify(value)}\n`).join(""));
}

/** `start`, the name of the evaluator if it has one, and `end`, joined by underscores. */
export function resultFileName(start: string, name: string, end: string): string {
  return [start, name, end].filter((part) => part !== "").join("_");
}

/** Undefined if there is no file, or an empty one. */
async function firstLine(path: string): Promise<string | undefined> {
  try {
    const text = await readFile(path, "utf8");
    return text === "" ? undefined : text.slice(0, text.search(/\r?\n|$/));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function csvField(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
