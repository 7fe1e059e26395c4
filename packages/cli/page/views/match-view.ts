import { api } from "../api.ts";
import type { Explanation, SharedTerm } from "../api-types.ts";
import { debounced, element } from "../dom.ts";
import type { PageFacts } from "../facts.ts";
import { Latest } from "../latest.ts";
import { percentText } from "../numbers.ts";
import { butterfly } from "../parts/butterfly.ts";
import { dimsSlider, textField } from "../parts/fields.ts";
import { figure } from "../parts/figure.ts";
import { markedText } from "../parts/marked-text.ts";
import { modelChoice } from "../parts/model-choice.ts";
import type { View, ViewPart } from "../view.ts";

const example = {
  query: "How do plants make food?",
  document:
    "Photosynthesis lets leaves turn sunlight, water and carbon dioxide into sugar that the plant eats.",
};

/** A query against a document: which terms they share, and what each adds to the score. */
export function matchView(facts: PageFacts): View {
  return {
    name: "match",
    title: "Match",
    create(): ViewPart {
      const update = debounced(() => void refresh());
      const query = textField("Query", example.query, 2);
      const document = textField("Document", example.document, 2);
      const model = modelChoice(facts.models, update);
      const dims = dimsSlider("Weights to keep", update);
      for (const { input } of [query, document]) input.addEventListener("input", update);
      const result = element("div", { class: "result" });
      const latest = new Latest(result);
      const refresh = () =>
        latest.run(async (signal) => {
          if (query.input.value.trim() === "" || document.input.value.trim() === "") {
            result.replaceChildren(element("p", { class: "empty" }, "Type a query and a document."));
            return;
          }
          const request = {
            query: query.input.value,
            document: document.input.value,
            model: model.value(),
            max_active_dims: dims.value(),
          };
          result.replaceChildren(...explanation(await api.explain(request, signal)));
        });
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
          element("div", { class: "controls" }, model.field?.whole, dims.whole),
        ),
        result,
      );
      return { root };
    },
  };
}

function explanation({ document, score = 0, shared = [] }: Explanation): HTMLElement[] {
  const shares = new Map(shared.map(({ index, contribution }) => [index, contribution]));
  const segments = (document?.segments ?? []).map((segment) => ({
    ...segment,
    weight: shares.get(segment.index ?? -1) ?? 0,
  }));
  return [
    element(
      "p",
      { class: "figures", role: "status" },
      figure(score.toFixed(2), "score"),
      figure(String(shared.length), shared.length === 1 ? "shared term" : "shared terms"),
    ),
    markedText(segments, Math.max(0, ...shares.values()), "Words and their weights"),
    shared.length === 0
      ? element("p", { class: "empty" }, "They share no term, so the score is 0.")
      : sharedTable(shared),
  ];
}

function sharedTable(shared: readonly SharedTerm[]): HTMLElement {
  const most = (name: "query_weight" | "document_weight") =>
    Math.max(...shared.map((term) => Math.abs(term[name])));
  return butterfly(
    shared.map(({ token, query_weight: left, document_weight: right, share }) => ({
      term: token,
      left,
      right,
      last: percentText(share),
    })),
    {
      caption: "What they share",
      left: "Query",
      right: "Document",
      last: "Share",
      kinds: ["keyword", "own"],
      largest: [most("query_weight"), most("document_weight")],
    },
  );
}
