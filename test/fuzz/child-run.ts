import { type ChildProcess, fork } from "node:child_process";
import type { FaultKind, Outcome } from "./attempts.ts";

/** A target that takes longer for one input hangs. */
const patience = 10_000;

/** Milliseconds that a child has for its start and its first input: it loads its targets, and opens what one needs. */
const startPatience = 120_000;

/** Faults of a kind that are shown per target; all are counted. */
const mostShown = 5;

/** What a child tells of a seed. */
export interface Report {
  readonly seed: number;
  readonly outcome: "begun" | "failed" | Outcome;
  readonly kind?: FaultKind;
  readonly problem?: string;
}

/** How often each outcome came. */
export type Counts = Record<Outcome | FaultKind, number>;

/** How long a target may go on: time counts while inputs are tried. */
export interface TimeLeft {
  milliseconds: number;
}

/** One child process that tries seeds of a target until its time is over, or it dies. */
export class ChildRun {
  private readonly name: string;
  private readonly counts: Counts;
  private readonly left: TimeLeft;
  private readonly child: ChildProcess;
  private last: number;
  private began: number | undefined;
  private isFirst = true;
  /** True if the parent ended the child. */
  private isEnded = false;
  private watch: NodeJS.Timeout;
  private over: NodeJS.Timeout | undefined;

  constructor(
    name: string,
    file: string,
    given: readonly string[],
    seed: number,
    counts: Counts,
    left: TimeLeft,
  ) {
    this.name = name;
    this.counts = counts;
    this.left = left;
    this.last = seed;
    this.child = fork(file, [...given, "--seed", String(seed)]);
    this.watch = this.expectAnswer(startPatience);
  }

  /** Resolves with the last seed when the child has ended. */
  ended(): Promise<number> {
    this.child.on("message", (report: Report) => this.hear(report));
    return new Promise((resolve) => {
      this.child.on("exit", (code, signal) => {
        clearTimeout(this.watch);
        clearTimeout(this.over);
        if (this.began !== undefined) this.left.milliseconds -= Date.now() - this.began;
        // One that ends by itself before its time dies too.
        if (!this.isEnded) this.fail("crash", `seed ${this.last}: the process ended (${signal ?? code})`);
        resolve(this.last);
      });
    });
  }

  private hear({ seed, outcome, kind, problem }: Report): void {
    clearTimeout(this.watch);
    this.last = seed;
    if (outcome === "begun") {
      this.began ??= Date.now();
      this.over ??= setTimeout(() => this.stop(), Math.max(0, this.left.milliseconds));
      this.watch = this.expectAnswer(this.isFirst ? startPatience : patience);
      return;
    }
    this.isFirst = false;
    this.watch = this.expectAnswer(patience);
    if (outcome === "failed") this.fail(kind!, problem!);
    else this.counts[outcome]++;
  }

  private stop(): void {
    this.isEnded = true;
    this.child.disconnect();
  }

  private expectAnswer(wait: number): NodeJS.Timeout {
    return setTimeout(() => {
      this.fail("hang", `seed ${this.last}: no answer within ${wait / 1000} seconds`);
      this.isEnded = true;
      this.child.kill("SIGKILL");
    }, wait);
  }

  private fail(kind: FaultKind, problem: string): void {
    if (++this.counts[kind] <= mostShown) console.log(`${this.name}: ${kind}: ${problem}`);
  }
}
