import { fork } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { attempt } from "./attempts.ts";
import { readers } from "./readers.ts";

// Damages files of models and reads them, in child processes that may die: `pnpm fuzz --minutes 20 --seed 1 --readers
// safetensors,tokenizer`. Prints per reader how many files were accepted and refused, and what went wrong with its seed: a raw
// error, a message that is too long, a hang or a crash. Exits with 1 if anything did.

/** A reader that takes longer for one file hangs. */
const patience = 10_000;

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "1" },
    seed: { type: "string", default: "1" },
    readers: { type: "string", default: Object.keys(readers).join() },
    child: { type: "string" },
  },
});

interface Report {
  readonly seed: number;
  readonly outcome: "begun" | "accepted" | "refused" | "failed";
  readonly problem?: string;
}

if (values.child !== undefined) await serve(values.child, Number(values.seed));
else await campaign(values.readers.split(","), Number(values.minutes), Number(values.seed));

/** Tries one seed after another until the parent ends this process. */
async function serve(name: string, first: number): Promise<void> {
  const scratch = mkdtempSync(path.join(tmpdir(), "fuzz-"));
  process.on("disconnect", () => {
    rmSync(scratch, { recursive: true, force: true });
    process.exit();
  });
  const tell = (report: Report) => {
    if (process.connected) process.send!(report);
  };
  for (let seed = first; ; seed++) {
    tell({ seed, outcome: "begun" });
    try {
      tell({ seed, outcome: await attempt(readers[name]!, seed, scratch) });
    } catch (error) {
      const { message, cause } = error as Error;
      tell({
        seed,
        outcome: "failed",
        problem: `${message}: ${String((cause as Error)?.stack ?? cause).slice(0, 500)}`,
      });
    }
  }
}

async function campaign(names: readonly string[], minutes: number, seed: number): Promise<void> {
  const milliseconds = (minutes * 60_000) / names.length;
  let problems = 0;
  for (const name of names) {
    if (!Object.hasOwn(readers, name))
      throw new Error(`There is no reader ${name}; there are ${Object.keys(readers).join(", ")}.`);
    const counts = { accepted: 0, refused: 0, failed: 0 };
    const end = Date.now() + milliseconds;
    for (let next = seed; Date.now() < end; ) {
      const { last, problem } = await runChild(name, next, end, counts);
      next = last + 1;
      if (problem === undefined) continue;
      counts.failed++;
      console.log(`${name}: ${problem}`);
    }
    problems += counts.failed;
    console.log(`${name}: ${counts.accepted} accepted, ${counts.refused} refused, ${counts.failed} failed`);
  }
  process.exitCode = problems === 0 ? 0 : 1;
}

/** Runs a child until the time is over or something goes wrong; says which seed was the last one. */
function runChild(
  name: string,
  seed: number,
  end: number,
  counts: { accepted: number; refused: number; failed: number },
): Promise<{ last: number; problem: string | undefined }> {
  return new Promise((resolve) => {
    const child = fork(fileURLToPath(import.meta.url), ["--child", name, "--seed", String(seed)]);
    let last = seed;
    let problem: string | undefined;
    const over = setTimeout(() => child.disconnect(), Math.max(0, end - Date.now()));
    const hang = () =>
      setTimeout(() => {
        problem = `seed ${last}: no answer within ${patience / 1000} seconds`;
        child.kill("SIGKILL");
      }, patience);
    let watch = hang();
    child.on("message", (report: Report) => {
      clearTimeout(watch);
      watch = hang();
      last = report.seed;
      if (report.outcome === "failed") {
        counts.failed++;
        console.log(`${name}: ${report.problem}`);
      } else if (report.outcome !== "begun") counts[report.outcome]++;
    });
    child.on("exit", (code, signal) => {
      clearTimeout(watch);
      clearTimeout(over);
      const crashed = code !== 0 && problem === undefined;
      resolve({ last, problem: crashed ? `seed ${last}: the process ended (${signal ?? code})` : problem });
    });
  });
}
