import { randomDecoder } from "../random-decoder.ts";
import { type Figures, inTurn, type ModelProcess, rounded, startOurs, startReference } from "./in-turn.ts";

const texts = Array.from({ length: 16 }, (_, n) => `text ${n} of words that a query may look for `.repeat(4));

/** The shape of a sparse encoder on Qwen3-0.6B: time to load with and without the files of a load before, memory, texts per second. */
export async function benchDecoder(rounds: number, cache: string) {
  const folder = randomDecoder();
  const loads: Record<string, number[]> = {};
  const started: ModelProcess[] = [await startReference("decoder", folder)];
  for (const dtype of ["fp32", "int8"]) {
    const first = await startOurs("decoder", folder, cache, { dtype });
    first.end();
    const second = await startOurs("decoder", folder, cache, { dtype });
    loads[dtype] = [first, second].map(({ ready }) => rounded(ready.loadSeconds));
    started.push(second);
  }
  loads.PyTorch = [rounded(started[0]!.ready.loadSeconds)];
  const runs = started.map((process) => ({ name: process.name, process, request: { texts } }));
  const measured = await inTurn(runs, rounds);
  for (const process of started) process.end();
  type Row = Figures & { textsPerSecond: number; loads: readonly number[] | undefined };
  const figures: Record<string, Row> = {};
  for (const [name, row] of Object.entries(measured)) {
    figures[name] = { ...row, textsPerSecond: rounded(texts.length / row.seconds), loads: loads[name] };
  }
  console.table(figures);
  return figures;
}
