import { describe, expect, it } from "vitest";
import { DenseMatrix } from "./dense-matrix.ts";

const example = () => new DenseMatrix(Float32Array.of(3, 4, 0, 0, 0, 0), 3);

describe("DenseMatrix", () => {
  it("gives rows as views", () => {
    const matrix = example();
    expect(matrix.shape).toEqual([2, 3]);
    expect(matrix.byteLength).toBe(24);
    expect(matrix.row(0)).toEqual(Float32Array.of(3, 4, 0));
    expect(matrix.row(0).buffer).toBe(matrix.values.buffer);
    expect([...matrix]).toEqual([Float32Array.of(3, 4, 0), Float32Array.of(0, 0, 0)]);
    expect(JSON.stringify(matrix)).toBe("[[3,4,0],[0,0,0]]");
    expect(new DenseMatrix(Float32Array.of(), 3).shape).toEqual([0, 3]);
  });

  it.each([
    [Float32Array.of(1, 2, 3), 2],
    [Float32Array.of(1), 0],
    [Float32Array.of(1), -1],
    [Float32Array.of(1), 0.5],
    [Float32Array.of(1), Number.NaN],
    [Float32Array.of(1), "1"],
    [[1, 2], 2],
    [null, 2],
    [Float64Array.of(1, 2), 2],
  ])("refuses the values %s in rows of %s", (values, dimension) => {
    expect(() => new DenseMatrix(values as Float32Array, dimension as number)).toThrow(
      expect.objectContaining({ code: "INVALID_ARGUMENT" }),
    );
  });

  it.each([2, -1, 0.5, Number.NaN])("has no row %s", (position) => {
    expect(() => example().row(position)).toThrow("the matrix has rows 0 to 1");
  });

  it("is put below another of the same width", () => {
    const matrix = DenseMatrix.concat([example(), example()], 3);
    expect(matrix.toJSON()).toEqual([
      [3, 4, 0],
      [0, 0, 0],
      [3, 4, 0],
      [0, 0, 0],
    ]);
    expect(DenseMatrix.concat([], 3).shape).toEqual([0, 3]);
    const narrow = new DenseMatrix(Float32Array.of(1, 2), 2);
    expect(() => DenseMatrix.concat([example(), narrow], 3)).toThrow("3 and 2 dimensions");
  });

  it("is truncated to the first numbers of each row", () => {
    expect(example().truncate(2).toJSON()).toEqual([
      [3, 4],
      [0, 0],
    ]);
    expect(example().truncate(3).toJSON()).toEqual(example().toJSON());
  });

  it.each([0, 4, 1.5, Number.NaN])("is not truncated to %s numbers", (dimension) => {
    expect(() => example().truncate(dimension)).toThrow("truncate: dimension must be");
  });

  it("is scaled to rows of length 1, rows of zeros aside", () => {
    const matrix = example();
    expect(matrix.normalize().values).toEqual(Float32Array.of(3 / 5, 4 / 5, 0, 0, 0, 0));
    expect(matrix.values).toEqual(Float32Array.of(3, 4, 0, 0, 0, 0));
  });
});
