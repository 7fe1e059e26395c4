import { tmpdir } from "node:os";
import { SparseEncoderError } from "../../errors.ts";
import { deviceProbe } from "../../graph/index.ts";
import { type Device, parseDevice, possibleDevices, WorkerPool } from "../../runtime/index.ts";

/** More devices of a kind than this are not looked for. */
const mostOfKind = 16;

/**
 * Devices of this machine that a model can run on, as the option `device` takes them: `["cpu", "cuda:0", "cuda:1"]`. Each
 * is tried with a small graph, which takes a second where a driver has to start.
 */
export async function listDevices(): Promise<string[]> {
  const found: string[] = [];
  for (const device of possibleDevices()) {
    if (device.kind !== "cuda" && device.kind !== "dml") {
      if (await opens(device)) found.push(device.name);
      continue;
    }
    for (let index = 0; index < mostOfKind; index++) {
      const numbered = parseDevice(`${device.kind}:${index}`);
      if (!(await opens(numbered))) break;
      found.push(numbered.name);
    }
  }
  return found;
}

async function opens(device: Device): Promise<boolean> {
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

/** The error of a device other than the CPU that did not open, with the devices that do. */
export async function deviceFailure(error: unknown, devices: readonly Device[]): Promise<unknown> {
  const named = devices.filter((device) => device.kind !== "cpu").map(({ name }) => name);
  if (named.length === 0 || !SparseEncoderError.is(error, "WORKER_FAILED")) return error;
  const available = await listDevices();
  return new SparseEncoderError(
    "DEVICE_UNAVAILABLE",
    `The model cannot be opened on ${named.join(", ")}. Devices that open here: ${available.join(", ")}. ${error.message}`,
    { cause: error.cause },
  );
}
