import { expect, it, vi } from "vitest";
import { SparseMatrix } from "../vector/index.ts";
import { invert } from "./postings.ts";
import { Segment } from "./segment.ts";

// The tests of the index once more, with every segment in a WebAssembly memory, however small it is.
vi.mock("./scoring.ts", async (original) => ({ ...(await original<object>()), minimumPostings: 1 }));
await import("./inverted-index.test.ts");
await import("./index-snapshot.test.ts");

it("is in a memory", () => {
  expect(new Segment(["a"], invert([SparseMatrix.fromDense([[1]])], 1)).scoring).toBeDefined();
});
