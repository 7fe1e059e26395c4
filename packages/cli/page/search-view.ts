import { type ArmName, api, type Hit, Latest, type SearchAnswer } from "./api.ts";
import { debounced, element } from "./dom.ts";
import { hitCard, largestScores } from "./hit-card.ts";
import { moveFrom, placesOf } from "./moving.ts";
import { reportFailure } from "./notice.ts";
import { queryField } from "./query-field.ts";
import { hasArm, settingsForm } from "./search-settings.ts";
import { figure } from "./text-view.ts";
import { uploadArea } from "./upload.ts";
import type { View, ViewPart } from "./view.ts";

/** Hits of a search. */
export const shownHits = 10;

/** Search of the index: every hit with its rank in each arm, and what moves it. */
export function searchView(arms: readonly ArmName[]): View {
  return {
    name: "search",
    title: "Search",
    create(): ViewPart {
      const update = debounced(() => void refresh());
      const query = queryField(update);
      const settings = settingsForm("Settings", arms, update);
      const figures = element("p", { class: "figures", role: "status" });
      const list = element("ol", { class: "hits" });
      const latest = new Latest();
      let before = { query: "", hits: [] as readonly Hit[] };
      const refresh = () =>
        latest
          .run(async (signal) => {
            const text = query.input.value.trim();
            const values = settings.value();
            if (text === "" || !hasArm(values)) {
              figures.replaceChildren();
              list.replaceChildren(
                emptyItem(text === "" ? "Type a query, or add files first." : "All arms are off."),
              );
              return;
            }
            const answer = await api.search(text, shownHits, values, signal);
            showFigures(figures, answer);
            showHits(list, answer.hits, before.query === text ? before.hits : []);
            before = { query: text, hits: answer.hits };
          })
          .catch(reportFailure);
      const upload = uploadArea(update);
      const isWide = matchMedia("(min-width: 52rem)").matches;
      const side = element(
        "details",
        { open: isWide },
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
      list.replaceChildren(emptyItem("Type a query, or add files first."));
      return { root, show: () => upload.refresh() };
    },
  };
}

function emptyItem(text: string): HTMLElement {
  return element("li", { class: "empty" }, text);
}

function showFigures(figures: HTMLElement, { hits, ndcg_at_10: ndcg }: SearchAnswer): void {
  const parts =
    hits.length === 0
      ? ["Nothing was found."]
      : [figure(String(hits.length), hits.length === 1 ? "hit" : "hits")];
  figures.replaceChildren(...parts, ...(ndcg === undefined ? [] : [figure(ndcg.toFixed(3), "nDCG@10")]));
}

function showHits(list: HTMLElement, hits: readonly Hit[], before: readonly Hit[]): void {
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
    const card = hitCard(hit, { rank: position + 1, moved, largest });
    if (opened.has(hit.id)) card.querySelector("details")?.setAttribute("open", "");
    return element("li", {}, card);
  });
  list.replaceChildren(...(items.length === 0 ? [emptyItem("Nothing was found.")] : items));
  moveFrom(list, places);
}
