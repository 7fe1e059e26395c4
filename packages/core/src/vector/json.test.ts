import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { DenseMatrix } from "./dense-matrix.ts";
import { SparseMatrix } from "./sparse-matrix.ts";
import { SparseVector } from "./sparse-vector.ts";

const revive = <Value>(value: { toJSON(): Value }): Value => JSON.parse(JSON.stringify(value)) as Value;

describe("vectors and matrices by way of JSON", () => {
  const vector = new SparseVector([1, 4], [0.1, -3e-8], 6);
  const matrix = SparseMatrix.fromRows([vector, new SparseVector([], [], 6)]);

  it("come back with the same numbers, bit for bit", () => {
    expect(SparseVector.fromJSON(revive(vector), 6)).toEqual(vector);
    expect(SparseMatrix.fromJSON(revive(matrix))).toEqual(matrix);
    expect(SparseMatrix.fromJSON(revive(SparseMatrix.fromRows([], 6))).shape).toEqual([0, 6]);
    const dense = new DenseMatrix(new Float32Array([0.1, 2, 3, -4]), 2);
    expect(DenseMatrix.fromJSON(revive(dense))).toEqual(dense);
    expect(DenseMatrix.fromJSON([], 3).shape).toEqual([0, 3]);
  });

  it.each([
    ["an index that is out of range", () => SparseVector.fromJSON({ indices: [6], values: [1] }, 6)],
    ["an index that is not whole", () => SparseVector.fromJSON({ indices: [1.5], values: [1] }, 6)],
    ["a negative index", () => SparseVector.fromJSON({ indices: [-1], values: [1] }, 6)],
    ["NaN, which is null in JSON", () => SparseVector.fromJSON({ indices: [1], values: [null as never] }, 6)],
    ["arrays of two lengths", () => SparseVector.fromJSON({ indices: [1], values: [] }, 6)],
    ["no indices", () => SparseVector.fromJSON({ values: [] } as never, 6)],
    ["nothing", () => SparseVector.fromJSON(undefined as never, 6)],
    ["a vector as a matrix", () => SparseMatrix.fromJSON(revive(vector) as never)],
    ["another number of rows", () => SparseMatrix.fromJSON({ ...revive(matrix), shape: [3, 6] })],
    ["offsets past the end", () => SparseMatrix.fromJSON({ ...revive(matrix), offsets: [0, 2, 9] })],
    ["NaN in a dense row", () => DenseMatrix.fromJSON([[1, null as never]])],
  ])("refuse %s", (_, read) => {
    expect(read).toThrow(expect.objectContaining({ code: "INVALID_VECTOR" }));
  });

  it("refuse dense rows of two lengths, and no rows without a width", () => {
    expect(() => DenseMatrix.fromJSON([[1, 2], [3]])).toThrow(/row 1 has 1 numbers|do not fill rows/);
    expect(() => DenseMatrix.fromJSON([])).toThrow("needs the dimension");
    expect(() => DenseMatrix.fromJSON("[[1]]" as never)).toThrow("expected rows of numbers");
  });

  it("name fromJSON where from is given their JSON", () => {
    expect(() => SparseVector.from(revive(vector) as never, 6)).toThrow(
      "SparseVector.fromJSON(json, dimension)",
    );
  });
});

it("vectors and matrices are printed in a line", () => {
  const vector = new SparseVector([1, 4], [0.5, 2], 6);
  expect(inspect(vector)).toBe("SparseVector 6, 2 active");
  expect(inspect({ matrix: SparseMatrix.fromRows([vector, vector]) })).toBe(
    "{ matrix: SparseMatrix 2 x 6, 4 active }",
  );
  expect(inspect(new DenseMatrix(new Float32Array(6), 3))).toBe("DenseMatrix 2 x 3");
});
