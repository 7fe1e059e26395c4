import { api } from "./api.ts";
import { byId, element } from "./dom.ts";
import { exportView } from "./export-view.ts";
import { factsOf, factsText, type PageFacts } from "./facts.ts";
import { reportFailure } from "./notice.ts";
import { startTheme } from "./theme.ts";
import type { View, ViewPart } from "./view.ts";
import { compareQueries } from "./views/compare-queries.ts";
import { type AskedQuery, compareSearch } from "./views/compare-search.ts";
import { comparedSettings } from "./views/compare-sides.ts";
import { compareText } from "./views/compare-text.ts";
import { matchView } from "./views/match-view.ts";
import { searchView } from "./views/search-view.ts";
import { textView } from "./views/text-view.ts";

/** Builds the page when the server has said what it has. */
async function start(): Promise<void> {
  startTheme();
  const info = await api.info();
  const views = viewsOf(factsOf(info));
  // Views that compare are one entry of the navigation.
  const links = views
    .filter(({ title }, place) => views.findIndex((view) => view.title === title) === place)
    .map(({ name, title }) => element("a", { href: `#${name}` }, title));
  byId("views").replaceChildren(...links);
  byId("facts").textContent = factsText(info);
  const built = new Map<string, ViewPart>();
  let shown = views[0]!;
  const show = (isFirst: boolean) => {
    shown = views.find(({ name }) => `#${name}` === location.hash) ?? views[0]!;
    showView(shown, built, isFirst);
    for (const link of links) {
      if (link.textContent === shown.title) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
  };
  window.addEventListener("hashchange", () => show(false));
  byId("export").addEventListener("click", () => {
    exportView(shown).catch(reportFailure);
  });
  document.addEventListener("keydown", focusQuery);
  show(true);
}

function viewsOf(facts: PageFacts): readonly View[] {
  const settings = comparedSettings(facts);
  const asked: AskedQuery = { text: undefined };
  return [
    textView(facts),
    matchView(facts),
    searchView(facts),
    compareSearch(settings, asked),
    compareText(facts),
    compareQueries(facts, settings, asked),
  ];
}

/** The address keeps the view. */
function skipToContent(event: Event): void {
  event.preventDefault();
  byId("main").focus();
}

function showView(view: View, built: Map<string, ViewPart>, isFirst: boolean): void {
  const part = built.get(view.name) ?? view.create();
  built.set(view.name, part);
  document.title = `${view.title} – sparse-encoder`;
  byId("main").replaceChildren(part.root);
  part.show?.();
  if (isFirst) return;
  // Who listens to the page hears the new view from its start.
  byId("main").focus();
  window.scrollTo(0, 0);
}

/** `/` goes to the first field, as on many pages that search. */
function focusQuery(event: KeyboardEvent): void {
  const isTyping = event.target instanceof Element && event.target.matches("input, textarea, select");
  if (event.key !== "/" || isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  byId("main").querySelector<HTMLElement>("input[type=search], textarea")?.focus();
}

byId("skip").addEventListener("click", skipToContent);
start().catch(reportFailure);
