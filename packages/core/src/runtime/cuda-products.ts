import { isMainThread } from "node:worker_threads";
import { SparseEncoderError } from "../errors.ts";

/**
 * How CUDA's libraries multiply float32 numbers: `exact`, or `tf32`, which keeps 10 of 23 bits of each and sums exactly. `any`
 * for models without such products.
 */
export type CudaProducts = "exact" | "tf32" | "any";

/** Read by CUDA's libraries when the first session opens, and the only switch that onnxruntime-node leaves. */
const variable = "NVIDIA_TF32_OVERRIDE";
const switches = { exact: "0", tf32: "1" } as const;

/** What this process has opened CUDA with. Kept where the ESM and the CommonJS build of this library both find it. */
const opened = Symbol.for("@sparse-encoder/core: products of CUDA");
const shared = globalThis as { [opened]?: "exact" | "tf32" };

/**
 * Sets how CUDA multiplies, before the first session on it opens. One way holds for the whole process.
 *
 * @param nativeEnvironment for tests: reads the environment that native libraries see
 * @throws SparseEncoderError `DEVICE_UNAVAILABLE` if CUDA was opened with the other way before, or if the environment of the
 *   process is out of reach, in a worker thread of a host
 */
export function setCudaProducts(
  wanted: CudaProducts,
  nativeEnvironment: () => Record<string, string | undefined> = nativeVariables,
): void {
  const known = shared[opened];
  if (known !== undefined && (wanted === "any" || wanted === known)) return;
  const products = wanted === "any" ? "exact" : wanted;
  if (known !== undefined) {
    throw new SparseEncoderError(
      "DEVICE_UNAVAILABLE",
      `CUDA multiplies float32 in one way a process, and this one has opened it with dtype "${known === "tf32" ? "tf32" : "fp32"}" before; load "${products === "tf32" ? "tf32" : "fp32"}" in a process of its own.`,
    );
  }
  process.env[variable] = switches[products];
  if (!isMainThread && wanted !== "any" && nativeEnvironment()[variable] !== switches[products]) {
    throw new SparseEncoderError(
      "DEVICE_UNAVAILABLE",
      `A worker thread cannot change the environment of its process, which says how CUDA multiplies. Start the process with ${variable}=${switches[products]}, or the thread with env: SHARE_ENV.`,
    );
  }
  shared[opened] = products;
}

/** The environment of the process itself: `process.env` of a worker thread is a copy. */
function nativeVariables(): Record<string, string | undefined> {
  const report = process.report.getReport() as { environmentVariables?: Record<string, string | undefined> };
  return report.environmentVariables ?? {};
}
