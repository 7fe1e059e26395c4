import { describe, expect, it } from "vitest";
import { SparseMatrix, SparseVector } from "../vector/index.ts";
import { exhaustiveSearch } from "./exhaustive-search.ts";
import { InvertedIndex } from "./inverted-index.ts";

describe("InvertedIndex, given wrong arguments", () => {
  const vector = new SparseVector([0], [1], 4);
  const matrix = (rows: number) =>
    SparseMatrix.fromRows(
      Array.from({ length: rows }, () => vector),
      4,
    );

  function filled(): InvertedIndex {
    const index = new InvertedIndex(4);
    index.addMany(["a", "b"], matrix(2));
    return index;
  }

  it.each([0, -1, 1.5, Number.NaN, 2 ** 32, "4", undefined])("has no dimension %s", (wrong) => {
    expect(() => new InvertedIndex(wrong as number)).toThrow(
      expect.objectContaining({ code: "INVALID_ARGUMENT" }),
    );
  });

  it.each(["", "x".repeat(1025), "lone \ud800", 5, null, undefined, ["a"]])(
    "refuses the id %j and stays as it was",
    (id) => {
      const index = filled();
      const invalid = expect.objectContaining({ code: "INVALID_ARGUMENT" });
      expect(() => index.add(id as string, vector)).toThrow(invalid);
      expect(() => index.upsert(id as string, vector)).toThrow(invalid);
      expect(() => index.addMany(["c", id as string], matrix(2))).toThrow(invalid);
      expect(() => index.upsertMany(["a", id as string], matrix(2))).toThrow(invalid);
      expect(index.ids()).toEqual(["a", "b"]);
      expect(index.has(id as string)).toBe(false);
      expect(index.get(id as string)).toBeUndefined();
      expect(index.delete(id as string)).toBe(false);
      expect(() => index.explain(vector, id as string)).toThrow("explain: no document has the id");
    },
  );

  it("takes the longest id, and ids that are names of object members", () => {
    const index = new InvertedIndex(4);
    const ids = ["x".repeat(1024), "__proto__", "constructor", "0", " ", "\0"];
    index.addMany(ids, matrix(ids.length));
    expect(index.search(vector).map(({ id }) => id)).toEqual(ids.toSorted());
    for (const id of ids) expect(index.delete(id)).toBe(true);
    expect(index.size).toBe(0);
  });

  it.each([
    ["an id that exists", ["c", "a"], 2, "there is a document with the id 'a'"],
    ["an id twice", ["c", "c"], 2, "the id 'c' comes twice"],
    ["more ids than rows", ["c", "d"], 1, "received 2 ids and 1 rows"],
    ["fewer ids than rows", ["c"], 2, "received 1 ids and 2 rows"],
    ["a text of ids", "cd", 2, "ids must be an array of strings"],
  ])("adds nothing of %s", (_, ids, rows, message) => {
    const index = filled();
    expect(() => index.addMany(ids as string[], matrix(rows))).toThrow(message);
    expect(index.ids()).toEqual(["a", "b"]);
  });

  it("refuses vectors of another dimension everywhere, and what is not a vector", () => {
    const index = filled();
    const other = new SparseVector([0], [1], 5);
    const invalid = expect.objectContaining({ code: "INVALID_VECTOR" });
    expect(() => index.add("c", other)).toThrow(invalid);
    expect(() => index.upsert("a", other)).toThrow("upsert: expected 4 dimensions, received 5");
    expect(() => index.addMany(["c"], SparseMatrix.fromRows([other]))).toThrow(invalid);
    expect(() => index.search(other)).toThrow(invalid);
    expect(() => index.explain(other, "a")).toThrow(invalid);
    expect(() => exhaustiveSearch(index, other)).toThrow(invalid);
    for (const wrong of [null, undefined, 5, [1, 2], matrix(1)]) {
      expect(() => index.search(wrong as unknown as SparseVector)).toThrow("search: expected a SparseVector");
      expect(() => index.add("c", wrong as unknown as SparseVector)).toThrow("add: expected a SparseVector");
    }
    expect(() => index.addMany(["c"], vector as unknown as SparseMatrix)).toThrow("expected a SparseMatrix");
    expect([...index.get("a")!]).toEqual([[0, 1]]);
    expect(index.size).toBe(2);
  });

  it.each([0, -1, Number.NaN, 1.5, "3", null])("refuses topK %s", (topK) => {
    const invalid = expect.objectContaining({ code: "INVALID_ARGUMENT" });
    expect(() => filled().search(vector, { topK: topK as number })).toThrow(invalid);
    expect(() => exhaustiveSearch(filled(), vector, { topK: topK as number })).toThrow(invalid);
  });

  it("names the valid options for an unknown one", () => {
    expect(() => filled().search(vector, { top: 3 } as never)).toThrow("Valid options: topK, filter.");
    expect(() => filled().search(vector, { filter: "a" } as never)).toThrow("filter must be a function");
    expect(() => exhaustiveSearch(filled(), vector, { top: 3 } as never)).toThrow("Valid options: topK.");
  });
});
