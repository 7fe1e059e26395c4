import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { afterAll, describe, expect, it } from "vitest";
import { type EncodedLine, readJsonLines, sampleTexts } from "./encode-cases.ts";
import { runCli, startCli, temporaryFolder } from "./run-cli.ts";

/** Lines to encode: 100,000 in the figures of docs/command-line.md. */
const lines = Number(process.env.LINES ?? 20_000);
const kills = 20;
const folder = temporaryFolder();
const input = folder.file("texts.txt");
const whole = folder.file("whole.jsonl");

afterAll(() => folder[Symbol.dispose]());

describe(`encode on ${lines} lines`, () => {
  it("gives, in two shards, the lines of one run", async () => {
    writeFileSync(input, `${sampleTexts(lines).join("\n")}\n`);
    expect((await runCli(["encode", input, "-o", whole])).code).toBe(0);
    for (const shard of [0, 1]) {
      const { code } = await runCli([
        "encode",
        input,
        "-o",
        folder.file(`${shard}.jsonl`),
        "--shard",
        `${shard}/2`,
      ]);
      expect(code).toBe(0);
    }
    const merged = [0, 1].flatMap((shard) => readJsonLines<EncodedLine>(folder.file(`${shard}.jsonl`)));
    merged.sort((a, b) => Number(a.id) - Number(b.id));
    const expected = readJsonLines<EncodedLine>(whole);
    expect(merged).toHaveLength(lines);
    expect(merged.every((line, row) => JSON.stringify(line) === JSON.stringify(expected[row]))).toBe(true);
  });

  it(`gives the bytes of one run after ${kills} kills at random`, async () => {
    const output = folder.file("killed.jsonl");
    const command = ["encode", input, "-o", output, "--resume"];
    let killed = 0;
    while (killed < kills && !existsSync(output)) {
      const blocks = blocksOf(`${output}.partial.json`);
      const child = startCli(command);
      const ended = once(child, "close");
      // At a random moment after some progress, so that the run comes to an end.
      const target = blocks + 1 + Math.floor((Math.random() * lines) / 256 / kills);
      while (child.exitCode === null && blocksOf(`${output}.partial.json`) < target && !existsSync(output)) {
        await new Promise((resolve) => setTimeout(resolve, 3 + Math.random() * 10));
      }
      if (child.exitCode === null) {
        child.kill("SIGKILL");
        killed++;
      }
      await ended;
    }
    expect((await runCli(command)).code).toBe(0);
    expect(killed).toBe(kills);
    expect(readFileSync(output).equals(readFileSync(whole))).toBe(true);
  });
});

/** Blocks that a checkpoint names; 0 without one. */
function blocksOf(checkpoint: string): number {
  try {
    return JSON.parse(readFileSync(checkpoint, "utf8")).checkpoint.blocks;
  } catch {
    return 0;
  }
}
