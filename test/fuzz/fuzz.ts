import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setImmediate } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { attempt, Fault, faultKinds } from "./attempts.ts";
import { ChildRun, type Counts, type Report } from "./child-run.ts";
import { addCorpora } from "./corpus.ts";
import { chosenTargets, groupNames, loadTarget, type TargetName } from "./targets.ts";
import { watchReads } from "./watched-reads.ts";

// Tries hostile inputs in child processes that may die: `pnpm fuzz --minutes 20 --seed 1 --targets safetensors,filters --corpus
// models`. The minutes are shared among the targets. Prints per target how many inputs were accepted and refused, and what went
// wrong with its seed; exits with 1 if anything did. A seed gives the same input again, but for what depends on time: answers
// of the hub, and moments at which workers die.

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "2" },
    seed: { type: "string", default: "1" },
    targets: { type: "string", default: groupNames.join() },
    corpus: { type: "string", multiple: true, default: [] },
    group: { type: "string" },
    child: { type: "string" },
  },
});

const { child, group } = values;
if (child !== undefined && group !== undefined) await serve({ group, name: child }, Number(values.seed));
else
  await campaign(await chosenTargets(values.targets.split(",")), Number(values.minutes), Number(values.seed));

/** Tries one seed after another until the parent ends this process. */
async function serve(name: TargetName, first: number): Promise<void> {
  addCorpora(values.corpus);
  const target = await loadTarget(name);
  const scratch = makeScratch();
  const tell = (report: Report) => {
    // The parent may have gone meanwhile.
    if (process.connected) process.send!(report, undefined, undefined, () => {});
  };
  for (let seed = first; ; seed++) {
    tell({ seed, outcome: "begun" });
    // Lets the end of the time be heard.
    await setImmediate();
    try {
      tell({ seed, outcome: await attempt(target, seed, scratch) });
    } catch (error) {
      tell({ seed, outcome: "failed", ...toldFault(error) });
    }
  }
}

/** A folder for attempts, which is removed when the parent has gone; reads outside of it are noted from now on. */
function makeScratch(): string {
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
    // Native code of workers may be in the middle of a run.
    process.kill(process.pid, "SIGKILL");
  });
  return scratch;
}

function toldFault(error: unknown): Pick<Report, "kind" | "problem"> {
  if (!(error instanceof Fault)) return { kind: "raw error", problem: String((error as Error).stack) };
  const cause = error.cause === undefined ? "" : `: ${String((error.cause as Error).stack ?? error.cause)}`;
  return { kind: error.kind, problem: `${error.message}${cause}`.slice(0, 1500) };
}

async function campaign(names: readonly TargetName[], minutes: number, seed: number): Promise<void> {
  const file = fileURLToPath(import.meta.url);
  const corpora = values.corpus.flatMap((folder) => ["--corpus", folder]);
  const rows: string[] = [];
  let problems = 0;
  for (const { group, name } of names) {
    const counts = Object.fromEntries(
      ["accepted", "refused", ...faultKinds].map((outcome) => [outcome, 0]),
    ) as Counts;
    const left = { milliseconds: (minutes * 60_000) / names.length };
    for (let next = seed; left.milliseconds > 0; ) {
      const given = ["--child", name, "--group", group, ...corpora];
      next = 1 + (await new ChildRun(name, file, given, next, counts, left).ended());
    }
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
