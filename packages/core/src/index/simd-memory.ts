/** The part of WebAssembly that is used here: the types of Node.js 20 lack it. */
declare const WebAssembly: {
  readonly Memory: new (size: { initial: number; maximum: number }) => { readonly buffer: ArrayBuffer };
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: Record<string, unknown> };
};

/** Bytes of a page of WebAssembly memory. */
const pageBytes = 65_536;

/** The most pages that a memory may have: 4 GiB. */
const maximumPages = 65_536;

/** By the bytes that they were compiled from. */
const compiled = new Map<string, object>();

/**
 * A WebAssembly memory of at least `bytes`, and the exports of a module that imports the memory as `host.memory`. The memory
 * never grows, so arrays over its buffer stay valid. Undefined if the system refuses: each memory takes 10 GiB of addresses,
 * though no more storage than its content.
 *
 * @param module in base64
 */
export function openSimdMemory(
  bytes: number,
  module: string,
): { readonly buffer: ArrayBuffer; readonly exports: Record<string, unknown> } | undefined {
  const pages = Math.ceil(bytes / pageBytes);
  if (pages > maximumPages) return undefined;
  let memory: { readonly buffer: ArrayBuffer };
  try {
    memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
  const known = compiled.get(module) ?? new WebAssembly.Module(Buffer.from(module, "base64"));
  compiled.set(module, known);
  const { exports } = new WebAssembly.Instance(known, { host: { memory } });
  return { buffer: memory.buffer, exports };
}

export function roundUp(count: number, step: number): number {
  return Math.ceil(count / step) * step;
}
