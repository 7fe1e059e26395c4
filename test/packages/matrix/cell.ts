import { createRequire } from "node:module";

/** One cell of docs/compatibility.md. */
export interface Cell {
  /** Heading of the table. */
  readonly table: string;
  readonly row: string;
  readonly column: string;
  /** Tries it; what it throws is the reason why it does not work. */
  run(): Promise<void>;
}

/** What trying a cell gave. */
export interface CellResult {
  readonly table: string;
  readonly row: string;
  readonly column: string;
  /** Undefined if it works. */
  readonly problem: string | undefined;
}

const golden = createRequire(import.meta.url)("../../fixtures/golden/splade-tiny.json") as {
  texts: string[];
  encode: { indices: number[]; values: number[] }[];
};

/** The text that each cell encodes with the embedded model. */
export const text = golden.texts[0]!;

/** Prints the embedding of {@link text} as JSON, in the module format of the file. */
export const programs = {
  esm: `import { SparseEncoder } from "@sparse-encoder/core";\n${body()}`,
  cjs: `const { SparseEncoder } = require("@sparse-encoder/core");\n${body()}`,
};

function body(): string {
  return `async function main() {
  const encoder = await SparseEncoder.load();
  const vector = await encoder.encode(${JSON.stringify(text)});
  await encoder.close();
  console.log(JSON.stringify({ indices: [...vector.indices], values: [...vector.values] }));
}
main();
`;
}

/**
 * Checks what a program printed against the embedding that sentence-transformers computes.
 * @throws Error if a dim is missing, or a weight differs by more than 1e-4
 */
export function checkAnswer(printed: string): void {
  const line = printed.split("\n").find((candidate) => candidate.startsWith('{"'));
  if (line === undefined) throw new Error(`the program printed no vector: ${printed.slice(-300)}`);
  const { indices, values } = JSON.parse(line) as { indices: number[]; values: number[] };
  const [expected] = golden.encode;
  if (indices.join() !== expected!.indices.join()) throw new Error("the dims differ from the reference");
  const worst = Math.max(...values.map((value, position) => Math.abs(value - expected!.values[position]!)));
  if (!(worst < 1e-4)) throw new Error(`a weight differs from the reference by ${worst}`);
}

/** Tries a cell; the first line of what went wrong is kept. */
export async function tryCell({ table, row, column, run }: Cell): Promise<CellResult> {
  try {
    await run();
    return { table, row, column, problem: undefined };
  } catch (error) {
    const { stderr, message } = error as { stderr?: string; message: string };
    const lines = `${stderr ?? ""}\n${message}`
      .split("\n")
      .filter((line) => /error|not|cannot|fail/i.test(line));
    return { table, row, column, problem: (lines[0] ?? message).trim().slice(0, 200) };
  }
}
