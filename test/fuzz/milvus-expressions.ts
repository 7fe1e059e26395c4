import { termsOf } from "../../packages/core/src/stores/engine/metadata-terms.ts";
import type { Metadata } from "../../packages/core/src/stores/index.ts";

/** What a row of Milvus holds for filters. */
export interface FilteredRow {
  readonly terms: ReadonlySet<string>;
  readonly bounds: Readonly<Record<string, string>>;
}

/** @param knowsNot as in the store: without `not`, terms are among the bounds */
export function filteredRow(metadata: Metadata, knowsNot: boolean): FilteredRow {
  const { terms, bounds } = termsOf(metadata);
  const named = Object.fromEntries(terms.map((term) => [term, "1"]));
  return { terms: new Set(terms), bounds: knowsNot ? bounds : { ...bounds, ...named } };
}

/** Words of an expression: names, texts, numbers of signs. */
const word =
  /\s*(?:(and|or|not|array_contains_any|array_contains|terms|bounds|key)\b|"([\w-]*)"|([<>=!]=|[<>()[\],]))/y;

/**
 * A reader of the expressions that the store makes, and of no others, in place of Milvus: it proves that they say what the
 * filter says, and nothing of how Milvus reads them.
 */
export class MilvusExpression {
  private readonly words: string[] = [];
  private position = 0;
  private row: FilteredRow = { terms: new Set(), bounds: {} };

  /** @throws Error for an expression that has anything else in it */
  constructor(expression: string) {
    word.lastIndex = 0;
    for (let at = 0; at < expression.length; at = word.lastIndex) {
      const found = word.exec(expression);
      if (found === null) throw new Error(`what is this: ${expression.slice(at, at + 50)}`);
      this.words.push(found[2] === undefined ? (found[1] ?? found[3])! : `"${found[2]}`);
    }
  }

  passes(row: FilteredRow): boolean {
    this.row = row;
    this.position = 0;
    const passes = this.either();
    if (this.position < this.words.length) throw new Error("the expression does not end");
    return passes;
  }

  private either(): boolean {
    let passes = this.both();
    while (this.takeIf("or")) passes = this.both() || passes;
    return passes;
  }

  private both(): boolean {
    let passes = this.single();
    while (this.takeIf("and")) passes = this.single() && passes;
    return passes;
  }

  private single(): boolean {
    if (this.takeIf("not")) return !this.single();
    if (this.takeIf("(")) {
      const passes = this.either();
      this.take(")");
      return passes;
    }
    if (this.takeIf("array_contains")) {
      this.take("(", "terms", ",");
      const term = this.text();
      this.take(")");
      return this.row.terms.has(term);
    }
    if (this.takeIf("array_contains_any")) return this.containsAny();
    if (this.takeIf("key")) {
      const isUnlike = this.next() === "!=";
      if (this.text() !== "") throw new Error("the key is compared with more than nothing");
      return isUnlike;
    }
    this.take("bounds", "[");
    const found = Object.hasOwn(this.row.bounds, this.peekText())
      ? this.row.bounds[this.text()]
      : void this.text();
    this.take("]");
    return compare(found, this.next(), this.text());
  }

  private containsAny(): boolean {
    this.take("(", "terms", ",", "[");
    let passes = false;
    do passes = this.row.terms.has(this.text()) || passes;
    while (this.takeIf(","));
    this.take("]", ")");
    return passes;
  }

  private next(): string {
    const found = this.words[this.position++];
    if (found === undefined) throw new Error("the expression breaks off");
    return found;
  }

  private take(...wanted: readonly string[]): void {
    for (const one of wanted) if (this.next() !== one) throw new Error(`${one} is missing`);
  }

  private takeIf(wanted: string): boolean {
    if (this.words[this.position] !== wanted) return false;
    this.position++;
    return true;
  }

  private peekText(): string {
    return this.words[this.position]?.slice(1) ?? "";
  }

  private text(): string {
    const found = this.next();
    if (!found.startsWith('"')) throw new Error(`${found} is not a text`);
    return found.slice(1);
  }
}

/** A name that is not there passes `!=` only, as Milvus Lite has it. */
function compare(found: string | undefined, operator: string, bound: string): boolean {
  if (found === undefined) return operator === "!=";
  switch (operator) {
    case "<":
      return found < bound;
    case "<=":
      return found <= bound;
    case ">":
      return found > bound;
    case ">=":
      return found >= bound;
    case "==":
      return found === bound;
    default:
      return found !== bound;
  }
}
