import { element, withShare } from "../dom.ts";
import { countText, weightText } from "../numbers.ts";
import { limitRows } from "./row-limit.ts";

/** A term and its weight. */
export interface BarTerm {
  readonly token: string;
  readonly weight: number;
}

/** Terms with bars: a table for people who listen to it. */
export function termBars(
  caption: string,
  terms: readonly BarTerm[],
  largest: number,
  kind: string,
): HTMLElement {
  const body = element("tbody");
  const rows = terms.map(({ token, weight }) =>
    element(
      "tr",
      {},
      element("th", { scope: "row", dir: "auto", title: token }, token),
      element(
        "td",
        { class: "bar-cell" },
        withShare(
          element("span", { class: `bar ${kind}`, "aria-hidden": "true" }),
          Math.abs(weight) / (largest || 1),
        ),
      ),
      element("td", { class: "number" }, weightText(weight)),
    ),
  );
  const more = limitRows(body, rows);
  const section = element(
    "section",
    { class: "terms" },
    element(
      "table",
      {},
      element(
        "caption",
        {},
        element("span", { class: `dot ${kind}`, "aria-hidden": "true" }),
        caption,
        element("small", {}, countText(terms.length, "term", "terms")),
      ),
      element(
        "thead",
        { class: "hidden" },
        element(
          "tr",
          {},
          element("th", { scope: "col" }, "Term"),
          element("th", { scope: "col" }, "Bar"),
          element("th", { scope: "col" }, "Weight"),
        ),
      ),
      body,
    ),
  );
  if (more !== undefined) section.append(more);
  if (rows.length === 0) section.append(element("p", { class: "muted" }, "None."));
  return section;
}
