import { fileURLToPath } from "node:url";
import { median } from "../pairs.ts";
import { LineProcess, referencePython } from "../reference/process.ts";

/** What a process that computes with a model tells when it has loaded the model. */
interface Ready {
  readonly loadSeconds: number;
  readonly versions: Readonly<Record<string, string>>;
}

export interface ModelRequest {
  /** Texts, or pairs of texts. */
  readonly texts: readonly (string | readonly [string, string])[];
  readonly output?: "sparse" | "dense" | "both";
  /** Tokens that texts are cut to. */
  readonly tokens?: number;
}

interface ModelAnswer {
  readonly seconds: number;
  readonly cpuSeconds: number;
  /** Bytes. */
  readonly peakRss: number;
  /** Eight numbers of the first text. */
  readonly sample: readonly number[];
}

export type ModelKind = "reranker" | "m3" | "decoder" | "dense";
export type ModelProcess = LineProcess<Ready, ModelRequest, ModelAnswer>;

const file = (name: string) => fileURLToPath(new URL(`../reference/${name}`, import.meta.url));

/** This library: `workers` of `threads` each. */
export function startOurs(
  kind: ModelKind,
  folder: string,
  cache: string,
  { dtype = "fp32", workers = 1, threads = 2 } = {},
): Promise<ModelProcess> {
  const args = [file("models.mjs"), kind, folder, String(threads), dtype, cache, String(workers)];
  return LineProcess.start(dtype, process.execPath, args);
}

export function startReference(kind: ModelKind, folder: string, threads = 2): Promise<ModelProcess> {
  return LineProcess.start("PyTorch", referencePython(), [file("models.py"), kind, folder, String(threads)]);
}

/** One way to do a job. */
export interface Run {
  readonly name: string;
  readonly process: ModelProcess;
  readonly request: ModelRequest;
}

/** Medians over the rounds, and what they were taken from. */
export interface Figures {
  readonly seconds: number;
  readonly cpuSeconds: number;
  /** Times as fast as the first run, median of the rounds' ratios: by the clock, and by processor time. */
  readonly ratio: number;
  readonly cpuRatio: number;
  readonly peakGigabytes: number;
  /** Largest difference of the numbers of the first text from the first run's. */
  readonly difference: number;
  readonly rounds: readonly number[];
}

/** Does all runs in turn, round by round, and compares them with the first one. Each does the job once before, which does not count. */
export async function inTurn(
  runs: readonly Run[],
  rounds: number,
  warmUp = true,
): Promise<Record<string, Figures>> {
  const answers = runs.map((): ModelAnswer[] => []);
  for (let round = warmUp ? -1 : 0; round < rounds; round++) {
    for (const [place, { process, request }] of runs.entries()) {
      const answer = await process.ask(request);
      if (round >= 0) answers[place]!.push(answer);
    }
  }
  return Object.fromEntries(runs.map(({ name }, place) => [name, figuresOf(answers[place]!, answers[0]!)]));
}

function figuresOf(answers: readonly ModelAnswer[], first: readonly ModelAnswer[]): Figures {
  const middle = (of: (answer: ModelAnswer, round: number) => number) => rounded(median(answers.map(of)));
  const sample = first[0]!.sample;
  return {
    seconds: middle(({ seconds }) => seconds),
    cpuSeconds: middle(({ cpuSeconds }) => cpuSeconds),
    ratio: middle(({ seconds }, round) => first[round]!.seconds / seconds),
    cpuRatio: middle(({ cpuSeconds }, round) => first[round]!.cpuSeconds / cpuSeconds),
    peakGigabytes: rounded(Math.max(...answers.map(({ peakRss }) => peakRss)) / 1e9),
    difference: rounded(
      Math.max(0, ...answers[0]!.sample.map((value, place) => Math.abs(value - (sample[place] ?? value)))),
    ),
    rounds: answers.map(({ seconds }) => rounded(seconds)),
  };
}

export function rounded(value: number): number {
  return Number(value.toPrecision(3));
}
