import { writeOutput } from "../terminal/standard-output.ts";
import type { BlockSink, EncodedBlock } from "./block-sink.ts";
import { encodedLine, type LineOptions } from "./encoded-line.ts";

/** Writes lines to standard output. */
export class OutputSink implements BlockSink {
  readonly stored = 0;
  private readonly lines: LineOptions;

  constructor(lines: LineOptions) {
    this.lines = lines;
  }

  async write({ records, vectors }: EncodedBlock): Promise<void> {
    const rows = [...vectors];
    await writeOutput(records.map((record, row) => encodedLine(record, rows[row]!, this.lines)).join(""));
  }

  async finish(): Promise<void> {}

  async close(): Promise<void> {}
}
