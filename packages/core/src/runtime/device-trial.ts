import { spawn } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { cpus } from "node:os";
import path from "node:path";
import { ownRuntime } from "../install/index.ts";
import { coreShare } from "./cpu-share.ts";
import { type Device, executionProvider } from "./device/device.ts";
import { asNode } from "./device-probe.ts";
import type { PooledModel } from "./pooled-model.ts";

/** How a device compares with all cores of the CPU. */
export interface DeviceTrial {
  /** Milliseconds of a batch on the device and on the CPU. */
  readonly batch: TrialTimes;
  /** The same of one short text. */
  readonly query: TrialTimes;
  /** Largest difference of two numbers; infinite if one is not a number or their shapes differ. */
  readonly difference: number;
}

export interface TrialTimes {
  readonly device: number;
  readonly cpu: number;
}

/** Milliseconds of a whole trial: a driver that hangs, or computes on the CPU, must not hold up a load for long. */
const patience = 15_000;

/** Texts and tokens of each of the two inputs. */
const shapes = { batch: [8, 128], query: [1, 16] } as const;

/**
 * Runs in the other process. It reads the graph from its standard input and opens it on the device and on the CPU. Each input runs
 * once to warm up and three times for its time, of which the least counts.
 */
const script = `
const [runtime, text] = process.argv.slice(1);
const load = require;
const { env, InferenceSession, Tensor } = load(runtime);
// What is left on stderr then comes from drivers.
env.logLevel = "fatal";
const { provider, folder, threads, vocabulary, inputs, shapes } = JSON.parse(text);
function feeds([texts, width]) {
  const ids = Int32Array.from({ length: texts * width }, (_, place) => (place * 7919 + 1) % vocabulary);
  const lengths = new Int32Array(texts).fill(width);
  const all = {
    ids: new Tensor("int32", ids, [texts, width]),
    lengths: new Tensor("int32", lengths, [texts]),
    type_starts: new Tensor("int32", lengths, [texts]),
    skip: new Tensor("int64", BigInt64Array.of(0n), [1]),
  };
  return Object.fromEntries(inputs.map((name) => [name, all[name]]));
}
function difference(a, b) {
  if (a.length !== b.length) return Infinity;
  let most = 0;
  for (let at = 0; at < a.length; at++) {
    const apart = Math.abs(a[at] - b[at]);
    if (!(apart <= most)) most = apart;
    if (Number.isNaN(apart)) return Infinity;
  }
  return most;
}
async function timesOn(bytes, provider) {
  const session = await InferenceSession.create(bytes, {
    executionProviders: [provider],
    intraOpNumThreads: threads,
    logSeverityLevel: 4,
    extra: { session: { model_external_initializers_file_folder_path: folder, disable_prepacking: "1" } },
  });
  const [output] = session.outputNames;
  const results = {};
  for (const [name, shape] of Object.entries(shapes)) {
    let least = Infinity;
    let data;
    for (let round = 0; round < 4; round++) {
      const started = performance.now();
      data = (await session.run(feeds(shape), [output]))[output].data;
      if (round > 0) least = Math.min(least, performance.now() - started);
    }
    results[name] = { least, data };
  }
  return results;
}
(async () => {
  const parts = [];
  for await (const part of process.stdin) parts.push(part);
  const bytes = Buffer.concat(parts);
  const there = await timesOn(bytes, provider);
  const here = await timesOn(bytes, "cpu");
  const times = (name) => ({ device: there[name].least, cpu: here[name].least });
  const apart = Math.max(...Object.keys(shapes).map((name) => difference(there[name].data, here[name].data)));
  console.log(JSON.stringify({ batch: times("batch"), query: times("query"), difference: apart }));
})();`;

/**
 * Runs a model that was built from weights on a device and on the CPU, in a process of its own: a driver may write to stderr, hang
 * or crash.
 *
 * @param vocabulary number of token ids
 * @param milliseconds of the whole trial
 * @returns undefined if the model did not run there, or if something was written to stderr
 */
export async function tryDevice(
  model: PooledModel,
  vocabulary: number,
  device: Device,
  signal?: AbortSignal,
  milliseconds = patience,
): Promise<DeviceTrial | undefined> {
  const runtime = ownRuntime();
  if (runtime === undefined || model.exportFile !== undefined) return undefined;
  const setup = {
    provider: executionProvider(device),
    folder: model.weightsFolder,
    threads: coreShare(),
    vocabulary,
    inputs: model.inputs,
    shapes,
  };
  const output = await outputOf([runtime.path, JSON.stringify(setup)], model.bytes, milliseconds, signal);
  return output === undefined ? undefined : readTrial(output);
}

/** What the other process prints; undefined if it fails, or writes to stderr. */
function outputOf(
  args: readonly string[],
  input: Uint8Array,
  milliseconds: number,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ["-e", script, "--", ...args], {
      env: asNode(process.env),
      stdio: "pipe",
      timeout: milliseconds,
      killSignal: "SIGKILL",
      ...(signal !== undefined && { signal }),
    });
    let [output, errors] = ["", ""];
    child.stdout.on("data", (part: Buffer) => {
      output += part;
    });
    child.stderr.on("data", (part: Buffer) => {
      errors += part;
    });
    // It may end before it has read all.
    child.stdin.on("error", () => {});
    child.on("error", () => resolve(undefined));
    child.on("close", (code) => resolve(code === 0 && errors === "" ? output : undefined));
    child.stdin.end(input);
  });
}

function readTrial(output: string): DeviceTrial | undefined {
  try {
    const trial = JSON.parse(output) as DeviceTrial;
    // JSON has no infinity.
    return { ...trial, difference: trial.difference ?? Number.POSITIVE_INFINITY };
  } catch {
    return undefined;
  }
}

/** What a trial depends on beside the model: the processor, the graphics cards, and the runtime. */
export async function trialMachine(): Promise<string> {
  const machine = [process.platform, process.arch, cpus()[0]?.model, coreShare(), ownRuntime()?.version];
  return JSON.stringify([...machine, ...(await graphicsCards())]);
}

/** Maker and type of each graphics card, where Linux shows them. */
async function graphicsCards(): Promise<string[]> {
  const folder = "/sys/class/drm";
  const cards = (await readdir(folder).catch(() => [])).filter((name) => /^card\d+$/.test(name));
  const parts = cards.flatMap((card) =>
    ["vendor", "device"].map((part) => path.join(folder, card, "device", part)),
  );
  return Promise.all(parts.map((file) => readFile(file, "utf8").catch(() => "")));
}
