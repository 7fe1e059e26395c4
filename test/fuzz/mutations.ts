/** Numbers that look random and are the same for the same seed. */
export class Random {
  private state: number;

  constructor(seed: number) {
    this.state = seed >>> 0;
  }

  /** A whole number from 0 to below `end`. */
  below(end: number): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * end);
  }

  pick<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)]!;
  }

  /** True in one of `times` cases. */
  oneIn(times: number): boolean {
    return this.below(times) === 0;
  }
}

/** Numbers at which readers err: limits of types, signs, fractions. */
const numbers = [0, -1, 1, 255, 256, 65_535, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 53, -(2 ** 31), 0.5, 1e308];

/** Changes some bytes, cuts some off, doubles some, or puts a limit of a type in their place. */
export function mutatedBytes(bytes: Buffer, random: Random): Buffer {
  let changed = Buffer.from(bytes);
  for (let change = 0; change <= random.below(4); change++) {
    const at = random.below(Math.max(1, changed.length));
    const end = Math.min(changed.length, at + random.below(64));
    switch (random.below(6)) {
      case 0:
        if (at < changed.length) changed[at] = random.below(256);
        break;
      case 1:
        changed = changed.subarray(0, at);
        break;
      case 2:
        changed = Buffer.concat([changed.subarray(0, end), changed.subarray(at)]);
        break;
      case 3:
        changed = Buffer.concat([changed.subarray(0, at), changed.subarray(end)]);
        break;
      case 4:
        if (at + 8 <= changed.length)
          changed.writeBigUInt64LE(BigInt.asUintN(64, BigInt(Math.trunc(random.pick(numbers)))), at);
        break;
      default:
        changed.fill(random.below(2) * 255, at, end);
    }
  }
  return changed;
}

type Container = Record<string, unknown> | unknown[];

/** Changes some values of a JSON document: other types, limits, long texts, missing, doubled or renamed entries. */
export function mutatedJson(json: unknown, random: Random): unknown {
  const copy: unknown = structuredClone(json);
  for (let change = 0; change <= random.below(3); change++) {
    const containers = containersOf(copy, random);
    if (containers.length === 0) return strange(random);
    const container = random.pick(containers);
    const keys = Object.keys(container);
    const key = keys.length === 0 ? "added" : random.pick(keys);
    const values = container as Record<string, unknown>;
    const kind = random.below(5);
    if (kind === 0) delete values[key];
    else if (kind === 1)
      values[`${key}${random.below(2) === 0 ? "" : "x"}`] =
        values[random.pick(keys.length === 0 ? [key] : keys)];
    else if (kind === 2 && typeof values[key] === "string") values[key] = mutatedText(values[key], random);
    else values[key] = strange(random);
  }
  return copy;
}

/** Objects and lists of a document, at most some of each list. */
function containersOf(json: unknown, random: Random, depth = 0): Container[] {
  if (typeof json !== "object" || json === null || depth > 8) return [];
  const values = Object.values(json);
  const inner = values.length > 40 ? Array.from({ length: 8 }, () => random.pick(values)) : values;
  return [json as Container, ...inner.flatMap((value) => containersOf(value, random, depth + 1))];
}

function mutatedText(text: string, random: Random): string {
  const at = random.below(text.length + 1);
  const put = random.pick([
    "",
    "\0",
    "*",
    "é",
    "\ud800",
    "(a+)+b",
    text,
    "x".repeat(3000),
    "../..",
    "..",
    "/",
    "[",
    "'",
  ]);
  return text.slice(0, at) + put + text.slice(at + random.below(3));
}

function strange(random: Random): unknown {
  return random.pick<unknown>([
    null,
    true,
    "",
    "x",
    [],
    {},
    [[]],
    { type: "Sequence" },
    "A".repeat(200_000),
    "..",
    "../../bait",
    "/etc/passwd",
    ...numbers,
  ]);
}

/** Pieces of texts that tokenizers treat in a way of their own. */
const pieces = [
  "word ",
  "中",
  "😀",
  "\0",
  ",",
  "  ",
  "\n",
  "e\u0301",
  "a".repeat(200),
  "ﬁ",
  "[MASK]",
  "</s>",
  "\ud800",
  "1",
  "x",
];

/** A text of up to some thousand characters. */
export function hostileText(random: Random): string {
  let text = "";
  for (let part = 0; part < random.below(40); part++)
    text += random.pick(pieces).repeat(1 + random.below(20));
  return text;
}
