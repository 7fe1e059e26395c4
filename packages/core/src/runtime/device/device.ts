import { existsSync } from "node:fs";
import path from "node:path";
import { invalidArgument, received } from "../../errors.ts";
import { ownRuntime } from "../../install/index.ts";
import { didYouMean } from "../../options/index.ts";
import type { BatchLimits } from "../batch-plan.ts";

/** Kinds of devices that onnxruntime-node can run on, its execution providers. */
const deviceKinds = ["cpu", "cuda", "webgpu", "dml", "coreml"] as const;

/** One device: `cpu`, `webgpu`, `coreml`, or one of several: `cuda:1`, `dml:0`. */
export interface Device {
  readonly kind: (typeof deviceKinds)[number];
  /** Number among the devices of its kind; 0 where there is one. */
  readonly index: number;
  /** As users write it. */
  readonly name: string;
}

export const cpu: Device = { kind: "cpu", index: 0, name: "cpu" };

const pattern = /^(cuda|dml):(\d{1,3})$/;

/**
 * The device of a name; `auto` is left to {@link automaticDevices}.
 * @throws SparseEncoderError `INVALID_ARGUMENT`
 */
export function parseDevice(name: unknown): Device {
  // As PyTorch counts it: there is one.
  if (name === "cpu:0") return cpu;
  const [, kind, index] = typeof name === "string" ? (pattern.exec(name) ?? []) : [];
  const found = deviceKinds.find((known) => known === (kind ?? name));
  if (found === undefined) {
    const meant = meantDevice(name);
    throw invalidArgument(
      `A device is cpu, cuda, cuda:<n>, dml, dml:<n>, webgpu or coreml, or at load auto; received ${received(name)}.${didYouMean(meant)}${Array.isArray(name) ? " A list of devices is an option of encode." : ""}`,
    );
  }
  return { kind: found, index: Number(index ?? 0), name: name as string };
}

/** What other libraries call a device. */
const neighbours: Readonly<Record<string, string>> = {
  mps: "coreml (Core ML uses the GPU of a Mac)",
  metal: "coreml (Core ML uses the GPU of a Mac)",
  gpu: "cuda",
  nvidia: "cuda",
  directml: "dml",
  wasm: "cpu",
  gpu0: "cuda:0",
  cuda0: "cuda:0",
  cpuexecutionprovider: "cpu",
  cudaexecutionprovider: "cuda",
  dmlexecutionprovider: "dml",
  coremlexecutionprovider: "coreml",
  webgpuexecutionprovider: "webgpu",
};

/**
 * A device in the words of the runtime. Providers of which there is one refuse a number. The type is written out: the runtime's own
 * declarations do not compile without those of browsers.
 */
export function executionProvider({
  kind,
  index,
}: Device): string | { readonly name: string; readonly deviceId: number } {
  return kind === "cuda" || kind === "dml" ? { name: kind, deviceId: index } : kind;
}

function meantDevice(name: unknown): string | undefined {
  if (Number.isInteger(name)) return `cuda:${name}`;
  if (typeof name !== "string") return undefined;
  const small = name.toLowerCase();
  const known = small !== name && (pattern.test(small) || deviceKinds.some((kind) => kind === small));
  const [family = ""] = small.split(":");
  return known ? small : Object.hasOwn(neighbours, family) ? neighbours[family] : undefined;
}

/**
 * Limits of a batch that run fastest on a device. On the CPU larger batches leave the cache; a graphics processor wants width.
 *
 * @param batchSize what the caller set; undefined for the device's own
 */
export function batchLimits(device: Device, batchSize: number | undefined): BatchLimits {
  const limits = device.kind === "cpu" ? cpuLimits : wideLimits;
  return batchSize === undefined ? limits : { ...limits, batchSize };
}

const cpuLimits: BatchLimits = { batchSize: 32, tokens: 1024 };

/** Most tokens of a text that can share a batch with another one on the CPU. */
export const pairTokens = cpuLimits.tokens / 2;

/** Measured on an H100: 16,384 tokens reach its best rate within 5 %, and take 1 to 2 GB of its memory. */
const wideLimits: BatchLimits = { batchSize: 1024, tokens: 16_384 };

/**
 * Workers that keep a device busy: on CUDA, tokens are packed and rows read for some while it computes for another. More than
 * three gave no more texts per second.
 */
export function leastWorkers({ kind }: Device): number {
  return kind === "cuda" ? 3 : 1;
}

/** Tokens that a text takes in a batch: attention of a wide device reads eight numbers at a time. */
const wideStep = 8;

/** Padded tokens of the texts in a batch whose longest text has `longest` tokens; the model takes `most`. */
export function batchWidth(device: Device, longest: number, most: number): number {
  return device.kind === "cuda" ? Math.min(Math.ceil(longest / wideStep) * wideStep, most) : longest;
}

/**
 * Devices that `auto` tries, best first. A CUDA device is tried where the library for it was installed; the others are
 * used only by name, since the CPU may well be faster.
 */
export function automaticDevices(): Device[] {
  return cudaInstalled() ? [parseDevice("cuda"), cpu] : [cpu];
}

/** Devices of each kind that this platform could have, one of each. */
export function possibleDevices(): Device[] {
  const kinds: Device["kind"][] = ["cpu"];
  if (cudaInstalled()) kinds.push("cuda");
  if (process.platform === "win32") kinds.push("dml");
  if (process.platform === "darwin") kinds.push("coreml");
  if (process.platform !== "linux" || graphicsNodes.some((node) => existsSync(node))) kinds.push("webgpu");
  return kinds.map(parseDevice);
}

/** Where Linux shows graphics processors, WSL too. Without one, trying WebGPU makes its driver write to stderr. */
const graphicsNodes = ["/dev/dri", "/dev/nvidiactl", "/dev/dxg"];

/** True if the library for CUDA lies beside the runtime. Without it, trying CUDA makes the runtime write to stderr. */
export function cudaInstalled(): boolean {
  const runtime = ownRuntime();
  if (runtime === undefined) return false;
  const folder = path.join(runtime.path, "bin", "napi-v6", process.platform, process.arch);
  return ["libonnxruntime_providers_cuda.so", "onnxruntime_providers_cuda.dll"].some((name) =>
    existsSync(path.join(folder, name)),
  );
}
