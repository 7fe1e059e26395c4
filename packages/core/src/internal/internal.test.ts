import { createContext, runInContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { SparseEncoderError } from "../errors.ts";
import { jsonFilter, jsonMetadata, risingId } from "./index.ts";

/** Metadata of a class, as loaders of PDF files give them. */
class Info {
  readonly title = "T";
  readonly hidden: (() => void) | undefined = () => {};
  get length(): number {
    return 1;
  }
}

describe("jsonMetadata", () => {
  it.each<[string, unknown]>([
    ["dates, valid and not", { at: new Date(0), never: new Date(Number.NaN) }],
    ["instances of classes, deep", { pdf: { info: new Info(), list: [new Info()] } }],
    ["metadata of a class", new Info()],
    [
      "objects with toJSON",
      { url: new URL("https://a.b/c"), bytes: Buffer.from("ab"), own: { toJSON: () => 5 } },
    ],
    ["NaN and infinite numbers", { a: Number.NaN, b: [Number.POSITIVE_INFINITY], c: -0 }],
    [
      "undefined, functions and symbols",
      { a: undefined, b: [undefined, () => {}, Symbol("s")], c: () => {} },
    ],
    ["lists with holes", { a: Object.assign([1], { 2: 3 }) }],
    ["maps, sets and typed arrays", { a: new Map([[1, 2]]), b: new Set([1]), c: Float32Array.of(1, 2) }],
    ["boxed values", { a: Object("text"), b: Object(5), c: Object(true) }],
    ["names of prototypes", JSON.parse('{"__proto__": {"a": 1}, "constructor": 2, "at": 1}')],
    ["plain JSON", { a: [1, "b", null, { c: true }] }],
    ["nothing", undefined],
    ["what is no object", new Date(0)],
  ])("keeps what JSON.stringify keeps of %s", (_, metadata) => {
    const json = JSON.stringify(metadata) as string | undefined;
    const kept = jsonMetadata("document 0", metadata);
    expect(kept === undefined ? undefined : JSON.stringify(kept)).toBe(json);
    expect(kept === undefined ? undefined : JSON.parse(JSON.stringify(kept))).toEqual(
      json === undefined ? undefined : JSON.parse(json),
    );
  });

  it("makes numbers of bigints that a number can hold, and text of others", () => {
    const large = 2n ** 53n;
    const metadata = { a: 5n, b: [large - 1n, large, -large], c: { d: new Info(), e: 1n } };
    expect(jsonMetadata("document 0", metadata)).toEqual({
      a: 5,
      b: [9_007_199_254_740_991, "9007199254740992", "-9007199254740992"],
      c: { d: { title: "T" }, e: 1 },
    });
  });

  it("gives plain JSON back as it is, and leaves all else unchanged", () => {
    const plain = { a: { b: [1] }, none: undefined };
    expect(jsonMetadata("document 0", plain)).toBe(plain);
    const at = new Date(0);
    const metadata = Object.freeze({ at, list: Object.freeze([at]) });
    jsonMetadata("document 0", metadata);
    expect(metadata).toEqual({ at, list: [at] });
  });

  it("takes objects of another realm", () => {
    const metadata: unknown = runInContext("({ at: new Date(0), list: [{ a: 1 }] })", createContext());
    expect(jsonMetadata("document 0", metadata)).toEqual({
      at: "1970-01-01T00:00:00.000Z",
      list: [{ a: 1 }],
    });
  });

  it("refuses cycles, and a toJSON that fails, by the place of the document", () => {
    const cycle: Record<string, unknown> = {};
    cycle.self = cycle;
    const failing = {
      toJSON: () => {
        throw new Error("no luck");
      },
    };
    for (const [metadata, reason] of [
      [cycle, "circular"],
      [{ a: failing }, "no luck"],
    ] as const) {
      const error = (() => {
        try {
          return jsonMetadata("document 7", metadata);
        } catch (thrown) {
          return thrown;
        }
      })();
      expect(SparseEncoderError.is(error, "INVALID_DOCUMENT"), String(error)).toBe(true);
      expect((error as Error).message).toContain("The metadata of document 7 cannot become JSON");
      expect((error as Error).message).toContain(reason);
    }
  });
});

describe("jsonFilter", () => {
  it("makes of dates and bigints what metadata have, wherever they stand", () => {
    const at = new Date("2024-05-01T00:00:00Z");
    const iso = "2024-05-01T00:00:00.000Z";
    const filter = { at, $or: [{ at: { $gte: at, $in: [at, "x"] } }, { $not: { n: 5n } }], year: 2024 };
    expect(jsonFilter(filter as never)).toEqual({
      at: iso,
      $or: [{ at: { $gte: iso, $in: [iso, "x"] } }, { $not: { n: 5 } }],
      year: 2024,
    });
  });

  it("leaves to the stores what they refuse", () => {
    const never = new Date(Number.NaN);
    const filter = { never, nan: { $lt: Number.NaN }, map: new Map(), pattern: /a/ };
    expect(jsonFilter(filter as never)).toEqual(filter);
    expect(jsonFilter(undefined)).toBeUndefined();
    const byFunction = () => true;
    expect(jsonFilter(byFunction as never)).toBe(byFunction);
    const cycle: Record<string, unknown> = {};
    cycle.$not = cycle;
    expect(jsonFilter(cycle as never)).toBeTypeOf("object");
  });
});

describe("risingId", () => {
  it("gives UUIDs of version 7 that rise, within a millisecond and beyond", () => {
    const ids = Array.from({ length: 20_000 }, risingId);
    for (const id of ids.slice(0, 100)) {
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    }
    expect(ids).toEqual(ids.toSorted());
    expect(new Set(ids).size).toBe(ids.length);
    const time = Number.parseInt(ids[0]!.slice(0, 13).replace("-", ""), 16);
    expect(Math.abs(time - Date.now())).toBeLessThan(60_000);
  });
});
