import { api } from "../api.ts";
import type { SearchAnswer, SearchSettings } from "../api-types.ts";
import { debounced, element } from "../dom.ts";
import { Latest } from "../latest.ts";
import { figure } from "../parts/figure.ts";
import { hitCard, largestScores } from "../parts/hit-card.ts";
import { type QueryField, queryField } from "../parts/query-field.ts";
import { rankTable } from "../parts/rank-table.ts";
import { countedArms } from "../parts/search-settings.ts";
import type { View, ViewPart } from "../view.ts";
import { type ComparedSettings, compareHead, type Pair, sideNames, titlesOf } from "./compare-sides.ts";
import { shownHits } from "./search-view.ts";

/** A query that another view asks to compare with. */
export interface AskedQuery {
  text: string | undefined;
}

/** Two models or settings beside each other for one query. */
export function compareSearch(settings: ComparedSettings, asked: AskedQuery): View {
  return {
    name: "compare",
    title: "Compare",
    create(): ViewPart {
      const update = debounced(() => void refresh());
      const query = queryField(update);
      const result = element("div", { class: "result" });
      const latest = new Latest(result);
      const refresh = () => latest.run((signal) => showAnswers(result, query, settings, signal));
      const place = element("div", { class: "place" });
      const root = element("div", {}, compareHead("Side by side", "compare"), query.whole, place, result);
      result.replaceChildren(element("p", { class: "empty" }, "Type a query to compare two rankings."));
      const show = () => {
        place.append(settings.root);
        settings.onChange = update;
        query.refresh();
        if (asked.text !== undefined) query.input.value = asked.text;
        asked.text = undefined;
        if (query.input.value.trim() !== "") update();
      };
      return { root, show };
    },
  };
}

async function showAnswers(
  result: HTMLElement,
  query: QueryField,
  settings: ComparedSettings,
  signal: AbortSignal,
): Promise<void> {
  const text = query.input.value.trim();
  if (text === "") {
    result.replaceChildren(element("p", { class: "empty" }, "Type a query to compare two rankings."));
    return;
  }
  const values = settings.values();
  const [a, b] = await Promise.all(values.map((side) => answerOf(text, side, signal)));
  const answers: Pair<SearchAnswer> = [a!, b!];
  const titles = titlesOf(values);
  const isOpen = matchMedia("(min-width: 52rem)").matches;
  const opened = [...result.querySelectorAll<HTMLDetailsElement>("details.side-hits")].map(
    ({ open }) => open,
  );
  const columns = sideNames.map((name, side) =>
    element(
      "section",
      { "aria-label": name },
      element(
        "details",
        { class: "side-hits", open: opened[side] ?? isOpen },
        element("summary", {}, `Hits of ${titles[side]}`),
        hitsOf(answers, values[side]!, side),
      ),
    ),
  );
  const ranks = rankTable(answers);
  result.replaceChildren(
    summary(answers, titles),
    ...(ranks === undefined ? [] : [ranks]),
    element("div", { class: "columns wide" }, ...columns),
  );
}

async function answerOf(text: string, settings: SearchSettings, signal: AbortSignal): Promise<SearchAnswer> {
  if (countedArms(settings).length === 0) return { hits: [] };
  return api.search(text, shownHits, settings, signal);
}

/** How much the rankings have in common, and how good they are where the query is judged. */
function summary([a, b]: Pair<SearchAnswer>, [titleA, titleB]: Pair<string>): HTMLElement {
  const common = a.hits.filter(({ id }) => b.hits.some((hit) => hit.id === id)).length;
  const quality =
    a.ndcg_at_10 === undefined && b.ndcg_at_10 === undefined
      ? []
      : [figure(qualityText(a), `nDCG@10 of ${titleA}`), figure(qualityText(b), `nDCG@10 of ${titleB}`)];
  return element(
    "p",
    { class: "figures", role: "status" },
    figure(String(common), common === 1 ? "hit is in both" : "hits are in both"),
    ...quality,
  );
}

function qualityText({ ndcg_at_10: ndcg }: SearchAnswer): string {
  return ndcg === undefined ? "–" : ndcg.toFixed(3);
}

/** The hits of one side, each with its rank on the other. */
function hitsOf(answers: Pair<SearchAnswer>, settings: SearchSettings, side: number): HTMLElement {
  const own = answers[side]!.hits;
  const other = answers[1 - side]!.hits;
  const otherName = sideNames[1 - side]!;
  const asked = countedArms(settings);
  const largest = largestScores(own);
  const items = own.map((hit, position) => {
    const place = other.findIndex(({ id }) => id === hit.id);
    const remark =
      place === -1 ? `not in ${otherName}` : place === position ? undefined : `#${place + 1} in ${otherName}`;
    const card = hitCard(hit, { rank: position + 1, moved: undefined, largest, asked, remark });
    return element("li", {}, card);
  });
  const reason = asked.length === 0 ? "All arms are off." : "Nothing was found.";
  return element(
    "ol",
    { class: "hits" },
    ...(items.length === 0 ? [element("li", { class: "empty" }, reason)] : items),
  );
}
