import { api, Latest } from "./api.ts";
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
    const text = textField("Your text", example, 3);
    const update = debounced(() => void refresh());
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
          const answer = await api.explain(
            { [name]: text.input.value, max_active_dims: dims.value() },
            signal,
          );
          const explained = answer[name];
          if (explained === undefined) return;
          const { segments, terms, active_dims: activeDims } = explained;
          const largest = Math.max(0, ...terms.map(({ weight }) => weight));
          const own = terms.filter((term) => term.in_text);
          const added = terms.filter((term) => !term.in_text);
          const sum = (part: readonly { readonly weight: number }[]) =>
            part.reduce((total, { weight }) => total + weight, 0);
          const share = sum(added) / (sum(terms) || 1);
          result.replaceChildren(
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
              termBars("In your text", own, largest, "own"),
              termBars("Added by the model", added, largest, "added"),
            ),
          );
        })
        .catch(reportFailure);
    void refresh();
    const root = element(
      "div",
      {},
      element("h1", {}, "What the model reads"),
      element(
        "p",
        { class: "lead" },
        "A sparse encoder turns a text into weighted words: those that it has, and words that it implies.",
      ),
      element(
        "div",
        { class: "panel" },
        text.whole,
        element("div", { class: "controls" }, task.whole, dims.whole),
      ),
      result,
    );
    return { root, show: () => byId("main").scrollTo(0, 0) };
  },
};

/** A number and what it counts. */
export function figure(value: string, label: string): HTMLElement {
  return element("span", { class: "figure" }, element("b", {}, value), ` ${label}`);
}
