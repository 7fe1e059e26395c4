import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import wabt from "wabt";
import { denseScoringModule, dots, isInMemory, moveToMemory, squaredDistances } from "./dense-scoring.ts";

/** Sums of what `term` gives for each pair of values, in the order that the scores are defined by. */
function sumOf(
  row: Float32Array,
  query: Float64Array,
  term: (value: number, wanted: number) => number,
): number {
  const sums = [0, 0, 0, 0];
  const whole = row.length - (row.length % 4);
  for (const [index, value] of row.entries()) {
    const lane = index < whole ? index % 4 : 0;
    sums[lane] = sums[lane]! + term(value, query[index]!);
  }
  return sums[0]! + sums[1]! + (sums[2]! + sums[3]!);
}

const comparisons = [
  ["dot products", dots, (value: number, wanted: number) => value * wanted],
  [
    "squared distances",
    squaredDistances,
    (value: number, wanted: number) => (value - wanted) * (value - wanted),
  ],
] as const;

const hostile = fc.constantFrom(
  0,
  -0,
  1e-45,
  -1e-45,
  1.17549435e-38,
  3.4028234663852886e38,
  -3.4028234663852886e38,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  Number.NaN,
);
const value = fc.oneof(
  { weight: 9, arbitrary: fc.float({ noNaN: true, noDefaultInfinity: true }) },
  { weight: 1, arbitrary: hostile },
);

function expectSame(values: readonly number[], dimension: number, rows: number, count: number): void {
  const block = Float32Array.from({ length: rows * dimension }, (_, index) => values[index % values.length]!);
  const query = Float64Array.from({ length: dimension }, (_, index) =>
    Math.fround(values[(3 * index + 1) % values.length]!),
  );
  const moved = moveToMemory(block, dimension)!;
  expect([isInMemory(block), isInMemory(moved)]).toEqual([false, true]);
  for (const [, compare, term] of comparisons) {
    const expected = Float64Array.from({ length: rows + 1 }, (_, row) =>
      row < count ? sumOf(block.subarray(row * dimension, (row + 1) * dimension), query, term) : 7,
    );
    for (const place of [block, moved]) {
      const sums = new Float64Array(rows + 1).fill(7);
      compare(place, count, query, sums);
      expect(sums).toEqual(expected);
    }
  }
  expect(Buffer.compare(bytesOf(moved), bytesOf(block))).toBe(0);
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe("dense scoring", () => {
  it("runs what dense-scoring.wat says", async () => {
    const source = readFileSync(fileURLToPath(new URL("dense-scoring.wat", import.meta.url)), "utf8");
    const module = (await wabt()).parseWat("dense-scoring.wat", source, { simd: true });
    expect(Buffer.from(module.toBinary({}).buffer).toString("base64")).toBe(denseScoringModule);
  });

  it("makes the same sums bit for bit in a memory and outside, in the order that defines them", () => {
    fc.assert(
      fc.property(
        // A length that no dimension here is a multiple of, so that rows differ.
        fc.array(value, { minLength: 997, maxLength: 997 }),
        fc.constantFrom(1, 2, 3, 4, 5, 6, 7, 8, 9, 384, 1000),
        fc.integer({ min: 1, max: 9 }),
        fc.nat(9),
        (values, dimension, rows, count) => expectSame(values, dimension, rows, Math.min(count, rows)),
      ),
      { numRuns: 300 },
    );
  });

  it.each([1, 3, 64, 384])("compares every row of a large block of %i dimensions", (dimension) => {
    const values = Array.from({ length: 10_007 }, (_, index) => Math.fround(Math.sin(index * index)));
    for (const [rows, count] of [
      [1024, 1024],
      [1024, 1023],
      [838, 838],
      [837, 837],
    ] as const) {
      expectSame(values, dimension, rows, count);
    }
  });

  it("sees what is written to a moved block, and never what was moved", () => {
    const block = Float32Array.of(1, 2, 3, 4);
    const moved = moveToMemory(block, 2)!;
    moved[0] = 10;
    block[3] = 20;
    const sums = new Float64Array(2);
    dots(moved, 2, Float64Array.of(1, 1), sums);
    expect([...sums]).toEqual([12, 7]);
  });

  it("moves nothing where the system gives no memory", () => {
    const { WebAssembly } = globalThis as unknown as { WebAssembly: { Memory: () => object } };
    class NoMemory {
      constructor() {
        throw new RangeError("WebAssembly.Memory(): could not allocate memory");
      }
    }
    vi.spyOn(WebAssembly, "Memory").mockImplementation(NoMemory as never);
    expect(moveToMemory(Float32Array.of(1), 1)).toBeUndefined();
  });
});
