import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { Tokenizer } from "../packages/core/src/model/index.ts";

/**
 * What it would cost to tokenise in a process of its own: `tsx bench/tokenizer-process.ts`. Interleaves calls of the
 * tokenizer in this process with the same calls in a child, and prints the median of each, and the child's start and memory.
 */
const folder = fileURLToPath(new URL("../packages/core/models/splade-tiny", import.meta.url));
const texts = {
  "a query": ["what is the capital of France"],
  "a document of 300 words": ["the quick brown fox jumps over it ".repeat(43)],
  "32 such documents": Array<string>(32).fill("the quick brown fox jumps over it ".repeat(43)),
};
const rounds = 200;
const longest = 512;

if (process.argv[2] === "child") await serve();
else await measure();

async function serve(): Promise<void> {
  const tokenizer = await Tokenizer.open(folder);
  process.on("message", async (input: string[]) => {
    process.send!(await tokenizer.encode(input, longest));
  });
  process.send!(process.memoryUsage().rss);
}

async function measure(): Promise<void> {
  const tokenizer = await Tokenizer.open(folder);
  const started = performance.now();
  const child = fork(fileURLToPath(import.meta.url), ["child"], { serialization: "advanced" });
  const answer = () => new Promise<unknown>((resolve) => child.once("message", resolve));
  const rss = (await answer()) as number;
  console.log(`start ${(performance.now() - started).toFixed(0)} ms, ${(rss / 1e6).toFixed(0)} MB`);
  for (const [name, input] of Object.entries(texts)) {
    const here: number[] = [];
    const there: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const start = performance.now();
      await tokenizer.encode(input, longest);
      const middle = performance.now();
      child.send(input);
      await answer();
      here.push(middle - start);
      there.push(performance.now() - middle);
    }
    console.log(`${name}: ${median(here).toFixed(3)} ms here, ${median(there).toFixed(3)} ms in the child`);
  }
  child.kill();
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1]!;
}
