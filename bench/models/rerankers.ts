import { readCranfield } from "../../examples/cranfield.ts";
import { randomReranker } from "../random-model.ts";
import { type Figures, inTurn, rounded, startOurs, startReference } from "./in-turn.ts";

/** Queries of some ten tokens, each with passages of 20 to 230 words, up to 256 tokens. */
function pairs(count: number): [string, string][] {
  const { documents, queries } = readCranfield();
  const passages = documents.map(({ text }) => text.split(/\s+/)).filter(({ length }) => length > 20);
  const perQuery = 8;
  return Array.from({ length: count }, (_, place) => {
    const query = queries[Math.floor(place / perQuery)]!.text.split(/\s+/).slice(0, 9).join(" ");
    const words = 20 + ((place * 83) % 170);
    return [query, passages[place]!.slice(0, words).join(" ")];
  });
}

/** Pairs per second beside CrossEncoder of sentence-transformers. */
export async function benchRerankers(rounds: number, cache: string) {
  const figures: Record<string, Record<string, Figures & { pairsPerSecond: number }>> = {};
  for (const [shape, count] of [
    ["minilm", 128],
    ["base", 64],
  ] as const) {
    const folder = randomReranker(shape);
    const texts = pairs(count);
    // One process at a time may hold both cores; a process that waits takes none.
    const processes = [
      await startReference("reranker", folder),
      await startOurs("reranker", folder, cache, { workers: 2, threads: 1 }),
      await startOurs("reranker", folder, cache, { workers: 2, threads: 1, dtype: "int8" }),
    ];
    const runs = processes.map((process) => ({ name: process.name, process, request: { texts } }));
    const measured = await inTurn(runs, rounds);
    for (const process of processes) process.end();
    figures[shape] = Object.fromEntries(
      Object.entries(measured).map(([name, row]) => [
        name,
        { ...row, pairsPerSecond: rounded(count / row.seconds) },
      ]),
    );
    console.table(figures[shape]);
  }
  return figures;
}
