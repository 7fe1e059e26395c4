/** What the runtime's words about a device mean, and what to do. Pure: texts in, texts out. */

/** Texts of CUDA, cuBLAS, cuDNN, of the runtime's own allocator, and of WebGPU. */
const outOfMemory = [
  /out of memory/i,
  /CUDA failure 2\b/,
  /CUBLAS_STATUS_ALLOC_FAILED/,
  /CUDNN_STATUS_\w*ALLOC\w*FAILED/,
  /Failed to allocate memory for requested buffer/i,
  /smaller than requested bytes/i,
];

/** True if a device, and not the machine, lacked memory for a run or a model. */
export function isOutOfMemory(error: unknown): boolean {
  const text = error instanceof Error ? error.message : String(error);
  return outOfMemory.some((pattern) => pattern.test(text));
}
