import { MessageChannel, receiveMessageOnPort } from "node:worker_threads";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SparseMatrix } from "./sparse-matrix.ts";
import { SparseVector } from "./sparse-vector.ts";

const denseRows = fc.integer({ min: 1, max: 8 }).chain((width) =>
  fc.array(
    fc.array(fc.oneof(fc.constant(0), fc.integer({ min: -9, max: 9 })), {
      minLength: width,
      maxLength: width,
    }),
    { minLength: 1, maxLength: 8 },
  ),
);

const plain = (matrix: SparseMatrix) => matrix.toDense().map((row) => Array.from(row, (value) => value + 0));

/** Rows of 0, 2, 1 and 0 entries. */
function example(): SparseMatrix {
  return SparseMatrix.fromRows([
    new SparseVector([], [], 4),
    new SparseVector([0, 2], [1, -2], 4),
    new SparseVector([3], [0.5], 4),
    new SparseVector([], [], 4),
  ]);
}

describe("SparseMatrix", () => {
  it("is in compressed sparse row form", () => {
    const matrix = example();
    expect(matrix.offsets).toEqual(Uint32Array.of(0, 0, 2, 3, 3));
    expect(matrix.indices).toEqual(Uint32Array.of(0, 2, 3));
    expect(matrix.values).toEqual(Float32Array.of(1, -2, 0.5));
    expect(matrix.shape).toEqual([4, 4]);
    expect(matrix.length).toBe(4);
    expect(matrix.activeDims).toBe(3);
    expect(matrix.byteLength).toBe(5 * 4 + 3 * 8);
    expect(JSON.stringify(matrix)).toBe(
      '{"shape":[4,4],"offsets":[0,0,2,3,3],"indices":[0,2,3],"values":[1,-2,0.5]}',
    );
  });

  it("takes arrays that follow the rules", () => {
    const { offsets, indices, values } = example();
    expect(new SparseMatrix(offsets, indices, values, 4).equals(example())).toBe(true);
    expect(new SparseMatrix(Uint32Array.of(0), Uint32Array.of(), Float32Array.of(), 4).shape).toEqual([0, 4]);
  });

  it.each([
    ["no offsets", [], [], [], 4, "offsets must start with 0"],
    ["offsets that start later", [1, 1], [1], [1], 4, "offsets must start with 0, received 1"],
    ["offsets that end early", [0, 1], [1, 2], [1, 1], 4, "the last offset is 1, but there are 2 entries"],
    ["offsets that end late", [0, 3], [1, 2], [1, 1], 4, "the last offset is 3, but there are 2 entries"],
    ["offsets that fall", [0, 2, 1, 2], [1, 2], [1, 1], 4, "offsets fall at row 1"],
    ["offsets beyond the entries", [0, 5, 2], [1, 2], [1, 1], 4, "index undefined at position 2"],
    ["indices that fall within a row", [0, 2], [2, 1], [1, 1], 4, "index 1 at position 1 follows 2"],
    ["an index of the dimension", [0, 1], [4], [1], 4, "index 4 at position 0 is not in [0, 4)"],
    ["a zero", [0, 1], [1], [0], 4, "value 0"],
    ["a NaN", [0, 1], [1], [Number.NaN], 4, "value NaN"],
    ["more indices than values", [0, 2], [1, 2], [1], 4, "2 indices but 1 values"],
    ["a dimension that is not a whole number", [0], [], [], 0.5, "received 0.5"],
  ])("refuses %s", (_, offsets, indices, values, dimension, message) => {
    const build = () =>
      new SparseMatrix(
        Uint32Array.from(offsets),
        Uint32Array.from(indices),
        Float32Array.from(values),
        dimension,
      );
    expect(build).toThrow(expect.objectContaining({ code: "INVALID_VECTOR" }));
    expect(build).toThrow(message);
  });

  it("allows a fall of indices between rows", () => {
    const matrix = new SparseMatrix(Uint32Array.of(0, 1, 2), Uint32Array.of(3, 1), Float32Array.of(1, 1), 4);
    expect([...matrix.row(1)]).toEqual([[1, 1]]);
  });

  it.each([[[0, 1]], [null], [undefined], [Float64Array.of(0, 1)]])("refuses the offsets %s", (offsets) => {
    expect(
      () => new SparseMatrix(offsets as unknown as Uint32Array, Uint32Array.of(1), Float32Array.of(1), 4),
    ).toThrow("offsets and indices must be Uint32Array");
  });

  it("stacks rows of one dimension only", () => {
    const rows = [new SparseVector([], [], 4), new SparseVector([], [], 5)];
    expect(() => SparseMatrix.fromRows(rows)).toThrow("row 1 has 5 dimensions, expected 4");
    expect(() => SparseMatrix.fromRows(rows, 5)).toThrow("row 0 has 4 dimensions, expected 5");
    expect(() => SparseMatrix.fromDense([[1, 2], [1]])).toThrow("row 1 has 1 dimensions, expected 2");
    expect(() => SparseMatrix.fromRows([])).toThrow("an empty list needs the dimension");
    expect(SparseMatrix.fromRows([], 7).shape).toEqual([0, 7]);
    expect(SparseMatrix.fromDense([], 7).shape).toEqual([0, 7]);
    expect(SparseMatrix.concat([], 7).shape).toEqual([0, 7]);
  });

  it("gives rows as views", () => {
    const matrix = example();
    const row = matrix.row(1);
    expect([...row]).toEqual([
      [0, 1],
      [2, -2],
    ]);
    expect(row.values.buffer).toBe(matrix.values.buffer);
    expect([...matrix.at(-2)!]).toEqual([[3, 0.5]]);
    expect(matrix.at(4)).toBeUndefined();
    expect(matrix.at(-5)).toBeUndefined();
    expect(matrix.at(Number.NaN)).toBeUndefined();
    expect(matrix.toRows().map((each) => each.activeDims)).toEqual([0, 2, 1, 0]);
  });

  it.each([4, -1, 0.5, Number.NaN, "1", undefined])("has no row %s", (position) => {
    expect(() => example().row(position as number)).toThrow("the matrix has rows 0 to 3");
  });

  it("goes to dense rows and back", () => {
    fc.assert(
      fc.property(denseRows, (rows) => {
        const matrix = SparseMatrix.fromDense(rows);
        expect(plain(matrix)).toEqual(rows.map((row) => row.map((value) => value + 0)));
        expect(
          () => new SparseMatrix(matrix.offsets, matrix.indices, matrix.values, matrix.dimension),
        ).not.toThrow();
        expect(matrix.equals(SparseMatrix.fromRows(matrix))).toBe(true);
      }),
    );
  });

  it("slices as arrays do", () => {
    const bound = fc.option(
      fc.oneof(
        fc.integer({ min: -10, max: 10 }),
        fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1.7, -0.5, -1.7),
      ),
      { nil: undefined },
    );
    fc.assert(
      fc.property(denseRows, bound, bound, (rows, start, end) => {
        const whole = SparseMatrix.fromDense(rows);
        const part = whole.slice(start, end);
        expect(plain(part)).toEqual(plain(whole).slice(start, end));
        expect(part.dimension).toBe(whole.dimension);
        expect(() => new SparseMatrix(part.offsets, part.indices, part.values, part.dimension)).not.toThrow();
      }),
    );
  });

  it("is put together again from slices", () => {
    fc.assert(
      fc.property(denseRows, fc.nat(8), (rows, cut) => {
        const whole = SparseMatrix.fromDense(rows);
        const parts = [whole.slice(0, cut), whole.slice(cut)];
        expect(SparseMatrix.concat(parts, whole.dimension).equals(whole)).toBe(true);
      }),
    );
    expect(() => SparseMatrix.concat([example()], 5)).toThrow("has 4 dimensions, expected 5");
  });

  it("is equal within a tolerance, row by row", () => {
    const other = SparseMatrix.fromDense([
      [0, 0, 0, 0],
      [1, 0, -2, 0],
      [0, 0, 0, 0.75],
      [0, 0, 0, 0],
    ]);
    expect(example().equals(example())).toBe(true);
    expect(example().equals(other)).toBe(false);
    expect(example().equals(other, { absolute: 0.25 })).toBe(true);
    expect(example().equals(example().slice(0, 3))).toBe(false);
    expect(() => example().equals(example().slice(0, 1), { absolute: Number.NaN })).toThrow("at least 0");
  });

  it.each([0, -1, Number.NaN, 1.5])("refuses the count %s of top dims", (count) => {
    expect(() => example().topDims(count)).toThrow("topDims: count must be a whole number of at least 1");
  });

  it("can be handed to another thread, also with its arrays in one buffer", () => {
    const buffer = new ArrayBuffer(32);
    const offsets = new Uint32Array(buffer, 0, 2);
    const indices = new Uint32Array(buffer, 8, 2);
    const values = new Float32Array(buffer, 16, 2);
    offsets.set([0, 2]);
    indices.set([1, 3]);
    values.set([5, 6]);
    for (const matrix of [example(), new SparseMatrix(offsets, indices, values, 4)]) {
      const expected = plain(matrix);
      const { port1, port2 } = new MessageChannel();
      const { transferList } = matrix;
      port1.postMessage({ ...matrix }, transferList as ArrayBuffer[]);
      expect(matrix.values.length).toBe(0);
      const { message } = receiveMessageOnPort(port2) as { message: SparseMatrix };
      expect(plain(new SparseMatrix(message.offsets, message.indices, message.values, 4))).toEqual(expected);
      port1.close();
    }
  });
});

it("mean divides the sum of each dim by the number of rows", () => {
  const rows = [{ 1: 2, 5: 1 }, { 1: 1, 7: -3 }, { 5: -1 }].map((row) => SparseVector.from(row, 10));
  expect(SparseMatrix.fromRows(rows).mean()).toEqual(SparseVector.from({ 1: 1, 7: -1 }, 10));
  expect(() => SparseMatrix.fromRows([], 10).mean()).toThrow("no rows");
});
