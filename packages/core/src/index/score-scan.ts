/** What score-scan.wat compiles to. */
export const scoreScanModule =
  "AGFzbQEAAAABCAFgA39/fwF/AhABBGhvc3QGbWVtb3J5AgABAwIBAAcIAQRmaW5kAAAKZwFlAgF/AXsgAv0RIQQgAEECdCEDAkADQCAAIAFPDQEgA/0ABAAgBP0/IAP9AAQQIAT9P/1QIAP9AAQgIAT9PyAD/QAEMCAE/T/9UP1Q/VMNASAAQRBqIQAgA0HAAGohAwwACwsgAAs=";

/** The classes that are used here, which the types of Node 20 lack. */
const { Memory, Module, Instance } = (
  globalThis as unknown as {
    WebAssembly: {
      Memory: new (size: { initial: number; maximum: number }) => { readonly buffer: ArrayBuffer };
      Module: new (bytes: Uint8Array) => object;
      Instance: new (module: object, imports: object) => { readonly exports: Record<string, unknown> };
    };
  }
).WebAssembly;

/** Bytes of a page of WebAssembly memory. */
const pageBytes = 65_536;

/** Scores of documents, and a scan over them that compares sixteen at a time. */
export interface ScoreScan {
  readonly scores: Float32Array;
  /**
   * First multiple of 16, from `from` on and below `to`, of which one of the 16 scores is at least that of the bits `least`;
   * `to` or above if there is none. Scores above zero alone are found: they are in the order of their bits.
   *
   * @param from a multiple of 16
   */
  readonly find: (from: number, to: number, least: number) => number;
}

/** @param count of scores, a multiple of 16,384 */
export function createScoreScan(count: number): ScoreScan {
  const pages = (count * 4) / pageBytes;
  // It never grows, so the array stays what it is.
  const memory = new Memory({ initial: pages, maximum: pages });
  const module = new Module(Buffer.from(scoreScanModule, "base64"));
  const { exports } = new Instance(module, { host: { memory } });
  return { scores: new Float32Array(memory.buffer), find: exports.find as ScoreScan["find"] };
}
