import { execFile } from "node:child_process";
import { readdir } from "node:fs/promises";
import { ownRuntime } from "../install/index.ts";
import { type Device, executionProvider } from "./device/device.ts";

/** What came of opening a small model on a device, in a process of its own. */
export interface ProbedDevice {
  readonly name: string;
  readonly opened: boolean;
  /** What the runtime threw; empty if the device opened. */
  readonly message: string;
}

/** What came of opening devices of one kind, and what the runtime and drivers wrote to stderr meanwhile. */
export interface Probe {
  readonly devices: readonly ProbedDevice[];
  readonly written: string;
}

/** A driver that starts for the first time takes seconds; one that hangs must not hold up the caller for ever. */
const patience = 30_000;

/** Opens the model on one device after the other, until one does not open. */
const script = `
const [runtime, model, ...devices] = process.argv.slice(1);
const load = require;
const { InferenceSession } = load(runtime);
(async () => {
  for (const device of devices.map((text) => JSON.parse(text))) {
    let message = "";
    try {
      const session = await InferenceSession.create(Buffer.from(model, "base64"), {
        executionProviders: [device.provider],
      });
      await session.release();
    } catch (error) {
      message = String(error.message);
    }
    console.log(JSON.stringify({ name: device.name, opened: message === "", message }));
    if (message !== "") break;
  }
})();`;

/**
 * Opens a small model on devices of one kind in turn, until one does not open, in a process of its own: drivers write to stderr,
 * and the runtime says only there which library a provider lacks.
 *
 * @param model an ONNX model as small as can be
 * @returns undefined where no process can be started
 */
export async function probeDevices(
  model: Uint8Array,
  devices: readonly Device[],
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Promise<Probe | undefined> {
  const runtime = ownRuntime();
  if (runtime === undefined) return undefined;
  const args = [
    runtime.path,
    Buffer.from(model).toString("base64"),
    ...devices.map((device) => JSON.stringify({ name: device.name, provider: executionProvider(device) })),
  ];
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      ["-e", script, "--", ...args],
      {
        env: asNode(environment),
        timeout: patience,
        maxBuffer: 1 << 22,
      },
      (error, stdout, stderr) => {
        if (error !== null && error.code === "ENOENT") return resolve(undefined);
        resolve({ devices: linesOf(stdout), written: stderr });
      },
    );
  });
}

/** The environment in which this process's file is Node.js, in Electron too, without its options. */
export function asNode(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { ...environment, ELECTRON_RUN_AS_NODE: "1", NODE_OPTIONS: "" };
}

function linesOf(stdout: string): ProbedDevice[] {
  return stdout
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as ProbedDevice);
}

/** Names of CUDA's libraries that the system's loader would find: in its cache and in `LD_LIBRARY_PATH`. Linux only. */
export async function findCudaLibraries(): Promise<string[]> {
  const folders = (process.env.LD_LIBRARY_PATH ?? "").split(":").filter((folder) => folder !== "");
  const listed = await Promise.all(folders.map((folder) => readdir(folder).catch(() => [])));
  const cached = await new Promise<string>((resolve) => {
    execFile("ldconfig", ["-p"], { timeout: patience }, (_, stdout) => resolve(stdout ?? ""));
  });
  const names = [...listed.flat(), ...cached.split("\n").map((line) => line.trim().split(" ")[0]!)];
  return [...new Set(names)].filter((name) => /^lib(cublas|cudart|cudnn|cufft|curand|nvrtc)/.test(name));
}
