import { createHash } from "node:crypto";
import { mkdir, readFile, stat } from "node:fs/promises";
import path from "node:path";
import { throwIfAborted } from "../../calls/index.ts";
import { writeWholeFile } from "../../disk/index.ts";
import type { CompiledModel } from "../../graph/index.ts";
import {
  automaticDevices,
  type Device,
  type DeviceTrial,
  possibleDevices,
  trialMachine,
  tryDevice,
} from "../../runtime/index.ts";

/** How many times as fast as all cores of the CPU a device must be: the workers of the CPU share a call better than the trial does. */
const worthwhile = 1.5;

/** How many times as long as on the CPU one short text may take. */
const slowestQuery = 2;

/** Largest difference of two numbers at which a device still gives the model's numbers. */
const tolerance = 1e-3;

/** Days that a trial is believed: a driver may be installed, a card changed. */
const trialDays = 7;

/** What the choice depends on; tests put their own in its place. */
export interface TrialParts {
  readonly tryDevice: typeof tryDevice;
  /** Devices that this platform could have. */
  readonly devices: readonly Device[];
  /** Devices that need no trial, best first. */
  readonly others: readonly Device[];
}

/**
 * Devices for `auto`, best first: CUDA where it was installed; WebGPU where a short trial says that it is faster than the CPU and gives
 * the same numbers; and the CPU. The trial takes a second or more, once for a model and a machine: what it found is kept for a
 * week in `cacheFolder`.
 */
export async function chooseDevices(
  compiled: CompiledModel,
  cacheFolder: string,
  signal?: AbortSignal,
  parts: TrialParts = { tryDevice, devices: possibleDevices(), others: automaticDevices() },
): Promise<readonly Device[]> {
  const candidate = parts.devices.find(({ kind }) => kind === "webgpu");
  // Integer products are for the CPU, and what stands in an exported file is not known.
  const isTried = !compiled.prepack && compiled.exportFile === undefined;
  if (candidate === undefined || !isTried || parts.others.length > 1) return parts.others;
  const file = path.join(cacheFolder, "device-trials", `${await trialKey(compiled)}.json`);
  const kept = await readTrial(file);
  const takes = kept ?? (await trialOf(compiled, candidate, file, signal, parts));
  return takes ? [candidate, ...parts.others] : parts.others;
}

/** Tries a device and keeps what was found: whether it is taken. */
async function trialOf(
  compiled: CompiledModel,
  device: Device,
  file: string,
  signal: AbortSignal | undefined,
  parts: TrialParts,
): Promise<boolean> {
  const trial = await parts.tryDevice(compiled, compiled.vocabularySize, device, signal);
  throwIfAborted(signal);
  const takes = trial !== undefined && isFaster(trial);
  await keepTrial(file, { device: device.name, takes });
  return takes;
}

function isFaster({ batch, query, difference }: DeviceTrial): boolean {
  return (
    difference <= tolerance &&
    batch.device * worthwhile <= batch.cpu &&
    query.device <= query.cpu * slowestQuery
  );
}

/** Of the model and the machine. */
async function trialKey(compiled: CompiledModel): Promise<string> {
  const hash = createHash("sha256").update(compiled.bytes).update(compiled.weightsFolder);
  hash.update(await trialMachine());
  return hash.digest("hex").slice(0, 32);
}

/** Whether the device is taken, if a trial said so lately. */
async function readTrial(file: string): Promise<boolean | undefined> {
  try {
    const age = Date.now() - (await stat(file)).mtimeMs;
    if (age > trialDays * 24 * 3600 * 1000) return undefined;
    const { takes } = JSON.parse(await readFile(file, "utf8")) as { takes?: unknown };
    return typeof takes === "boolean" ? takes : undefined;
  } catch {
    return undefined;
  }
}

/** A cache that cannot be written costs a trial at each load. */
async function keepTrial(
  file: string,
  trial: { readonly device: string; readonly takes: boolean },
): Promise<void> {
  try {
    await mkdir(path.dirname(file), { recursive: true });
    await writeWholeFile(file, (handle) => handle.writeFile(JSON.stringify(trial)));
  } catch {
    // The trial is repeated then.
  }
}
