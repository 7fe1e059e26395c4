import { describe, expect, it } from "vitest";
import {
  abortSignal,
  callback,
  checkOptionNames,
  count,
  declareOptions,
  flag,
  number,
  oneOf,
  rule,
  text,
} from "./index.ts";

interface Example {
  readonly k?: number | undefined;
  readonly mode: "fast" | "exact";
  readonly share?: number | undefined;
  readonly deep?: boolean | undefined;
  readonly name?: string | undefined;
  readonly onProgress?: ((done: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

const example = declareOptions<Example>()({
  k: count({ maximum: 100 }).default(10),
  mode: oneOf(["fast", "exact"]).required(),
  share: number({ minimum: 0, maximum: 1 }),
  deep: flag().default(false),
  name: text(),
  onProgress: callback<(done: number) => void>(),
  signal: abortSignal(),
});

describe("declareOptions", () => {
  it("gives checked values, with defaults for absent and undefined options", () => {
    const signal = AbortSignal.timeout(1000);
    const { k, mode, ...rest } = example.check("run", { mode: "fast", k: undefined, share: 0.5, signal });
    // The types lack undefined where there is a default.
    const sum: number = k + mode.length;
    expect(sum).toBe(14);
    expect(rest).toEqual({ share: 0.5, deep: false, name: undefined, onProgress: undefined, signal });
  });

  it.each([
    [
      { mode: "fast", topK: 3 },
      "UNKNOWN_OPTION",
      /^run: unknown option 'topK'\. Did you mean k\? Valid options: k, mode, .*signal\.$/,
    ],
    ["fast", "INVALID_ARGUMENT", /^run: options must be an object, received 'fast'\.$/],
    [null, "INVALID_ARGUMENT", /received null/],
    [[], "INVALID_ARGUMENT", /received \[\]/],
    [undefined, "INVALID_ARGUMENT", /^mode is missing/],
    [{ mode: "slow" }, "INVALID_ARGUMENT", /^mode must be one of fast, exact, received 'slow'\.$/],
    [{ mode: "fast", k: 0 }, "INVALID_ARGUMENT", /^k must be a whole number of at least 1, received 0\.$/],
    [{ mode: "fast", k: 101 }, "INVALID_ARGUMENT", /^k must be at most 100, received 101\.$/],
    [{ mode: "fast", k: null }, "INVALID_ARGUMENT", /^k must be a whole number/],
    [
      { mode: "fast", share: Number.NaN },
      "INVALID_ARGUMENT",
      /^share must be a number from 0 to 1, received NaN\.$/,
    ],
    [{ mode: "fast", deep: 1 }, "INVALID_ARGUMENT", /^deep must be true or false, received 1\.$/],
    [{ mode: "fast", name: "" }, "INVALID_ARGUMENT", /^name must be a string that is not empty/],
    [{ mode: "fast", onProgress: 5 }, "INVALID_ARGUMENT", /^onProgress must be a function, received 5\.$/],
    [{ mode: "fast", signal: {} }, "INVALID_ARGUMENT", /^signal must be an AbortSignal, received \{\}\.$/],
  ])("refuses %o", (options, code, message) => {
    expect(() => example.check("run", options)).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) }),
    );
  });

  it("names nested options by their path", () => {
    expect(() => example.check("run", { mode: "fast", k: 0 }, "mmr.")).toThrow("mmr.k must be");
  });

  it("lends its rules to another declaration", () => {
    const wider = declareOptions<Example & { readonly more?: number | undefined }>()({
      ...example.rules,
      more: rule((value) => Number(value) + 1),
    });
    expect(wider.check("run", { mode: "exact", more: 1 })).toMatchObject({ k: 10, more: 2 });
    expect(wider.names).toContain("signal");
  });

  it("does not compile with a name too few, a name too many or a value of another type", () => {
    // @ts-expect-error the rule of `mode` is missing
    declareOptions<{ k?: number; mode: string }>()({ k: count() });
    // @ts-expect-error the interface lacks `more`
    declareOptions<{ k?: number }>()({ k: count(), more: count() });
    // @ts-expect-error `k` is a number
    declareOptions<{ k?: number }>()({ k: text() });
    expect(() => checkOptionNames("run", { a: 1 }, [])).toThrow("run: unknown option 'a'. It takes none.");
  });
});
