import { readCranfield } from "../../examples/cranfield.ts";
import { randomModernBert } from "../random-shapes.ts";
import { type Figures, inTurn, startOurs, startReference } from "./in-turn.ts";
import { m3Folder } from "./m3.ts";

/** One text of 512, 2,048 and 8,192 tokens through whole models. Short before long, since the peak of a process does not fall. */
export async function benchLong(rounds: number, cache: string) {
  const text = readCranfield()
    .documents.slice(0, 120)
    .map((document) => document.text)
    .join(" ");
  const figures: Record<string, Record<string, Figures>> = {};
  for (const [shape, folder] of [
    ["ModernBERT base", randomModernBert()],
    ["bge-m3", m3Folder()],
  ] as const) {
    const processes = [await startReference("dense", folder), await startOurs("dense", folder, cache)];
    for (const tokens of [512, 2048, 8192]) {
      const request = { texts: [text], tokens };
      const runs = processes.map((process) => ({ name: process.name, process, request }));
      const isLong = tokens > 2048;
      figures[`${shape}, ${tokens} tokens`] = await inTurn(runs, isLong ? 1 : rounds, !isLong);
      console.table(figures[`${shape}, ${tokens} tokens`]);
    }
    for (const process of processes) process.end();
  }
  return figures;
}
