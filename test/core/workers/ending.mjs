// A process that ends while it encodes: `node ending.mjs '{"how":…,"during":…,"workers":…,"delay":…}'`.
import { SparseEncoder } from "@sparse-encoder/core";

const { how, during, workers, delay } = JSON.parse(process.argv[2]);

/** Without a stack of its own, what Node prints is the same whatever the process did before. */
class Failure extends Error {
  stack = "Failure: the program failed";
}

const ends = {
  exit: () => process.exit(3),
  throw: () => {
    throw new Failure();
  },
  reject: () => void Promise.reject(new Failure()),
  // Nothing is closed, and nothing is left to do but what is under way.
  end: () => {},
};

// A process that just ends first does what it has begun.
const [count, repeats] = how === "end" ? [40, 4] : [400, 20];
const texts = Array.from(
  { length: count },
  (_, n) => `Text ${n}: ${"the weather is lovely today, ".repeat(n % repeats)}`,
);

async function work() {
  if (during === "nothing") return;
  const encoder = await SparseEncoder.load(undefined, { workers });
  if (during === "load") return;
  if (during === "encode") await Promise.all([encoder.encode(texts), encoder.encode("one query")]);
  if (during === "pool") {
    const pool = await encoder.startPool(new Array(workers).fill("cpu"));
    await encoder.encode(texts, { pool, chunkSize: 50 });
  }
  if (during === "stream") {
    for await (const _ of encoder.encodeStream([texts, texts, texts].flat())) if (how === "end") break;
  }
}

if (during === "load" || during === "nothing") setTimeout(ends[how], delay);
else setTimeout(ends[how], 150 + delay);
await work();
