import { api } from "../api.ts";
import type { ExplainedText } from "../api-types.ts";
import { debounced, element } from "../dom.ts";
import type { PageFacts } from "../facts.ts";
import { Latest } from "../latest.ts";
import { percentText } from "../numbers.ts";
import { choice, dimsSlider, type Field, textField } from "../parts/fields.ts";
import { figure } from "../parts/figure.ts";
import { markedText } from "../parts/marked-text.ts";
import { modelChoice } from "../parts/model-choice.ts";
import { termBars } from "../parts/term-bars.ts";
import type { View, ViewPart } from "../view.ts";

/** The text at first. */
export const exampleText = "Cheap flights to Rome in the spring: which airlines should I look at?";

/** What a text activates: its own words, and the words that the model adds. */
export function textView(facts: PageFacts): View {
  return {
    name: "text",
    title: "Text",
    create(): ViewPart {
      const update = debounced(() => void refresh());
      const text = textField("Your text", exampleText, 3);
      const model = modelChoice(facts.models, update);
      const dims = dimsSlider("Weights to keep", update);
      const task = taskChoice(update);
      text.input.addEventListener("input", update);
      const result = element("div", { class: "result" });
      const latest = new Latest(result);
      const refresh = () =>
        latest.run(async (signal) => {
          const { value } = text.input;
          if (value.trim() === "") {
            result.replaceChildren(element("p", { class: "empty" }, "Type a text to see its terms."));
            return;
          }
          const settings = { model: model.value(), maxActiveDims: dims.value() };
          result.replaceChildren(
            ...explanation(await explainText(value, task.input.value, settings, signal)),
          );
        });
      void refresh();
      const controls = element("div", { class: "controls" }, model.field?.whole, task.whole, dims.whole);
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
      return { root };
    },
  };
}

/** A choice of how a text is read. */
export function taskChoice(onChange: () => void): Field<HTMLSelectElement> {
  return choice(
    "Read as",
    [
      ["document", "a document"],
      ["query", "a query"],
    ],
    onChange,
  );
}

/** The terms of a text. */
export async function explainText(
  text: string,
  task: string,
  { model, maxActiveDims }: { readonly model: string; readonly maxActiveDims: number | undefined },
  signal: AbortSignal,
): Promise<ExplainedText> {
  const name = task === "query" ? "query" : "document";
  const explained = await api.explain({ [name]: text, model, max_active_dims: maxActiveDims }, signal);
  return explained[name]!;
}

/** The text with its words marked, how much of the weight the model added, and the terms in two columns. */
function explanation(explained: ExplainedText): HTMLElement[] {
  const { terms, segments } = explained;
  const largest = largestWeight(explained);
  const present = terms.filter((term) => term.in_text);
  const added = terms.filter((term) => !term.in_text);
  return [
    markedText(segments, largest, "Words and their weights"),
    textFigures(explained),
    element(
      "div",
      { class: "columns" },
      termBars("In your text", present, largest, "own"),
      termBars("Added by the model", added, largest, "added"),
    ),
  ];
}

export function largestWeight({ terms }: ExplainedText): number {
  return Math.max(0, ...terms.map(({ weight }) => weight));
}

/** How many dims a text activates, how much of their weight the model added, and whether the text is cut. */
export function textFigures({
  terms,
  active_dims: dims,
  tokens,
  max_tokens: most,
}: ExplainedText): HTMLElement {
  const added = totalWeight(terms.filter((term) => !term.in_text));
  return element(
    "p",
    { class: "figures", role: "status" },
    figure(dims.toLocaleString("en"), dims === 1 ? "active dim" : "active dims"),
    figure(percentText(added / (totalWeight(terms) || 1)), "of the weight was added by the model"),
    tokens >= most && figure(tokens.toLocaleString("en"), "tokens are read; what comes after them is cut"),
  );
}

function totalWeight(terms: readonly { readonly weight: number }[]): number {
  return terms.reduce((total, { weight }) => total + weight, 0);
}
