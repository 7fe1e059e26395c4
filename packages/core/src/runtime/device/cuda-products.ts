import { isMainThread } from "node:worker_threads";
import { SparseEncoderError } from "../../errors.ts";

/** How CUDA's libraries multiply float32 numbers: exactly, or as TF32, which keeps 10 of 23 bits of each and sums exactly. */
export type CudaProducts = "fp32" | "tf32";

/** Read by CUDA's libraries when the first session opens, and the only switch that onnxruntime-node leaves. */
const variable = "NVIDIA_TF32_OVERRIDE";
const settings = { fp32: "0", tf32: "1" } as const;

/** Where the ESM and the CommonJS build of this library both find how this process opened CUDA. */
const opened = Symbol.for("@sparse-encoder/core: how CUDA multiplies");
const shared = globalThis as typeof globalThis & { [opened]?: CudaProducts | undefined };

/** What the environment of the process is, and whether this thread can change it; replaced in tests. */
export interface ProcessEnvironment {
  readonly isMainThread: boolean;
  /** The environment that native libraries see: `process.env` of a worker thread is a copy. */
  readonly native: () => Readonly<Record<string, string | undefined>>;
}

const processEnvironment: ProcessEnvironment = {
  isMainThread,
  native: () => {
    const report = process.report.getReport() as {
      environmentVariables?: Record<string, string | undefined>;
    };
    return report.environmentVariables ?? {};
  },
};

/**
 * Sets how CUDA multiplies, before the first session on it opens. One way holds for the whole process.
 *
 * @returns takes it back, if the session did not open
 * @throws SparseEncoderError `DEVICE_UNAVAILABLE` if CUDA was opened in the other way before, or if this is a worker thread of a
 *   host, from which the environment of the process is out of reach
 */
export function setCudaProducts(
  products: CudaProducts,
  environment: ProcessEnvironment = processEnvironment,
): () => void {
  const known = shared[opened];
  if (known === products) return () => {};
  if (known !== undefined) {
    throw new SparseEncoderError(
      "DEVICE_UNAVAILABLE",
      `CUDA multiplies float32 numbers in one way in a process, and this process opened CUDA with dtype "${known}" before. Load a model with dtype "${products}" in another process.`,
    );
  }
  const before = process.env[variable];
  process.env[variable] = settings[products];
  if (!environment.isMainThread && environment.native()[variable] !== settings[products]) {
    throw new SparseEncoderError(
      "DEVICE_UNAVAILABLE",
      `A worker thread cannot change the environment of its process, which says how CUDA multiplies. Start the process with ${variable}=${settings[products]}, or the thread with the option env: SHARE_ENV.`,
    );
  }
  shared[opened] = products;
  return () => {
    shared[opened] = undefined;
    if (before === undefined) delete process.env[variable];
    else process.env[variable] = before;
  };
}
