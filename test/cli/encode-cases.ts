import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";

/** A line of the output of `encode`. */
export interface EncodedLine {
  readonly id: string;
  readonly indices: readonly number[];
  readonly values: readonly number[];
}

/** Texts that differ in words and in length. */
export function sampleTexts(count: number): string[] {
  const words =
    "boundary layer heat wing flow pressure shock jet wake drag blade cone surface gas plate".split(" ");
  return Array.from({ length: count }, (_, number) =>
    Array.from(
      { length: 3 + (number % 9) },
      (_, place) => words[(number * 7 + place * 5) % words.length],
    ).join(" "),
  );
}

/** The lines of JSON of a file, packed or not. */
export function readJsonLines<Line>(file: string): Line[] {
  const bytes = readFileSync(file);
  return parseJsonLines((file.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString());
}

export function parseJsonLines<Line>(text: string): Line[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Line);
}
