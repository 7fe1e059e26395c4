import { api, Latest, type SharedTerm } from "./api.ts";
import { debounced, element, withShare } from "./dom.ts";
import { dimsSlider, textField } from "./fields.ts";
import { markedText } from "./marked-text.ts";
import { reportFailure } from "./notice.ts";
import { countText, percentText, weightText } from "./numbers.ts";
import { figure } from "./text-view.ts";
import type { View, ViewPart } from "./view.ts";

const example = {
  query: "How do plants make food?",
  document:
    "Photosynthesis lets leaves turn sunlight, water and carbon dioxide into sugar that the plant eats.",
};

/** A query against a document: which terms they share, and what each adds to the score. */
export const matchView: View = {
  name: "match",
  title: "Match",
  create(): ViewPart {
    const update = debounced(() => void refresh());
    const query = textField("Query", example.query, 2);
    const document = textField("Document", example.document, 2);
    const dims = dimsSlider("Weights to keep", update);
    for (const { input } of [query, document]) input.addEventListener("input", update);
    const result = element("div", { class: "result", "aria-live": "polite" });
    const latest = new Latest();
    const refresh = () =>
      latest
        .run(async (signal) => {
          const answer = await api.explain(
            { query: query.input.value, document: document.input.value, max_active_dims: dims.value() },
            signal,
          );
          const { score = 0, shared = [] } = answer;
          const shares = new Map(shared.map(({ index, contribution }) => [index, contribution]));
          const largest = Math.max(0, ...shares.values());
          const segments = (answer.document?.segments ?? []).map((segment) => ({
            ...segment,
            weight: shares.get(segment.index ?? -1) ?? 0,
          }));
          result.replaceChildren(
            element(
              "p",
              { class: "figures" },
              figure(score.toFixed(2), "score"),
              figure(String(shared.length), shared.length === 1 ? "shared term" : "shared terms"),
            ),
            markedText(segments, largest),
            shared.length === 0
              ? element("p", { class: "muted" }, "They share no term.")
              : sharedTable(shared),
          );
        })
        .catch(reportFailure);
    void refresh();
    const root = element(
      "div",
      {},
      element("h1", {}, "Why a document matches"),
      element(
        "p",
        { class: "lead" },
        "The score is a sum: for each shared term, its weight in the query times its weight in the document.",
      ),
      element(
        "div",
        { class: "panel" },
        element("div", { class: "columns" }, query.whole, document.whole),
        element("div", { class: "controls" }, dims.whole),
      ),
      result,
    );
    return { root };
  },
};

function sharedTable(shared: readonly SharedTerm[]): HTMLElement {
  const most = (name: "query_weight" | "document_weight") =>
    Math.max(...shared.map((term) => Math.abs(term[name])));
  const [mostQuery, mostDocument] = [most("query_weight"), most("document_weight")];
  const head = ["Query", "Term", "Document", "Share"].map((name) => element("th", { scope: "col" }, name));
  const rows = shared.map((term) =>
    element(
      "tr",
      {},
      element(
        "td",
        { class: "side left" },
        element("span", { class: "number" }, weightText(term.query_weight)),
        withShare(
          element("span", { class: "bar keyword", "aria-hidden": "true" }),
          term.query_weight / mostQuery,
        ),
      ),
      element("th", { scope: "row" }, term.token),
      element(
        "td",
        { class: "side right" },
        withShare(
          element("span", { class: "bar own", "aria-hidden": "true" }),
          term.document_weight / mostDocument,
        ),
        element("span", { class: "number" }, weightText(term.document_weight)),
      ),
      element("td", { class: "number" }, percentText(term.share)),
    ),
  );
  return element(
    "section",
    { class: "terms" },
    element(
      "table",
      { class: "butterfly" },
      element(
        "caption",
        {},
        "What they share",
        element("small", {}, countText(shared.length, "term", "terms")),
      ),
      element("thead", {}, element("tr", {}, ...head)),
      element("tbody", {}, ...rows),
    ),
  );
}
