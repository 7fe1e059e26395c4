import { readFileSync } from "node:fs";
import path from "node:path";
import { root } from "../helpers/package-install.ts";

/** The code of the last column of the table of a page of docs/, row by row. */
export function neighbourLines(page: string): string[] {
  const text = readFileSync(path.join(root, "docs", page), "utf8");
  const rows = text
    .split("\n")
    .filter((line) => line.startsWith("|"))
    .slice(2);
  return rows.map((row) => /`([^`]+)` *\|$/.exec(row)![1]!);
}
