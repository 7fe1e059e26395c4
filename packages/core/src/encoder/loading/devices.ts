import { tmpdir } from "node:os";
import { SparseEncoderError } from "../../errors.ts";
import { deviceProbe } from "../../graph/index.ts";
import {
  cudaInstalled,
  type Device,
  deviceAdvice,
  findCudaLibraries,
  type Probe,
  parseDevice,
  possibleDevices,
  probeDevices,
  WorkerPool,
} from "../../runtime/index.ts";

/** More devices of a kind than this are not looked for. */
const mostOfKind = 16;

/**
 * Devices of this machine that a model can run on, as the option `device` takes them: `["cpu", "cuda:0", "cuda:1"]`. Each
 * is tried with a small graph, in a process of its own since drivers write to stderr, which takes a second where a driver has
 * to start.
 */
export async function listDevices(): Promise<string[]> {
  const found = await Promise.all(possibleDevices().map(namesThatOpen));
  return found.flat();
}

/** The devices of a kind that open. */
async function namesThatOpen(first: Device): Promise<string[]> {
  if (first.kind === "cpu") return [first.name];
  const numbered = first.kind === "cuda" || first.kind === "dml";
  const devices = numbered
    ? Array.from({ length: mostOfKind }, (_, index) => parseDevice(`${first.kind}:${index}`))
    : [first];
  const probe = await probeDevices(deviceProbe(), devices);
  if (probe !== undefined) return probe.devices.filter(({ opened }) => opened).map(({ name }) => name);
  const names: string[] = [];
  for (const device of devices) {
    if (!(await opensHere(device))) break;
    names.push(device.name);
  }
  return names;
}

/** Where no other process may be started. */
async function opensHere(device: Device): Promise<boolean> {
  const model = {
    bytes: deviceProbe(),
    shortBytes: undefined,
    givesDims: false,
    dimension: 1,
    exportFile: undefined,
    inputs: [],
    weightsFolder: tmpdir(),
    prepack: false,
    sparse: false,
  };
  try {
    const pool = await WorkerPool.start(model, { device, threads: 1 });
    await pool.close();
    return true;
  } catch (error) {
    if (SparseEncoderError.is(error, "WORKER_FAILED")) return false;
    throw error;
  }
}

/** The error of a device other than the CPU that did not open: what is missing, and the devices that do open. */
export async function deviceFailure(error: unknown, devices: readonly Device[]): Promise<unknown> {
  const named = devices.filter(({ kind }) => kind !== "cpu");
  if (named.length === 0 || !SparseEncoderError.is(error, "WORKER_FAILED")) return error;
  const [available, advice] = await Promise.all([listDevices(), adviceFor(error.message, named)]);
  const names = [...new Set(named.map(({ name }) => name))].join(", ");
  return new SparseEncoderError(
    "DEVICE_UNAVAILABLE",
    `The model cannot be opened on ${names}. ${advice}Devices that open here: ${available.join(", ")}. ${error.message}`,
    { cause: error.cause },
  );
}

/** What is missing for the device that the message names, or for the first of these; a sentence and a blank, or nothing. */
async function adviceFor(message: string, devices: readonly Device[]): Promise<string> {
  const device = devices.find(({ name }) => message.includes(` on ${name}:`)) ?? devices[0]!;
  const facts = {
    system: `${process.platform}-${process.arch}`,
    cudaInstalled: cudaInstalled(),
    libraries: device.kind === "cuda" && process.platform === "linux" ? await findCudaLibraries() : [],
  };
  const early = deviceAdvice(device, message, facts);
  // The log of WebGPU's driver says more than the message does.
  if (early !== undefined && device.kind !== "webgpu") return `${early} `;
  // The message says only that a library cannot be loaded; the log of another try says which.
  const probe = await probeDevices(deviceProbe(), [device]);
  const advice = (probe && deviceAdvice(device, textOf(probe), facts)) ?? early;
  return advice === undefined ? "" : `${advice} `;
}

function textOf({ devices, written }: Probe): string {
  return [written, ...devices.map(({ message }) => message)].join("\n");
}
