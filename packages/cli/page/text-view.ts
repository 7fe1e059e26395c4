import { api, type ExplainedText, Latest } from "./api.ts";
import { byId, debounced, element } from "./dom.ts";
import { choice, dimsSlider, textField } from "./fields.ts";
import { markedText } from "./marked-text.ts";
import { reportFailure } from "./notice.ts";
import { percentText } from "./numbers.ts";
import { termBars } from "./term-bars.ts";
import type { View, ViewPart } from "./view.ts";

const example = "Cheap flights to Rome in the spring: which airlines should I look at?";

/** What a text activates: its own words, and the words that the model adds. */
export const textView: View = {
  name: "text",
  title: "Text",
  create(): ViewPart {
    const update = debounced(() => void refresh());
    const text = textField("Your text", example, 3);
    const dims = dimsSlider("Weights to keep", update);
    const task = choice(
      "Read as",
      [
        ["document", "a document"],
        ["query", "a query"],
      ],
      update,
    );
    text.input.addEventListener("input", update);
    const result = element("div", { class: "result", "aria-live": "polite" });
    const latest = new Latest();
    const refresh = () =>
      latest
        .run(async (signal) => {
          const name = task.input.value === "query" ? "query" : "document";
          const request = { [name]: text.input.value, max_active_dims: dims.value() };
          const explained = (await api.explain(request, signal))[name];
          if (explained !== undefined) result.replaceChildren(...explanation(explained));
        })
        .catch(reportFailure);
    void refresh();
    const controls = element("div", { class: "controls" }, task.whole, dims.whole);
    const root = element(
      "div",
      {},
      element("h1", {}, "What the model reads"),
      element(
        "p",
        { class: "lead" },
        "A sparse encoder turns a text into weighted words: the words of the text, and words that it implies.",
      ),
      element("div", { class: "panel" }, text.whole, controls),
      result,
    );
    return { root, show: () => byId("main").scrollTo(0, 0) };
  },
};

/** The text with its words marked, how much of the weight the model added, and the terms in two columns. */
function explanation({ segments, terms, active_dims: activeDims }: ExplainedText): HTMLElement[] {
  const largest = Math.max(0, ...terms.map(({ weight }) => weight));
  const present = terms.filter((term) => term.in_text);
  const added = terms.filter((term) => !term.in_text);
  const share = totalWeight(added) / (totalWeight(terms) || 1);
  return [
    markedText(segments, largest),
    element(
      "p",
      { class: "figures" },
      figure(String(activeDims), "active dims"),
      figure(percentText(share), "of the weight was added by the model"),
    ),
    element(
      "div",
      { class: "columns" },
      termBars("In your text", present, largest, "own"),
      termBars("Added by the model", added, largest, "added"),
    ),
  ];
}

function totalWeight(terms: readonly { readonly weight: number }[]): number {
  return terms.reduce((total, { weight }) => total + weight, 0);
}

/** A number and what it counts. */
export function figure(value: string, label: string): HTMLElement {
  return element("span", { class: "figure" }, element("b", {}, value), ` ${label}`);
}
