/** A column: its heading, and whether its cells stand on the right, as numbers do. */
export interface Column {
  readonly heading: string;
  readonly isNumeric?: boolean | undefined;
}

/** Rows below headings, in columns as wide as their widest cell. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const lines = [columns.map(({ heading }) => heading), ...rows];
  const widths = columns.map((_, column) => Math.max(...lines.map((line) => width(line[column] ?? ""))));
  return lines
    .map((line) =>
      columns
        .map(({ isNumeric }, column) => pad(line[column] ?? "", widths[column]!, isNumeric === true))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

function pad(cell: string, columns: number, isNumeric: boolean): string {
  const blanks = " ".repeat(Math.max(0, columns - width(cell)));
  return isNumeric ? blanks + cell : cell + blanks;
}

function width(cell: string): number {
  return [...cell].length;
}
