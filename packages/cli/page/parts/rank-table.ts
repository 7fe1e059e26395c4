import type { Hit, SearchAnswer } from "../api-types.ts";
import { element } from "../dom.ts";
import { moveBadge, titleOf } from "./hit-card.ts";
import { limitRows } from "./row-limit.ts";

/** A document and its ranks, from 1; undefined where a side does not have it. */
interface RankedRow {
  readonly hit: Hit;
  readonly ranks: readonly [a: number | undefined, b: number | undefined];
}

/** Rows that are shown before a person asks for all. */
const shownRows = 10;

/** The documents of two rankings with their ranks, and how far each goes up or down from the first to the second. */
export function rankTable([a, b]: readonly [SearchAnswer, SearchAnswer]): HTMLElement | undefined {
  const rows = rankedRows(a.hits, b.hits);
  if (rows.length === 0) return undefined;
  const isJudged = rows.some(({ hit }) => hit.grade !== undefined);
  const body = element("tbody");
  const more = limitRows(
    body,
    rows.map((row) => tableRow(row, isJudged)),
    shownRows,
  );
  const titles = ["Document", ...(isJudged ? ["Grade"] : []), "A", "B", "A to B"];
  return element(
    "section",
    { class: "ranks" },
    element(
      "table",
      {},
      element("caption", {}, "Ranks"),
      element(
        "thead",
        {},
        element("tr", {}, ...titles.map((title) => element("th", { scope: "col" }, title))),
      ),
      body,
    ),
    more,
  );
}

function tableRow({ hit, ranks }: RankedRow, isJudged: boolean): HTMLElement {
  const [first, second] = ranks;
  const isRelevant = hit.grade !== undefined && hit.grade > 0;
  return element(
    "tr",
    {},
    element("th", { scope: "row", dir: "auto", title: hit.id }, titleOf(hit)),
    isJudged &&
      element("td", {}, isRelevant ? element("span", { class: "badge good" }, String(hit.grade)) : "–"),
    element("td", { class: "rank-cell" }, rankText(first)),
    element("td", { class: "rank-cell" }, rankText(second)),
    element("td", {}, moveOf(first, second)),
  );
}

function rankText(rank: number | undefined): string {
  return rank === undefined ? "–" : `#${rank}`;
}

function moveOf(first: number | undefined, second: number | undefined): HTMLElement | string {
  if (first === undefined) return element("span", { class: "badge up" }, "new in B");
  if (second === undefined) return element("span", { class: "badge down" }, "gone in B");
  return first === second ? "same" : moveBadge(first - second);
}

/** All documents, those that stand high on either side first. */
function rankedRows(a: readonly Hit[], b: readonly Hit[]): RankedRow[] {
  const rows = new Map<string, RankedRow>();
  for (const [place, hit] of a.entries()) rows.set(hit.id, { hit, ranks: [place + 1, undefined] });
  for (const [place, hit] of b.entries()) {
    rows.set(hit.id, { hit, ranks: [rows.get(hit.id)?.ranks[0], place + 1] });
  }
  const best = ({ ranks: [first = Infinity, second = Infinity] }: RankedRow) => Math.min(first, second);
  const sum = ({ ranks: [first = Infinity, second = Infinity] }: RankedRow) => first + second;
  return [...rows.values()].sort((one, two) => best(one) - best(two) || (sum(one) < sum(two) ? -1 : 1));
}
