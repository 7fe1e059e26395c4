import { fork } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setImmediate } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { attempt, Fault, type FaultKind, faultKinds, type Outcome } from "./attempts.ts";
import { addCorpora } from "./corpus.ts";
import { chosenTargets, targetGroups, targets } from "./targets.ts";
import { watchReads } from "./watched-reads.ts";

// Tries hostile inputs in child processes that may die: `pnpm fuzz --minutes 20 --seed 1 --targets safetensors,filters --corpus
// models`. The minutes are shared among the targets. Prints per target how many inputs were accepted and refused, and what went
// wrong with its seed; exits with 1 if anything did. A seed gives the same input again, but for what depends on time: answers
// of the hub, and moments at which workers die.

/** Faults of a kind that are shown per target; all are counted. */
const mostShown = 5;

/** A target that takes longer for one input hangs. */
const patience = 10_000;

/** Milliseconds that a child has for its start and its first input: it loads all targets, and opens what one needs. */
const startPatience = 60_000;

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "2" },
    seed: { type: "string", default: "1" },
    targets: { type: "string", default: Object.keys(targetGroups).join() },
    corpus: { type: "string", multiple: true, default: [] },
    child: { type: "string" },
  },
});

interface Report {
  readonly seed: number;
  readonly outcome: "begun" | "failed" | Outcome;
  readonly kind?: FaultKind;
  readonly problem?: string;
}

/** How often each outcome came. */
type Counts = Record<Outcome | FaultKind, number>;

if (values.child !== undefined) await serve(values.child, Number(values.seed));
else await campaign(chosenTargets(values.targets.split(",")), Number(values.minutes), Number(values.seed));

/** Tries one seed after another until the parent ends this process. */
async function serve(name: string, first: number): Promise<void> {
  addCorpora(values.corpus);
  const base = mkdtempSync(path.join(tmpdir(), "fuzz-"));
  const scratch = path.join(base, "a", "b");
  mkdirSync(scratch, { recursive: true });
  // What a path that leads out of the folder would find.
  for (const bait of ["bait", "config.json", "tokenizer.json", "modules.json"])
    writeFileSync(path.join(base, bait), "{}");
  process.env.HF_HOME = path.join(scratch, "hf");
  // Links and processes are looked at in /proc.
  watchReads([scratch, fileURLToPath(new URL("../..", import.meta.url)), "/proc", ...values.corpus]);
  process.on("disconnect", () => {
    rmSync(base, { recursive: true, force: true });
    process.exit();
  });
  const tell = (report: Report) => {
    // The parent may have gone meanwhile.
    if (process.connected) process.send!(report, undefined, undefined, () => {});
  };
  for (let seed = first; ; seed++) {
    tell({ seed, outcome: "begun" });
    // Lets the end of the time be heard.
    await setImmediate();
    try {
      tell({ seed, outcome: await attempt(targets[name]!, seed, scratch) });
    } catch (error) {
      tell({ seed, outcome: "failed", ...toldFault(error) });
    }
  }
}

function toldFault(error: unknown): Pick<Report, "kind" | "problem"> {
  if (!(error instanceof Fault)) return { kind: "raw error", problem: String((error as Error).stack) };
  const cause = error.cause === undefined ? "" : `: ${String((error.cause as Error).stack ?? error.cause)}`;
  return { kind: error.kind, problem: `${error.message}${cause}`.slice(0, 1500) };
}

async function campaign(names: readonly string[], minutes: number, seed: number): Promise<void> {
  const milliseconds = (minutes * 60_000) / names.length;
  const rows: string[] = [];
  let problems = 0;
  for (const name of names) {
    const counts = Object.fromEntries(
      ["accepted", "refused", ...faultKinds].map((outcome) => [outcome, 0]),
    ) as Counts;
    const end = Date.now() + milliseconds;
    for (let next = seed; Date.now() < end; ) next = 1 + (await runChild(name, next, end, counts));
    const failures = faultKinds.map((kind) => counts[kind]);
    problems += failures.reduce((sum, count) => sum + count, 0);
    rows.push(
      [name, counts.accepted + counts.refused, counts.accepted, counts.refused, ...failures].join(" | "),
    );
    console.log(rows.at(-1));
  }
  console.log(`\n| ${["target", "inputs", "accepted", "refused", ...faultKinds].join(" | ")} |`);
  for (const row of rows) console.log(`| ${row} |`);
  process.exitCode = problems === 0 ? 0 : 1;
}

/** Runs a child until the time is over or the child ends; resolves with its last seed. */
function runChild(name: string, seed: number, end: number, counts: Counts): Promise<number> {
  return new Promise((resolve) => {
    const corpora = values.corpus.flatMap((folder) => ["--corpus", folder]);
    const child = fork(fileURLToPath(import.meta.url), ["--child", name, "--seed", String(seed), ...corpora]);
    let last = seed;
    let isEnding = false;
    let isOver = false;
    let isFirst = true;
    const fail = (kind: FaultKind, problem: string) => {
      counts[kind]++;
      if (counts[kind] <= mostShown) console.log(`${name}: ${kind}: ${problem}`);
    };
    const over = setTimeout(
      () => {
        isOver = true;
        child.disconnect();
      },
      Math.max(0, end - Date.now()),
    );
    const hang = (wait: number) =>
      setTimeout(() => {
        isEnding = true;
        fail("hang", `seed ${last}: no answer within ${wait / 1000} seconds`);
        child.kill("SIGKILL");
      }, wait);
    let watch = hang(startPatience);
    child.on("message", ({ seed: at, outcome, kind, problem }: Report) => {
      if (outcome === "begun") clearTimeout(watch);
      if (outcome === "begun") watch = hang(isFirst ? startPatience : patience);
      else isFirst = false;
      last = at;
      if (outcome === "failed") fail(kind!, problem!);
      else if (outcome !== "begun") counts[outcome]++;
    });
    child.on("exit", (code, signal) => {
      clearTimeout(watch);
      clearTimeout(over);
      if (code !== 0 && !isEnding) fail("crash", `seed ${last}: the process ended (${signal ?? code})`);
      // One that ended by itself with 0 before its time would begin anew without an end.
      if (code === 0 && !isOver) fail("crash", `seed ${last}: the process ended by itself`);
      resolve(last);
    });
  });
}
