import { writeFile } from "node:fs/promises";
import { invalidArgument, received } from "../../errors.ts";
import type { Judgements } from "../metrics/judgements.ts";
import { readQrels } from "./qrels.ts";

/**
 * Reads judgements: lines of query id, iteration (ignored), document id and grade, between blanks, as trec_eval takes
 * them; `.gz` is unpacked. Ids are kept as they are, grades are whole numbers.
 *
 * @returns grades by query id and document id
 * @throws SparseEncoderError `DATA_INVALID`, naming file and line
 */
export function readTrecQrels(path: string): Promise<Map<string, Map<string, number>>> {
  return readQrels(path, "trec");
}

/**
 * Writes judgements for trec_eval, in place of the file that was there.
 * @throws SparseEncoderError `INVALID_ARGUMENT` for ids with blanks and for grades that are not whole numbers
 */
export async function writeTrecQrels(path: string, judgements: Judgements): Promise<void> {
  const lines: string[] = [];
  for (const [query, grades] of judgements) {
    checkField("query id", query);
    for (const [document, grade] of grades) {
      checkField("document id", document);
      if (!Number.isInteger(grade)) {
        throw invalidArgument(
          `writeTrecQrels: the grade of ${received(document)} must be a whole number, received ${received(grade)}.`,
        );
      }
      lines.push(`${query} 0 ${document} ${grade}\n`);
    }
  }
  await writeFile(path, lines.join(""));
}

/** Checks that a value can stand in a file whose fields are separated by blanks. */
export function checkField(what: string, value: unknown): void {
  if (typeof value === "string" && /^\S+$/.test(value)) return;
  throw invalidArgument(
    `A ${what} of a TREC file must be a string without blanks, received ${received(value)}.`,
  );
}
