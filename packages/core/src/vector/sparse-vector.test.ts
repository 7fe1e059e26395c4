import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SparseVector } from "./sparse-vector.ts";

const weight = fc
  .oneof(fc.constantFrom(-2, -1, 1, 2), fc.float({ noNaN: true, noDefaultInfinity: true }))
  .filter((value) => value !== 0);

/** Dense arrays of up to 40 float32 numbers, most of them zero. */
const denseArray = fc.array(
  fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: weight }),
  {
    maxLength: 40,
  },
);

describe("SparseVector", () => {
  it("holds what it was given", () => {
    const vector = new SparseVector([1, 4], [0.5, -2], 6);
    expect(vector.indices).toEqual(Uint32Array.of(1, 4));
    expect(vector.values).toEqual(Float32Array.of(0.5, -2));
    expect(vector.activeDims).toBe(2);
    expect(vector.sparsityRatio).toBeCloseTo(4 / 6, 12);
    expect(vector.byteLength).toBe(16);
    expect(vector.toDense()).toEqual(Float32Array.of(0, 0.5, 0, 0, -2, 0));
    expect([...vector]).toEqual([
      [1, 0.5],
      [4, -2],
    ]);
    expect(vector.toMap()).toEqual(
      new Map([
        [1, 0.5],
        [4, -2],
      ]),
    );
    expect(JSON.stringify(vector)).toBe('{"indices":[1,4],"values":[0.5,-2]}');
    expect(vector.norm).toBeCloseTo(Math.sqrt(4.25), 12);
  });

  it("may be empty, also without dimensions", () => {
    expect(new SparseVector([], [], 3).toDense()).toEqual(Float32Array.of(0, 0, 0));
    expect(new SparseVector([], [], 3).sparsityRatio).toBe(1);
    expect(new SparseVector([], [], 0).sparsityRatio).toBe(1);
    expect(new SparseVector([0xfffffffe], [1], 0xffffffff).get(0xfffffffe)).toBe(1);
  });

  it("keeps typed arrays without a copy", () => {
    const [indices, values] = [Uint32Array.of(2), Float32Array.of(1)];
    const vector = new SparseVector(indices, values, 3);
    expect(vector.indices).toBe(indices);
    expect(vector.values).toBe(values);
  });

  it.each([
    ["indices that fall", [2, 1], [1, 1], 4, "index 1 at position 1 follows 2"],
    ["an index twice", [1, 1], [1, 1], 4, "index 1 at position 1 follows 1"],
    ["an index of the dimension", [4], [1], 4, "index 4 at position 0 is not in [0, 4)"],
    ["a negative index", [-1], [1], 4, "index -1"],
    ["a broken index", [0.5], [1], 4, "index 0.5"],
    ["a NaN index", [Number.NaN], [1], 4, "index NaN"],
    ["an index as text", ["1"], [1], 4, "index '1'"],
    ["a zero", [0, 1], [1, 0], 4, "value 0 at position 1"],
    ["a minus zero", [0], [-0], 4, "value -0"],
    ["a NaN", [0], [Number.NaN], 4, "value NaN"],
    ["an infinity", [0], [Number.NEGATIVE_INFINITY], 4, "value -Infinity"],
    ["a weight above float32", [0], [1e39], 4, "value 1e+39"],
    ["a weight that float32 makes zero", [0], [1e-50], 4, "value 1e-50"],
    ["a weight as text", [0], ["1"], 4, "value '1'"],
    ["more indices than values", [0, 1], [1], 4, "2 indices but 1 values"],
    ["no indices", null, [1], 4, "indices must be an array of numbers, received null"],
    ["no values", [1], undefined, 4, "values must be an array of numbers, received undefined"],
    ["a text of indices", "01", [1, 1], 4, "indices must be an array"],
    ["a negative dimension", [], [], -1, "received -1"],
    ["a broken dimension", [], [], 1.5, "received 1.5"],
    ["a dimension of 2^32", [], [], 2 ** 32, "received 4294967296"],
    ["a dimension as text", [], [], "4", "received '4'"],
    ["no dimension", [], [], undefined, "received undefined"],
  ])("refuses %s", (_, indices, values, dimension, message) => {
    const build = () => new SparseVector(indices as number[], values as number[], dimension as number);
    expect(build).toThrow(expect.objectContaining({ code: "INVALID_VECTOR" }));
    expect(build).toThrow(message);
  });

  it("comes from a map, pairs or an object, in any order, without zeros", () => {
    const expected = new SparseVector([1, 3], [0.5, 2], 5);
    const entries: [number, number][] = [
      [3, 2],
      [0, 0],
      [1, 0.5],
      [4, 1e-50],
    ];
    expect(SparseVector.from(entries, 5).equals(expected)).toBe(true);
    expect(SparseVector.from(new Map(entries), 5).equals(expected)).toBe(true);
    expect(SparseVector.from(Object.fromEntries(entries), 5).equals(expected)).toBe(true);
    expect(SparseVector.from(expected, 5).equals(expected)).toBe(true);
  });

  it.each([
    [
      "an index twice",
      [
        [1, 1],
        [1, 2],
      ],
      "follows 1",
    ],
    [
      "an index twice, once with zero weight beside another",
      [
        [2, 1],
        [2, 1],
        [2, 0],
      ],
      "follows 2",
    ],
    ["a name that is not a number", { a: 1 }, "index NaN"],
    ["plain numbers", [0.5, 0.25], "entry 0 is not an (index, weight) pair: 0.5"],
    ["null", null, "received null"],
    ["a number", 5, "received 5"],
    ["a NaN weight", [[1, Number.NaN]], "value NaN"],
    ["a weight that is not a number", [[1, "1"]], "value '1'"],
  ])("does not come from %s", (_, entries, message) => {
    const build = () => SparseVector.from(entries as [number, number][], 5);
    expect(build).toThrow(expect.objectContaining({ code: "INVALID_VECTOR" }));
    expect(build).toThrow(message);
  });

  it.each([[null], [5], [[1, Number.NaN]], [[1, undefined]]])("does not come from the dense %j", (dense) => {
    expect(() => SparseVector.fromDense(dense as number[])).toThrow(
      expect.objectContaining({ code: "INVALID_VECTOR" }),
    );
  });

  it("goes to a dense array, a map and JSON and back", () => {
    fc.assert(
      fc.property(denseArray, (dense) => {
        const vector = SparseVector.fromDense(dense);
        expect(vector.dimension).toBe(dense.length);
        expect(vector.activeDims).toBe(dense.filter((value) => value !== 0).length);
        expect(Array.from(vector.toDense(), (value) => value + 0)).toEqual(dense.map((value) => value + 0));
        const { indices, values } = vector.toJSON();
        expect(new SparseVector(indices, values, dense.length).equals(vector)).toBe(true);
        expect(SparseVector.from(vector.toMap(), dense.length).equals(vector)).toBe(true);
        for (let index = -1; index <= dense.length; index++) {
          expect(vector.get(index)).toBe((dense[index] ?? 0) + 0);
        }
      }),
    );
  });

  it("has the dot product and the norm of its dense form", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(weight, weight, fc.boolean(), fc.boolean())), (columns) => {
        const a = columns.map(([left, , stored]) => (stored ? left : 0));
        const b = columns.map(([, right, , stored]) => (stored ? right : 0));
        const expected = a.reduce((sum, value, index) => sum + value * b[index]!, 0);
        expect(SparseVector.fromDense(a).dot(SparseVector.fromDense(b))).toBe(expected);
        const squares = a.reduce((sum, value) => sum + value * value, 0);
        expect(SparseVector.fromDense(a).norm).toBe(Math.sqrt(squares));
      }),
    );
    expect(() => new SparseVector([], [], 2).dot(new SparseVector([], [], 3))).toThrow("2 and 3 dimensions");
  });

  it("keeps the dims of largest absolute weight, with their sign, and the smaller index of equal ones", () => {
    const vector = new SparseVector([0, 2, 5, 7, 9], [1, -3, 2, -2, 2], 10);
    expect([...vector.topDims(1)]).toEqual([[2, -3]]);
    expect([...vector.topDims(2)]).toEqual([
      [2, -3],
      [5, 2],
    ]);
    expect([...vector.topDims(3)]).toEqual([
      [2, -3],
      [5, 2],
      [7, -2],
    ]);
    expect(vector.topDims(5)).toBe(vector);
    expect(vector.topDims(6)).toBe(vector);
  });

  it.each([0, -1, Number.NaN, 1.5, "2", undefined])("refuses the count %s", (count) => {
    const vector = new SparseVector([0, 1], [1, 1], 2);
    const invalid = expect.objectContaining({ code: "INVALID_ARGUMENT" });
    expect(() => vector.topDims(count as number)).toThrow(invalid);
    if (count !== undefined) expect(() => vector.ranked(count as number)).toThrow(invalid);
  });

  it("ranks by weight, then by index", () => {
    const vector = new SparseVector([1, 3, 4, 8], [2, -5, 2, 7], 9);
    expect(vector.ranked()).toEqual([
      [8, 7],
      [1, 2],
      [4, 2],
      [3, -5],
    ]);
    expect(vector.ranked(2)).toEqual([
      [8, 7],
      [1, 2],
    ]);
  });

  it("is equal within a tolerance, a missing dimension counting as zero", () => {
    const vector = new SparseVector([1, 3], [1, 2], 5);
    expect(vector.equals(new SparseVector([1, 3], [1, 2], 5))).toBe(true);
    expect(vector.equals(new SparseVector([1, 3], [1, 2], 6))).toBe(false);
    expect(vector.equals(new SparseVector([1, 3], [1, 2.125], 5))).toBe(false);
    expect(vector.equals(new SparseVector([1, 3], [1, 2.125], 5), { absolute: 0.125 })).toBe(true);
    expect(vector.equals(new SparseVector([1, 3], [1, 2.5], 5), { relative: 0.2 })).toBe(true);
    expect(vector.equals(new SparseVector([1, 3], [1, 2.5], 5), { relative: 0.19 })).toBe(false);
    const further = new SparseVector([1, 3, 4], [1, 2, 0.25], 5);
    expect(vector.equals(further, { absolute: 0.2 })).toBe(false);
    expect(vector.equals(further, { absolute: 0.25 })).toBe(true);
    expect(further.equals(vector, { absolute: 0.25 })).toBe(true);
    expect(further.equals(vector, { relative: 1 })).toBe(false);
  });

  it.each([{ absolute: Number.NaN }, { relative: -1 }, { absolute: "1" }])(
    "refuses the tolerance %j",
    (tolerance) => {
      const vector = new SparseVector([1], [1], 5);
      expect(() => vector.equals(vector, tolerance as { absolute: number })).toThrow(
        "a number of at least 0",
      );
    },
  );

  it("names the valid tolerances for an unknown one", () => {
    const vector = new SparseVector([1], [1], 5);
    expect(() => vector.equals(vector, { epsilon: 1 } as never)).toThrow(
      "Valid options: absolute, relative.",
    );
  });
});

it("cosine divides the dot product by both lengths, and is 0 without one", () => {
  const vector = (entries: Record<number, number>) => SparseVector.from(entries, 10);
  expect(vector({ 1: 3, 2: 4 }).cosine(vector({ 1: 4, 5: 3 }))).toBeCloseTo(12 / 25, 12);
  expect(vector({ 1: 3 }).cosine(vector({ 1: -2 }))).toBe(-1);
  expect(vector({}).cosine(vector({ 1: 2 }))).toBe(0);
});
