import { type ArmName, api } from "./api.ts";
import { compareView } from "./compare-view.ts";
import { byId, element } from "./dom.ts";
import { exportView } from "./export-view.ts";
import { matchView } from "./match-view.ts";
import { reportFailure } from "./notice.ts";
import { searchView } from "./search-view.ts";
import { textView } from "./text-view.ts";
import { startTheme } from "./theme.ts";
import type { View, ViewPart } from "./view.ts";

/** Builds the page when the server has said what it has. */
async function start(): Promise<void> {
  startTheme();
  const info = await api.info();
  const arms: ArmName[] =
    info.dense_model_id === null ? ["sparse", "keyword"] : ["sparse", "keyword", "dense"];
  const views = [textView, matchView, searchView(arms), compareView(arms)];
  const links = views.map(({ name, title }) => element("a", { href: `#${name}` }, title));
  byId("views").replaceChildren(...links);
  const dense = info.dense_model_id === null ? "" : `, ${info.dense_model_id}`;
  byId("facts").textContent =
    `${info.model_id}${dense} · ${info.dimension.toLocaleString("en")} dims · ${info.model_dtype} · version ${info.version}`;
  const built = new Map<string, ViewPart>();
  const show = (isFirst: boolean) => {
    const view = views.find(({ name }) => `#${name}` === location.hash) ?? views[0]!;
    showView(view, built, isFirst);
    for (const link of links) {
      if (link.hash === `#${view.name}`) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
  };
  window.addEventListener("hashchange", () => {
    if (location.hash !== "#main") show(false);
  });
  byId("export").addEventListener("click", () => {
    exportView(location.hash.slice(1) || "text").catch(reportFailure);
  });
  document.addEventListener("keydown", focusQuery);
  show(true);
}

function showView(view: View, built: Map<string, ViewPart>, isFirst: boolean): void {
  const part = built.get(view.name) ?? view.create();
  built.set(view.name, part);
  document.title = `${view.title} – sparse-encoder`;
  byId("main").replaceChildren(part.root);
  part.show?.();
  // Those who listen to the page hear the new view from its start.
  if (!isFirst) byId("main").focus();
}

/** `/` goes to the first field, as on many pages that search. */
function focusQuery(event: KeyboardEvent): void {
  const isTyping = event.target instanceof Element && event.target.matches("input, textarea, select");
  if (event.key !== "/" || isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  byId("main").querySelector<HTMLElement>("input[type=search], textarea")?.focus();
}

start().catch(reportFailure);
