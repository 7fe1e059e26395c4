/**
 * What a regular expression of a tokenizer may cost. The native library gives up a match after ten million steps back by
 * ending the process, so a pattern is used only if that cannot happen for any text of the length that is handed over at once.
 *
 * Understood are patterns as tokenizers have them: characters, classes, groups, alternatives, bounded and unbounded repetition,
 * looking ahead and behind. References, recursion and conditions are refused.
 */
export interface PatternCost {
  /** Fewest characters that a match has. */
  readonly shortest: number;
  /** Steps back at one position of a text: at most `constant` + `perCharacter` x the length of the text. */
  readonly constant: number;
  readonly perCharacter: number;
}

/** Why a pattern cannot be used. */
export class PatternRefusal extends Error {}

/** UTF-16 units of a pattern: several times the longest that is known in use. */
const longestPattern = 4096;
/** Repetitions that are written out, one within another: what a pattern may take of memory. */
const mostRepetitions = 1000;
/** Ways to match a part that has no unbounded repetition. */
const mostWays = 100_000;

/** Ways to match a part: a number x the length of the text to a power. */
interface Ways {
  readonly number: number;
  readonly power: number;
}

/** What a part of a pattern can match. */
interface Part {
  readonly shortest: number;
  /** True if there are places where it does not match. */
  readonly canFail: boolean;
  /** Ways that are tried if what follows does not match. */
  readonly inside: Ways;
  /** Ways that are tried if nothing follows. */
  readonly last: Ways;
  /** True if it has one length and one way to match: then it can be repeated without end. */
  readonly isPlain: boolean;
}

const once: Ways = { number: 1, power: 0 };
const character: Part = { shortest: 1, canFail: true, inside: once, last: once, isPlain: true };
const position: Part = { ...character, shortest: 0 };
const nothing: Part = { ...position, canFail: false };

/**
 * The cost of a pattern in the syntax of Oniguruma.
 * @throws PatternRefusal
 */
export function patternCost(pattern: string): PatternCost {
  if (pattern.length > longestPattern)
    throw new PatternRefusal(`it is longer than ${longestPattern} characters`);
  const { shortest, branches } = new PatternReader(pattern).read();
  let constant = 0;
  let perCharacter = 0;
  for (const { last } of branches) {
    if (last.power > 1) throw new PatternRefusal("repetitions without an end stand one behind the other");
    if (last.power === 1) perCharacter += last.number;
    else constant += last.number;
  }
  return { shortest, constant, perCharacter };
}

class PatternReader {
  private readonly pattern: string;
  private at = 0;
  private depth = 0;

  constructor(pattern: string) {
    this.pattern = pattern;
  }

  read(): { shortest: number; branches: Part[] } {
    const branches = this.branches();
    if (this.at < this.pattern.length) throw new PatternRefusal("a bracket is closed that was not opened");
    return { shortest: Math.min(...branches.map(({ shortest }) => shortest)), branches };
  }

  private branches(): Part[] {
    const branches = [this.sequence()];
    while (this.take("|")) branches.push(this.sequence());
    return branches;
  }

  private sequence(): Part {
    const parts: Part[] = [];
    while (this.at < this.pattern.length && !"|)".includes(this.pattern[this.at]!)) {
      parts.push(this.repeated(this.atom()));
    }
    return joined(parts);
  }

  private atom(): Part {
    const next = this.next();
    if (next === "(") return this.group();
    if (next === "[") return this.characterClass();
    if (next === "\\") return this.escape();
    if (next === "^" || next === "$") return position;
    if ("*+?".includes(next)) throw new PatternRefusal("a repetition has nothing to repeat");
    return character;
  }

  private group(): Part {
    if (++this.depth > 16) throw new PatternRefusal("groups lie too deep in each other");
    const opening =
      /^\?(?:[:=!>]|<[=!]|[imx]*(?:-[imx]+)?[:)])/.exec(this.pattern.slice(this.at, this.at + 16))?.[0] ?? "";
    if (opening === "" && this.pattern[this.at] === "?")
      throw new PatternRefusal("it has a group of a special kind");
    if (/^\?[imx-]*x/.test(opening)) throw new PatternRefusal("it is written with free spacing");
    this.at += opening.length;
    const isSwitch = opening.endsWith(")");
    const inner = isSwitch ? nothing : either(this.branches());
    if (!isSwitch && !this.take(")")) throw new PatternRefusal("a bracket is not closed");
    this.depth--;
    // What was found by looking around, or for good, is not tried another way.
    if (opening === "?>") return { ...inner, inside: inner.last };
    const looksAround = /^\?<?[=!]/.test(opening);
    return looksAround ? { ...position, inside: inner.last, last: inner.last, isPlain: false } : inner;
  }

  private characterClass(): Part {
    let depth = 1;
    this.take("^");
    // A bracket at the start stands for itself.
    this.take("]");
    while (depth > 0) {
      const next = this.next();
      if (next === "\\") this.next();
      else if (next === "[") depth++;
      else if (next === "]") depth--;
    }
    return character;
  }

  private escape(): Part {
    const next = this.next();
    if (/[bBAzZG]/.test(next)) return position;
    if (/[1-9kgKRXyY]/.test(next)) throw new PatternRefusal(`it has \\${next}`);
    if ("pP".includes(next)) this.skip(/^\{\^?[\w\s-]+\}/, "a property has no name");
    else if (next === "x") this.skip(/^(?:\{[0-9A-Fa-f]{1,6}\}|[0-9A-Fa-f]{1,2})/, "\\x has no number");
    else if (next === "u") this.skip(/^[0-9A-Fa-f]{4}/, "\\u has no number");
    else if (/[0cCM]/.test(next)) throw new PatternRefusal(`it has \\${next}`);
    return character;
  }

  private repeated(part: Part): Part {
    const counts = /^(?:[*+?]|\{(?:\d+(?:,\d*)?|,\d+)\})/.exec(
      this.pattern.slice(this.at, this.at + 16),
    )?.[0];
    if (counts === undefined) return part;
    this.at += counts.length;
    const [least, most] = bounds(counts);
    const possessive = this.pattern[this.at] === "+";
    if (possessive && counts.startsWith("{")) throw new PatternRefusal("a repetition is repeated");
    if (possessive || this.pattern[this.at] === "?") this.at++;
    if (/^[*+?]|^\{\d*,?\d*\}/.test(this.pattern.slice(this.at)))
      throw new PatternRefusal("a repetition is repeated");
    const repeated = most === Number.POSITIVE_INFINITY ? unbounded(part, least) : bounded(part, least, most);
    return possessive ? { ...repeated, inside: repeated.last } : repeated;
  }

  private next(): string {
    const code = this.pattern.codePointAt(this.at);
    if (code === undefined) throw new PatternRefusal("it ends too early");
    const found = String.fromCodePoint(code);
    this.at += found.length;
    return found;
  }

  private take(wanted: string): boolean {
    if (this.pattern[this.at] !== wanted) return false;
    this.at++;
    return true;
  }

  private skip(expected: RegExp, problem: string): void {
    const found = expected.exec(this.pattern.slice(this.at, this.at + 64))?.[0];
    if (found === undefined) throw new PatternRefusal(problem);
    this.at += found.length;
  }
}

function bounds(counts: string): [least: number, most: number] {
  if (counts === "*") return [0, Number.POSITIVE_INFINITY];
  if (counts === "+") return [1, Number.POSITIVE_INFINITY];
  if (counts === "?") return [0, 1];
  const [, first, comma, second] = /^\{(\d*)(,?)(\d*)\}$/.exec(counts)!;
  const least = Number(first || 0);
  return [least, comma === "" ? least : second === "" ? Number.POSITIVE_INFINITY : Number(second)];
}

/** What is repeated without end must match in one way, or the ways would multiply with every repetition. */
function unbounded(part: Part, least: number): Part {
  if (least > mostRepetitions) throw new PatternRefusal(`it repeats more than ${mostRepetitions} times`);
  if (!part.isPlain || part.shortest === 0) {
    throw new PatternRefusal("what is repeated without an end can match in several ways");
  }
  return {
    shortest: least * part.shortest,
    canFail: least > 0,
    inside: { number: 1, power: 1 },
    last: once,
    isPlain: false,
  };
}

function bounded(part: Part, least: number, most: number): Part {
  if (most * Math.max(1, part.shortest) > mostRepetitions) {
    throw new PatternRefusal(`it repeats more than ${mostRepetitions} times`);
  }
  const { number, power } = part.inside;
  const inside = { number: limited((most - least + 1) * number ** most), power: power * most };
  return {
    shortest: least * part.shortest,
    canFail: least > 0 && part.canFail,
    inside,
    last: most > 1 ? inside : part.last,
    isPlain: part.isPlain && least === most,
  };
}

/** Parts one behind the other. */
function joined(parts: readonly Part[]): Part {
  return parts.reduceRight<Part>(
    (behind, part) => ({
      shortest: part.shortest + behind.shortest,
      canFail: part.canFail || behind.canFail,
      inside: product(part.inside, behind.inside),
      // What stands before parts that always match is not tried another way.
      last: product(behind.canFail ? part.inside : part.last, behind.last),
      isPlain: part.isPlain && behind.isPlain,
    }),
    nothing,
  );
}

function either(branches: readonly Part[]): Part {
  if (branches.length === 1) return branches[0]!;
  return {
    shortest: Math.min(...branches.map(({ shortest }) => shortest)),
    canFail: branches.every(({ canFail }) => canFail),
    inside: branches.map(({ inside }) => inside).reduce(sum),
    last: branches.map(({ last }) => last).reduce(sum),
    isPlain: false,
  };
}

function product(a: Ways, b: Ways): Ways {
  return { number: limited(a.number * b.number), power: a.power + b.power };
}

function sum(a: Ways, b: Ways): Ways {
  return { number: limited(a.number + b.number), power: Math.max(a.power, b.power) };
}

function limited(ways: number): number {
  if (ways > mostWays) throw new PatternRefusal("it can match in too many ways");
  return ways;
}
