import { closeSync, existsSync, mkdirSync, openSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

/** A tensor of random numbers. */
export interface RandomTensor {
  readonly shape: readonly number[];
  readonly mean: number;
  readonly deviation: number;
}

const deviationOfWeights = 0.02;
const valuesPerBlock = 1 << 20;

/**
 * A folder in the system's temporary folder that `write` fills; one that was filled before is used again. Change `name` when the content
 * changes.
 */
export function randomFolder(name: string, write: (folder: string) => void): string {
  const folder = path.join(tmpdir(), `sparse-encoder-bench-${name}`);
  if (existsSync(path.join(folder, "complete"))) return folder;
  mkdirSync(folder, { recursive: true });
  write(folder);
  writeFileSync(path.join(folder, "complete"), "");
  return folder;
}

/** Matrices near 0, the factors of norms 1, biases 0: such weights are good for speed and memory only. */
export function initialTensors(
  shapes: Readonly<Record<string, readonly number[]>>,
): Record<string, RandomTensor> {
  const tensors = Object.entries(shapes).map(([name, shape]): [string, RandomTensor] => {
    const isVector = shape.length === 1;
    const isFactor = isVector && !name.endsWith(".bias");
    return [name, { shape, mean: isFactor ? 1 : 0, deviation: isVector ? 0 : deviationOfWeights }];
  });
  return Object.fromEntries(tensors);
}

/** Writes a safetensors file of random numbers from a fixed seed. */
export function writeRandomWeights(
  file: string,
  tensors: Readonly<Record<string, RandomTensor>>,
  type: "F32" | "BF16" = "F32",
): void {
  const size = type === "F32" ? 4 : 2;
  const header: Record<string, unknown> = {};
  let end = 0;
  for (const [name, { shape }] of Object.entries(tensors)) {
    const start = end;
    end += size * countOf(shape);
    header[name] = { dtype: type, shape, data_offsets: [start, end] };
  }
  const json = Buffer.from(JSON.stringify(header));
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(json.length));
  const descriptor = openSync(file, "w");
  writeSync(descriptor, prefix);
  writeSync(descriptor, json);
  const random = generator(20_261_124);
  for (const { shape, mean, deviation } of Object.values(tensors)) {
    const count = countOf(shape);
    for (let start = 0; start < count; start += valuesPerBlock) {
      const values = new Float32Array(Math.min(valuesPerBlock, count - start));
      for (let index = 0; index < values.length; index++)
        values[index] = mean + deviation * (random() + random() + random() - 1.5) * 2;
      writeSync(descriptor, type === "F32" ? new Uint8Array(values.buffer) : upperHalves(values));
    }
  }
  closeSync(descriptor);
}

/** bfloat16 is the upper half of a float32. */
function upperHalves(values: Float32Array): Uint8Array {
  const bits = new Uint32Array(values.buffer);
  const halves = new Uint16Array(bits.length);
  for (let place = 0; place < bits.length; place++) halves[place] = bits[place]! >>> 16;
  return new Uint8Array(halves.buffer);
}

function countOf(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}

/** Numbers in [0, 1) from a seed (mulberry32). */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
