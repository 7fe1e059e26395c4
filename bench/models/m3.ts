import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { readCranfield } from "../../examples/cranfield.ts";
import { randomM3 } from "../random-shapes.ts";
import { referencePython } from "../reference/process.ts";
import { type Figures, inTurn, startOurs, startReference } from "./in-turn.ts";

/** A folder of the shape of bge-m3, with its layer of lexical weights. */
export function m3Folder(): string {
  const folder = randomM3();
  const script = fileURLToPath(new URL("../reference/models.py", import.meta.url));
  execFileSync(referencePython(), [script, "lexical-layer", folder]);
  return folder;
}

/** Sparse vectors, dense vectors, and both in one pass, beside PyTorch that computes both. */
export async function benchM3(rounds: number, cache: string) {
  const folder = m3Folder();
  const words = readCranfield()
    .documents.map(({ text }) => text)
    .join(" ")
    .split(/\s+/);
  const reference = await startReference("m3", folder);
  const ours = await startOurs("m3", folder, cache);
  const small = await startOurs("m3", folder, cache, { dtype: "int8" });
  const figures: Record<string, Record<string, Figures>> = {};
  for (const [tokens, count] of [
    [128, 12],
    [512, 3],
  ] as const) {
    // Most words of these texts are one token.
    const length = Math.floor((tokens - 2) * 0.93);
    const texts = Array.from({ length: count }, (_, place) =>
      words.slice(place * length, (place + 1) * length).join(" "),
    );
    const run = (name: string, process: typeof ours, output: "sparse" | "dense" | "both") => {
      return { name, process, request: { texts, output } };
    };
    figures[`${count} texts of ${tokens} tokens`] = await inTurn(
      [
        run("PyTorch, both", reference, "both"),
        run("both in one pass", ours, "both"),
        run("sparse only", ours, "sparse"),
        run("dense only", ours, "dense"),
        run("both in one pass, int8", small, "both"),
      ],
      rounds,
    );
  }
  for (const process of [reference, ours, small]) process.end();
  for (const row of Object.values(figures)) console.table(row);
  return figures;
}
