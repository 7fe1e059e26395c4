// Stops workers in one way, over and over: `node stopping.mjs <way> <rounds>`. Prints the threads, file descriptors and
// resident MB of the process after the first rounds and after all.
import { readdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { DenseEncoder, SparseEncoder } from "@sparse-encoder/core";

const [way, rounds] = [process.argv[2], Number(process.argv[3])];
const fixture = (name) => fileURLToPath(new URL(`../../fixtures/models/${name}`, import.meta.url));
const text = "the weather is lovely today";
const refused = (call) =>
  call.then(
    () => {
      throw new Error("nothing was refused");
    },
    (error) => error.code,
  );

const load = {
  sparse: () => SparseEncoder.load(undefined, { workers: 2 }),
  dense: () => DenseEncoder.load(fixture("dense-cls"), { workers: 2 }),
};

/** By kind of encoder; each gets one that stays loaded. */
const ways = {
  close: async (_, kind) => {
    const other = await load[kind]();
    await other.encode(text);
    await other.close();
    await other.close();
  },
  "close while it encodes": async (_, kind) => {
    const other = await load[kind]();
    const call = other.encode([text, text]);
    await Promise.all([other.close(), call.catch((error) => error.code)]);
  },
  stop: async (encoder) => {
    const pool = await encoder.startPool(["cpu", "cpu"]);
    await encoder.encode([text, text], { pool });
    const call = encoder.encode([text, text], { pool }).catch((error) => error.code);
    await Promise.all([pool.stop(), call]);
    await pool.stop();
  },
  destroy: async (encoder) => {
    const pool = await encoder.startPool(["cpu", "cpu"]);
    const call = encoder.encode([text, text], { pool }).catch((error) => error.code);
    await Promise.all([pool.destroy(), pool.stop(), call]);
  },
  device: (encoder) => encoder.encode([text, text], { device: ["cpu", "cpu"] }),
  "failed load": (_, kind) =>
    refused(
      (kind === "sparse" ? SparseEncoder : DenseEncoder).load(
        fixture(kind === "sparse" ? "bert-max-relu" : "dense-cls"),
        { device: "coreml" },
      ),
    ),
};

function level() {
  return {
    threads: readdirSync("/proc/self/task").length,
    files: readdirSync("/proc/self/fd").length,
    megabytes: Math.round(process.memoryUsage.rss() / 2 ** 20),
  };
}

const [kind, name] = way.split(": ");
const encoder = await load[kind]();
await encoder.encode(text);
const levels = [];
for (let round = 0; round < rounds; round++) {
  await ways[name](encoder, kind);
  if (round !== 1 && round !== rounds - 1) continue;
  // What a stop has started shows a moment later.
  await sleep(300);
  levels.push(level());
}
process.stdout.write(JSON.stringify(levels));
await encoder.close();
