import { element } from "../dom.ts";

/** Rows that are shown before a person asks for all. */
const shownRows = 14;

/** Puts rows into a table; rows beyond the first are hidden, and the button that is given back shows them. */
export function limitRows(
  body: HTMLElement,
  rows: readonly HTMLElement[],
  shown = shownRows,
): HTMLElement | undefined {
  body.append(...rows);
  if (rows.length <= shown) return undefined;
  const further = rows.slice(shown);
  for (const row of further) row.hidden = true;
  const more = element("button", { type: "button", class: "quiet more" }, `Show all ${rows.length}`);
  more.addEventListener("click", () => {
    for (const row of further) row.hidden = false;
    // The keyboard goes on at the first row that is new.
    further[0]!.tabIndex = -1;
    further[0]!.focus();
    more.remove();
  });
  return more;
}
