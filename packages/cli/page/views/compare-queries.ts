import { randomisationTest } from "../../src/evaluate/randomisation-test.ts";
import { api } from "../api.ts";
import type { MeasuredQuery, SearchSettings } from "../api-types.ts";
import { element } from "../dom.ts";
import type { PageFacts } from "../facts.ts";
import { Latest } from "../latest.ts";
import { reportFailure } from "../notice.ts";
import { figure } from "../parts/figure.ts";
import { judgementArea } from "../parts/judgement-area.ts";
import { limitRows } from "../parts/row-limit.ts";
import { countedArms } from "../parts/search-settings.ts";
import type { View, ViewPart } from "../view.ts";
import type { AskedQuery } from "./compare-search.ts";
import { type ComparedSettings, compareHead, type Pair, sideNames, titlesOf } from "./compare-sides.ts";

/** Queries of one request. */
const queriesAtOnce = 50;

/** Chances below are shown as less. */
const leastShownChance = 0.001;

/** A judged query and how good both rankings are. */
interface ComparedQuery {
  readonly text: string;
  readonly values: Pair<number>;
}

/** Two models or settings on all judged queries. */
export function compareQueries(facts: PageFacts, settings: ComparedSettings, asked: AskedQuery): View {
  return {
    name: "compare-queries",
    title: "Compare",
    create(): ViewPart {
      const result = element("div", { class: "result" });
      const latest = new Latest(result);
      const measure = element("button", { type: "button" }, "Measure both");
      const status = element("p", { class: "muted", role: "status" });
      const forget = () => {
        latest.stop();
        status.textContent = "";
        result.replaceChildren();
      };
      // Changes of settings that the figures shown know of.
      let seen = settings.changes;
      measure.addEventListener("click", () => {
        void latest.run((signal) => showMeasures({ result, status, asked }, settings, signal));
      });
      const refresh = () => {
        forget();
        api.queries().then((queries) => {
          measure.disabled = queries.length === 0;
          if (queries.length === 0) {
            result.replaceChildren(
              element("p", { class: "empty" }, "The server has no judgements yet: add them here."),
            );
          }
        }, reportFailure);
      };
      const area = judgementArea(facts, refresh);
      const place = element("div", { class: "place" });
      const run = element("div", { class: "run" }, measure, status);
      const root = element(
        "div",
        {},
        compareHead("All judged queries", "compare-queries"),
        place,
        element("div", { class: "judging" }, area.root, run),
        result,
      );
      const show = () => {
        place.append(settings.root);
        settings.onChange = () => {
          seen = settings.changes;
          forget();
        };
        if (result.childElementCount === 0 || seen !== settings.changes) refresh();
        seen = settings.changes;
      };
      return { root, show };
    },
  };
}

/** Where measures are shown. */
interface MeasurePlaces {
  readonly result: HTMLElement;
  readonly status: HTMLElement;
  readonly asked: AskedQuery;
}

async function showMeasures(
  { result, status, asked }: MeasurePlaces,
  settings: ComparedSettings,
  signal: AbortSignal,
): Promise<void> {
  const values = settings.values();
  if (values.some((side) => countedArms(side).length === 0)) {
    result.replaceChildren(element("p", { class: "empty" }, "All arms of one side are off."));
    return;
  }
  result.replaceChildren();
  const queries: ComparedQuery[] = [];
  for (let total = Number.POSITIVE_INFINITY; queries.length < total; ) {
    const [a, b] = await Promise.all(values.map((side) => measured(side, queries.length, signal)));
    total = a!.total;
    if (a!.queries.length === 0) break;
    for (const [place, { text, ndcg_at_10 }] of a!.queries.entries()) {
      queries.push({ text, values: [ndcg_at_10, b!.queries[place]!.ndcg_at_10] });
    }
    status.textContent = `Measured ${queries.length} of ${total} queries`;
  }
  result.replaceChildren(...measures(queries, titlesOf(values), asked));
}

async function measured(
  settings: SearchSettings,
  offset: number,
  signal: AbortSignal,
): Promise<{ readonly total: number; readonly queries: readonly MeasuredQuery[] }> {
  return api.evaluate(settings, offset, queriesAtOnce, signal);
}

function measures(queries: readonly ComparedQuery[], titles: Pair<string>, asked: AskedQuery): HTMLElement[] {
  const of = (side: 0 | 1) => queries.map(({ values }) => values[side]);
  const { difference, pValue } = randomisationTest(of(0), of(1));
  const better = (side: 0 | 1) => queries.filter(({ values }) => values[side] > values[1 - side]!).length;
  return [
    element(
      "p",
      { class: "figures", role: "status" },
      figure(mean(of(0)).toFixed(4), `nDCG@10 of ${titles[0]}`),
      figure(mean(of(1)).toFixed(4), `nDCG@10 of ${titles[1]}`),
      figure(signed(difference), `from A to B, ${chanceText(pValue)}`),
      figure(String(better(0)), "queries better with A"),
      figure(String(better(1)), "better with B"),
    ),
    queryTable(queries, asked),
    element(
      "p",
      { class: "muted note" },
      "p is of a paired randomisation test: how likely chance gives a difference as large. Queries with the largest differences come first.",
    ),
  ];
}

function queryTable(queries: readonly ComparedQuery[], asked: AskedQuery): HTMLElement {
  const rows = [...queries].sort((one, two) => Math.abs(gain(two)) - Math.abs(gain(one)));
  const body = element("tbody");
  const more = limitRows(
    body,
    rows.map((row) => queryRow(row, asked)),
  );
  const heads = ["Query", ...sideNames, "A to B"];
  return element(
    "section",
    { class: "ranks" },
    element(
      "table",
      {},
      element("caption", {}, "nDCG@10 by query"),
      element("thead", {}, element("tr", {}, ...heads.map((head) => element("th", { scope: "col" }, head)))),
      body,
    ),
    more,
  );
}

function queryRow(query: ComparedQuery, asked: AskedQuery): HTMLElement {
  const link = element("a", { href: "#compare" }, query.text);
  link.addEventListener("click", () => {
    asked.text = query.text;
  });
  const difference = gain(query);
  const kind = difference > 0 ? "up" : difference < 0 ? "down" : "";
  return element(
    "tr",
    {},
    element("th", { scope: "row", dir: "auto", title: query.text }, link),
    ...query.values.map((value) => element("td", { class: "rank-cell" }, value.toFixed(3))),
    element(
      "td",
      {},
      kind === "" ? "same" : element("span", { class: `badge ${kind}` }, signed(difference, 3)),
    ),
  );
}

/** How likely chance gives a difference. */
function chanceText(pValue: number): string {
  return pValue < leastShownChance ? `p < ${leastShownChance}` : `p = ${pValue.toPrecision(2)}`;
}

function gain({ values }: ComparedQuery): number {
  return values[1] - values[0];
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / (values.length || 1);
}

function signed(value: number, digits = 4): string {
  return `${value > 0 ? "+" : value < 0 ? "−" : "±"}${Math.abs(value).toFixed(digits)}`;
}
