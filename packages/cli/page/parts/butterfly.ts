import { element, withShare } from "../dom.ts";
import { countText, weightText } from "../numbers.ts";
import { limitRows } from "./row-limit.ts";

/** A term with a weight on either side; undefined where a side does not have it. */
export interface ButterflyRow {
  readonly term: string;
  readonly left: number | undefined;
  readonly right: number | undefined;
  /** What stands at the end of the row. */
  readonly last?: string | undefined;
}

/** Captions and colours of a {@link butterfly}. */
export interface ButterflyHead {
  readonly caption: string;
  readonly left: string;
  readonly right: string;
  /** Heading of the last column, if there is one. */
  readonly last?: string | undefined;
  /** Colours of the bars. */
  readonly kinds: readonly [left: string, right: string];
  /** Weights that fill a side. */
  readonly largest: readonly [left: number, right: number];
}

/** Terms between two weights, as a table with bars that grow to both sides. */
export function butterfly(rows: readonly ButterflyRow[], head: ButterflyHead): HTMLElement {
  const [leftKind, rightKind] = head.kinds;
  const [mostLeft, mostRight] = head.largest;
  const titles = [head.left, "Term", head.right, ...(head.last === undefined ? [] : [head.last])];
  const body = element("tbody");
  const made = rows.map(({ term, left, right, last }) =>
    element(
      "tr",
      {},
      element("td", { class: "side left" }, number(left), bar(left, mostLeft, leftKind)),
      element("th", { scope: "row", dir: "auto", title: term }, term),
      element("td", { class: "side right" }, bar(right, mostRight, rightKind), number(right)),
      head.last !== undefined && element("td", { class: "number" }, last),
    ),
  );
  const more = limitRows(body, made);
  return element(
    "section",
    { class: "terms" },
    element(
      "table",
      { class: "butterfly" },
      element("caption", {}, head.caption, element("small", {}, countText(rows.length, "term", "terms"))),
      element(
        "thead",
        {},
        element("tr", {}, ...titles.map((title) => element("th", { scope: "col" }, title))),
      ),
      body,
    ),
    rows.length === 0 && element("p", { class: "muted" }, "None."),
    more,
  );
}

function number(weight: number | undefined): HTMLElement {
  return element("span", { class: "number" }, weight === undefined ? "–" : weightText(weight));
}

function bar(weight: number | undefined, largest: number, kind: string): HTMLElement | undefined {
  if (weight === undefined) return undefined;
  const made = element("span", { class: `bar ${kind}`, "aria-hidden": "true" });
  return withShare(made, Math.abs(weight) / (largest || 1));
}
