import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SparseMatrix } from "../vector/index.ts";
import { chosenRows, compressEntries, compressRows } from "./compressed-rows.ts";

/** What the definition keeps of one dense row. */
function keep(row: readonly number[], maxActiveDims: number): [number, number][] {
  const active = row
    .map((value, index): [number, number] => [index, value])
    .filter(([, value]) => value !== 0);
  if (maxActiveDims === 0) return active;
  return active
    .sort((a, b) => Math.abs(b[1]) - Math.abs(a[1]) || a[0] - b[0])
    .slice(0, maxActiveDims)
    .sort((a, b) => a[0] - b[0]);
}

const rowsOf = (width: number) =>
  fc.array(fc.array(fc.integer({ min: -2, max: 3 }), { minLength: width, maxLength: width }), {
    maxLength: 6,
  });

describe("compressRows", () => {
  it("keeps the non-zero entries of each row, or the entries of largest absolute weight", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }).chain(rowsOf), fc.nat(22), (rows, maxActiveDims) => {
        const { offsets, indices, values } = compressRows(
          Float32Array.from(rows.flat()),
          rows.length,
          maxActiveDims,
        );
        // The constructor checks that the arrays are a matrix.
        const matrix = new SparseMatrix(offsets, indices, values, rows[0]?.length ?? 1);
        expect(matrix.toRows().map((row) => [...row])).toEqual(rows.map((row) => keep(row, maxActiveDims)));
      }),
    );
  });

  it("leaves out minus zero", () => {
    expect(compressRows(Float32Array.of(-0, 1), 1, 0).indices).toEqual(Uint32Array.of(1));
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])("refuses %s", (value) => {
    expect(() => compressRows(Float32Array.of(0, 1, 0, value), 2, 0)).toThrow(
      `the model gives ${value} for dim 1; its weights are broken or overflow`,
    );
  });

  it("has no more memory than entries, so that no more is handed over", () => {
    const { indices, values } = compressRows(new Float32Array(1000).fill(1), 2, 5);
    expect([indices.buffer.byteLength, values.buffer.byteLength]).toEqual([40, 40]);
  });

  it("has no rows of nothing", () => {
    expect(compressRows(new Float32Array(0), 0, 3)).toEqual({
      offsets: Uint32Array.of(0),
      indices: Uint32Array.of(),
      values: Float32Array.of(),
    });
  });
});

describe("compressEntries", () => {
  it("gives what compressRows gives of the whole rows", () => {
    // [entries, rows]: dims 2, 5 and 9 of two rows.
    const values = Float32Array.of(1, 0, 0, 4, 3, 4);
    const whole = new Float32Array(20);
    [2, 5, 9].forEach((dim, entry) => {
      whole[dim] = values[entry * 2]!;
      whole[10 + dim] = values[entry * 2 + 1]!;
    });
    for (const maxActiveDims of [0, 1]) {
      expect(compressEntries(values, Uint32Array.of(2, 5, 9), 2, maxActiveDims)).toEqual(
        compressRows(whole, 2, maxActiveDims),
      );
    }
    expect(compressEntries(values, Uint32Array.of(2, 5, 9), 2, 1).indices).toEqual(Uint32Array.of(9, 5));
  });

  it("names the dim of a number that is not finite", () => {
    expect(() => compressEntries(Float32Array.of(1, Number.NaN), Uint32Array.of(3, 8), 1, 0)).toThrow(
      /dim 8/,
    );
  });
});

describe("chosenRows", () => {
  /** The entries of rows that are not 0, as a device chooses them. */
  function chosen(dense: Float32Array, rows: number): [Float32Array, Int32Array] {
    const width = dense.length / rows;
    const positions = [...dense.keys()].filter((position) => dense[position] !== 0);
    const places = [
      ...positions.map((position) => Math.floor(position / width)),
      ...positions.map((position) => position % width),
    ];
    return [Float32Array.from(positions, (position) => dense[position]!), Int32Array.from(places)];
  }

  it.each([0, 1, 2, 3, 9])(
    "gives what compressRows gives of the whole rows, at most %i each",
    (maxActiveDims) => {
      // An empty row at the start, in the middle and at the end; equal values.
      const dense = Float32Array.of(0, 0, 0, 0, 5, 1, 5, 3, 0, 0, 0, 0, 2, 0, 0, 0, 4, 4, 4, 4, 0, 0, 0, 0);
      const [values, places] = chosen(dense, 6);
      expect(chosenRows(values, places, 6, maxActiveDims)).toEqual(compressRows(dense, 6, maxActiveDims));
    },
  );

  it("takes a batch without any entry", () => {
    expect(chosenRows(new Float32Array(), new Int32Array(), 2, 0)).toEqual({
      offsets: Uint32Array.of(0, 0, 0),
      indices: Uint32Array.of(),
      values: Float32Array.of(),
    });
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])("names the dim of %d", (value) => {
    expect(() => chosenRows(Float32Array.of(1, value), Int32Array.of(0, 1, 4, 8), 2, 0)).toThrow(
      `the model gives ${value} for dim 8`,
    );
  });
});
