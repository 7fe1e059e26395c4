import type { ExplainedText } from "../api-types.ts";
import { debounced, element } from "../dom.ts";
import type { PageFacts } from "../facts.ts";
import { Latest } from "../latest.ts";
import { butterfly } from "../parts/butterfly.ts";
import { dimsSlider, textField } from "../parts/fields.ts";
import { markedText } from "../parts/marked-text.ts";
import { modelChoice } from "../parts/model-choice.ts";
import type { View, ViewPart } from "../view.ts";
import { compareHead, type Pair, sideNames, titlesOf } from "./compare-sides.ts";
import { exampleText, explainText, largestWeight, taskChoice, textFigures } from "./text-view.ts";

/** Weights that B keeps at first where there is one model. */
const fewWeights = 16;

/** What two models, or one model with two limits, make of one text. */
export function compareText(facts: PageFacts): View {
  return {
    name: "compare-text",
    title: "Compare",
    create(): ViewPart {
      const update = debounced(() => void refresh());
      const text = textField("Your text", exampleText, 3);
      const task = taskChoice(update);
      text.input.addEventListener("input", update);
      const sides = sideNames.map((name, side) => sideForm(name, facts, side, update));
      const result = element("div", { class: "result" });
      const latest = new Latest(result);
      const refresh = () =>
        latest.run(async (signal) => {
          const { value } = text.input;
          if (value.trim() === "") {
            result.replaceChildren(element("p", { class: "empty" }, "Type a text to compare its terms."));
            return;
          }
          const settings = sides.map((side) => side.value());
          const explained = await Promise.all(
            settings.map((side) => explainText(value, task.input.value, side, signal)),
          );
          const titles = titlesOf([settings[0]!, settings[1]!]);
          result.replaceChildren(...comparison([explained[0]!, explained[1]!], titles));
        });
      void refresh();
      const root = element(
        "div",
        {},
        compareHead("One text, read twice", "compare-text"),
        element(
          "div",
          { class: "panel" },
          text.whole,
          element("div", { class: "controls" }, task.whole),
          element("div", { class: "columns wide" }, ...sides.map((side) => side.root)),
        ),
        result,
      );
      return { root };
    },
  };
}

function sideForm(name: string, facts: PageFacts, side: number, onChange: () => void) {
  const model = modelChoice(facts.models, onChange, side);
  const first = side === 1 && facts.models.length < 2 ? fewWeights : undefined;
  const dims = dimsSlider("Weights to keep", onChange, first);
  return {
    root: element(
      "fieldset",
      { class: "settings" },
      element("legend", {}, `Settings ${name}`),
      model.field?.whole,
      dims.whole,
    ),
    value: () => ({ model: model.value(), maxActiveDims: dims.value() }),
  };
}

function comparison(explained: Pair<ExplainedText>, titles: Pair<string>): HTMLElement[] {
  const largest: Pair<number> = [largestWeight(explained[0]), largestWeight(explained[1])];
  const columns = explained.map((side, place) =>
    element(
      "section",
      { "aria-label": sideNames[place] },
      element("h2", { class: "side-title" }, titles[place]),
      markedText(side.segments, largest[place]!, `Words and their weights, ${sideNames[place]}`),
      textFigures(side),
    ),
  );
  const table = (caption: string, isInText: boolean, kind: string) =>
    butterfly(mergedTerms(explained, isInText), {
      caption,
      left: sideNames[0],
      right: sideNames[1],
      kinds: [kind, kind],
      largest,
    });
  return [
    element("div", { class: "columns wide" }, ...columns),
    element(
      "div",
      { class: "columns wide" },
      table("In your text", true, "own"),
      table("Added by the model", false, "added"),
    ),
  ];
}

/** Terms of both sides by their names, as two models may have two vocabularies; the heaviest first. */
function mergedTerms(explained: Pair<ExplainedText>, isInText: boolean) {
  const weights = explained.map(
    ({ terms }) =>
      new Map(
        terms
          .filter((term) => term.in_text === isInText)
          .map((term) => [plainToken(term.token), term.weight]),
      ),
  );
  const [left, right] = [weights[0]!, weights[1]!];
  return [...new Set([...left.keys(), ...right.keys()])]
    .map((term) => ({ term, left: left.get(term), right: right.get(term) }))
    .sort((a, b) => Math.max(b.left ?? 0, b.right ?? 0) - Math.max(a.left ?? 0, a.right ?? 0));
}

/** A piece of a vocabulary without the sign for a blank before it. */
function plainToken(token: string): string {
  return token.replace(/^[▁Ġ](?=.)/, "").replace(/(?<=.)<\/w>$/, "");
}
