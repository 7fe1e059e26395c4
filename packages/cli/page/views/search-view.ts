import { api } from "../api.ts";
import type { Hit, SearchAnswer, SearchSettings } from "../api-types.ts";
import { debounced, element } from "../dom.ts";
import type { PageFacts } from "../facts.ts";
import { Latest } from "../latest.ts";
import { figure } from "../parts/figure.ts";
import { hitCard, largestScores } from "../parts/hit-card.ts";
import { moveFrom, placesOf } from "../parts/moving.ts";
import { queryField } from "../parts/query-field.ts";
import { countedArms, settingsForm } from "../parts/search-settings.ts";
import { uploadArea } from "../parts/upload.ts";
import type { View, ViewPart } from "../view.ts";

/** Hits of a search. */
export const shownHits = 10;

/** What stands in place of hits before a query. */
const invitation = "Type a query, or add files first.";

/** Search of the index: every hit with its rank in each arm, and what moves it. */
export function searchView(facts: PageFacts): View {
  return {
    name: "search",
    title: "Search",
    create(): ViewPart {
      const update = debounced(() => void refresh());
      const query = queryField(update);
      const settings = settingsForm("Settings", facts, update);
      const figures = element("p", { class: "figures", role: "status" });
      const list = element("ol", { class: "hits" });
      const latest = new Latest(list);
      let before = { query: "", hits: [] as readonly Hit[] };
      const refresh = () =>
        latest.run(async (signal) => {
          const text = query.input.value.trim();
          const values = settings.value();
          if (text === "" || countedArms(values).length === 0) {
            figures.replaceChildren();
            list.replaceChildren(emptyItem(text === "" ? invitation : "All arms are off."));
            return;
          }
          const answer = await api.search(text, shownHits, values, signal);
          showFigures(figures, answer);
          showHits(list, answer.hits, before.query === text ? before.hits : [], values);
          before = { query: text, hits: answer.hits };
        });
      const upload = uploadArea(facts, update);
      const isWide = matchMedia("(min-width: 52rem)").matches;
      const side = element(
        "details",
        { class: "fold", open: isWide },
        element("summary", {}, "Settings and files"),
        settings.root,
        upload.root,
      );
      const root = element(
        "div",
        {},
        element("h1", {}, "Search, and see why"),
        query.whole,
        element(
          "div",
          { class: "with-side" },
          element("aside", { "aria-label": "Settings and files" }, side),
          element("div", { class: "result" }, figures, list),
        ),
      );
      list.replaceChildren(emptyItem(invitation));
      const show = () => {
        upload.refresh();
        query.refresh();
      };
      return { root, show };
    },
  };
}

export function emptyItem(text: string): HTMLElement {
  return element("li", { class: "empty" }, text);
}

function showFigures(figures: HTMLElement, { hits, ndcg_at_10: ndcg }: SearchAnswer): void {
  figures.replaceChildren(
    figure(String(hits.length), hits.length === 1 ? "hit" : "hits"),
    ...(ndcg === undefined ? [] : [figure(ndcg.toFixed(3), "nDCG@10")]),
  );
}

function showHits(
  list: HTMLElement,
  hits: readonly Hit[],
  before: readonly Hit[],
  settings: SearchSettings,
): void {
  const asked = countedArms(settings);
  const places = placesOf(list);
  const largest = largestScores(hits);
  const opened = new Set(
    [...list.querySelectorAll("details[open]")].map((open) =>
      open.closest("[data-id]")?.getAttribute("data-id"),
    ),
  );
  const items = hits.map((hit, position) => {
    const earlier = before.findIndex(({ id }) => id === hit.id);
    const moved = earlier === -1 ? undefined : earlier - position;
    const card = hitCard(hit, { rank: position + 1, moved, largest, asked });
    if (opened.has(hit.id)) card.querySelector("details")?.setAttribute("open", "");
    return element("li", {}, card);
  });
  list.replaceChildren(...(items.length === 0 ? [emptyItem("Nothing was found.")] : items));
  moveFrom(list, places);
}
