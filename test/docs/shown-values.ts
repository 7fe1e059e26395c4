import { isDeepStrictEqual } from "node:util";

let shown = 0;

/** Compares a value with what a page shows, numbers to the digits that are shown; gives the value back. */
export function __show<Value>(value: Value, expected: unknown, text: string): Value {
  shown++;
  const actual = plain(value);
  if (!isDeepStrictEqual(roundLike(actual, expected), expected)) {
    throw new Error(`The page shows ${text}, and the value is ${JSON.stringify(actual)}.`);
  }
  return value;
}

/** Says how many values were compared: a program that ends before did not show them all. */
export function __end(): void {
  process.stdout.write(`shown ${shown}\n`);
}

/** Arrays for typed arrays, objects for instances. */
function plain(value: unknown): unknown {
  if (ArrayBuffer.isView(value)) return Array.from(value as Float32Array);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
}

function roundLike(value: unknown, expected: unknown): unknown {
  if (typeof value === "number" && typeof expected === "number") {
    return Number(value.toFixed(String(expected).split(".")[1]?.length ?? 0));
  }
  if (typeof value !== "object" || value === null || typeof expected !== "object" || expected === null) {
    return value;
  }
  if (Array.isArray(value))
    return value.map((item, index) => roundLike(item, (expected as unknown[])[index]));
  const fields = expected as Readonly<Record<string, unknown>>;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, roundLike(item, fields[key])]));
}
